"""Training images and masks -> the segmenter's learning rate: lr_find's valley, or the number in params.yaml.

As find_lr, for another network and loss: the classifier's rate is not the segmenter's.
"""

from pathlib import Path

from brainmri.dataset.manifest import read_manifest
from brainmri.dataset.masks import check_learnable
from brainmri.dataset.prepared import read_prepared
from brainmri.learning.records import RatePoint, write_rate
from brainmri.learning.segmentation_recipe import SegmenterSettings
from brainmri.params import read_params
from brainmri.tables import write_rows
from stages import run


class Params(SegmenterSettings):
    """The keys of params.yaml that this stage reads."""


def main(prepared: Path, manifest: Path, metrics: Path, curve: Path) -> None:
    """Prepared folder and manifest in; rate and curve out."""
    params, data, rows = read_params(Params), read_prepared(prepared), read_manifest(manifest)
    check_learnable(data, rows)
    given = params.segmentation.lr
    if given == "auto":
        # A number needs no torch.
        from brainmri.learning.rate import find_rate  # noqa: PLC0415
        from brainmri.learning.segmentation import select_masks  # noqa: PLC0415

        found = find_rate(select_masks(data, rows, params.segmentation.design), params.recipe)
        rate, points = found.learning_rate, found.curve
    else:
        rate, points = given, []
    write_rate(metrics, rate, "valley" if points else "params.yaml")
    write_rows(curve, points, RatePoint)
    print(f"find_lr_segmentation: {rate:.2e} -> {metrics}")


if __name__ == "__main__":
    run(main)
