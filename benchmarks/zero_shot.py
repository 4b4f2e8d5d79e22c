"""What a shipped detector, which has seen synthetic MRI alone, says of a folder of real scans.

    python -m benchmarks.zero_shot RAW --name kaggle253 [--positive yes] [--channel 1] [--arch resnet34]
        [--sizes 96 128 224]

RAW is a folder as `raw` of params.yaml takes it. Nothing is trained or chosen here: the images are prepared
by the detector's own rule, its temperature and threshold are those of unseen phantoms. Intervals are
clustered by patients and copies, as the audit groups them. Where there are masks, tumors over 1 % of the head
are figured apart (the head: what is brighter than a twelfth of the range). `--sizes` prepares
at other sizes too, from which the detector brings images to its own, as it does with any.
"""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measurement import describe_commit, describe_machine, end_in_a_line, write_results
from benchmarks.settings import SETTINGS, parse_set
from brainmri.dataset.audit import audit_set
from brainmri.dataset.groups import GroupRow
from brainmri.dataset.prepare import PrepareParams, prepare_folder
from brainmri.dataset.prepared import PreparedSet, read_prepared, read_raw_facts
from brainmri.learning.prediction import Classifier, fit_size, predict_logits, read_classifier
from brainmri.learning.seeing import see_images
from brainmri.learning.shipped import find_shipped
from brainmri.params import PARAMS_PATH, Section, read_params
from brainmri.scoring.calibration import apply_temperature
from brainmri.scoring.cases import Cases
from brainmri.scoring.evaluation import EvaluateParams, evaluate_cases
from brainmri.scoring.novelty import measure_novelty
from brainmri.serving.model import CLASSIFIER, WEIGHTS, Model, read_model

PACKAGES = ("torch", "torchvision", "fastai", "numpy")
FIGURES = ("auroc", "auprc", "accuracy", "balanced_accuracy", "sensitivity", "specificity", "confusion")
_HEAD, _LEAST = 255 / 12, 0.01


class Params(Section):
    """The keys of params.yaml that figures need."""

    evaluate: EvaluateParams


def prepare(raw: Path, params: PrepareParams, folder: Path) -> tuple[PreparedSet, Sequence[GroupRow]]:
    """The prepared set, and the group of each slice; tells what was rejected."""
    count = prepare_folder(raw, params, folder)
    print(f"{params.size} px: {count.found} scans, {count.rejected} rejected")
    prepared = read_prepared(folder)
    return prepared, audit_set(prepared, read_raw_facts(folder), [], SETTINGS.audit).groups


def score(
    prepared: PreparedSet, group: NDArray[np.int64], logits: NDArray[np.float64], model: Model
) -> dict[str, Any]:
    """Figures of all slices, and of those without tumor and with one over 1 % of the head."""
    params = read_params(Params, Path(__file__).parents[1] / PARAMS_PATH).evaluate
    truth, point = prepared.is_positive(), model.point
    probability = apply_temperature(logits, point.temperature)
    chosen = {"all": np.ones(len(truth), bool)}
    if any(row.has_mask for row in prepared.slices):
        head = (prepared.images > _HEAD).sum(axis=(1, 2))
        share = np.array([row.tumor_area or 0 for row in prepared.slices]) / np.maximum(head, 1)
        chosen["over_1_percent"] = ~truth | (share > _LEAST)
    found = {}
    for name, kept in chosen.items():
        numbered = np.unique(group[kept], return_inverse=True)[1]
        cases = Cases(truth[kept], probability[kept], numbered)
        figures = evaluate_cases(cases, point.threshold, params)
        found[name] = {"n": int(kept.sum()), "groups": cases.groups, "tumors": int(truth[kept].sum())}
        found[name] |= {key: figures[key] for key in FIGURES if key in figures}
    return found


def measure_size(raw: Path, params: PrepareParams, classifier: Classifier, model: Model) -> dict[str, Any]:
    """All that is said of the scans prepared at one size; at the detector's own also what it finds unlike."""
    with tempfile.TemporaryDirectory() as folder:
        prepared, groups = prepare(raw, params, Path(folder) / "prepared")
        group = np.unique([row.group for row in groups], return_inverse=True)[1]
        images = np.array(prepared.images)
    if params.size != model.card.rule.size:
        logits = predict_logits(classifier, fit_size(images, classifier.card))
        return score(prepared, group, logits, model)
    seen = see_images(classifier, images)
    flagged = measure_novelty(seen.features, model.familiar) > 1
    return score(prepared, group, seen.logits, model) | {"flagged": float(np.mean(flagged))}


def show_area(area: Mapping[str, float]) -> str:
    """An area under the curve with its interval."""
    return f"{area['value']:.3f} ({area['low']:.3f} to {area['high']:.3f})"


def main() -> None:
    """A table of AUROC by size."""
    parser = parse_set(__doc__, "resnet34")
    parser.add_argument("--sizes", type=int, nargs="*", default=[])
    given = parser.parse_args()
    shipped = find_shipped(given.arch, "--arch")
    shipped.check()
    folder = shipped.folder
    model, classifier = read_model(folder), read_classifier(folder / CLASSIFIER, WEIGHTS)
    by_size = {}
    for size in _list_sizes(model.card.rule.size, given.sizes):
        rule = model.card.rule.model_dump() | {"size": size, "channel": given.channel}
        params = SETTINGS.prepare.model_dump(mode="json") | rule | {"positive": given.positive}
        found = measure_size(given.raw, PrepareParams.model_validate(params), classifier, model)
        by_size[str(size)] = found
        for name, figures in found.items():
            if name != "flagged":
                print(f"{size} px, {name}: {show_area(figures['auroc'])}")
    content = {"arch": given.arch, "own_size": model.card.rule.size, "by_size": by_size}
    content |= {"weights_sha256": model.weights_sha256, "commit": describe_commit()}
    content |= {"machine": describe_machine(PACKAGES)}
    write_results(f"zero_shot_{given.name}_{given.arch}", content)


def _list_sizes(own: int, others: Sequence[int]) -> list[int]:
    return [own, *(size for size in others if size != own)]


if __name__ == "__main__":
    end_in_a_line(main)
