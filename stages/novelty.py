"""Features of all slices -> what the training images look like, so that others can be told.

The training slices say what is familiar, the validation slices from where on an image is not; the test slices
only count how often that is wrong. The hash of the weights goes into it: it says nothing of what another
training sees. With features of images without a head their direction is learnt too.
"""

from pathlib import Path

from brainmri.dataset.manifest import read_manifest
from brainmri.params import Section, read_params
from brainmri.scans.files import hash_file
from brainmri.scoring.evaluation import EvaluateParams
from brainmri.scoring.novelty import NoveltyParams, read_features, write_familiar
from brainmri.scoring.novelty_fit import divide_outliers, learn_familiar, summarize_novelty
from brainmri.tables import write_mapping
from stages import run


class Params(Section):
    """The keys of params.yaml that this stage reads."""

    novelty: NoveltyParams
    evaluate: EvaluateParams


def main(
    features: Path,
    weights: Path,
    manifest: Path,
    familiar: Path,
    metrics: Path,
    outliers: Path | None = None,
) -> None:
    """Features, the weights that they are by, and manifest in; what is familiar and metrics out."""
    params, rows, seen = read_params(Params), read_manifest(manifest), read_features(features)
    others = None if outliers is None else divide_outliers(read_features(outliers))
    found = learn_familiar(seen, rows, params.novelty, hash_file(weights), others)
    write_familiar(familiar, found)
    write_mapping(metrics, summarize_novelty(found, seen, rows, params.evaluate.confidence, others))
    print(f"novelty: {found.facts.train_slices} slices are familiar -> {familiar}")


if __name__ == "__main__":
    run(main)
