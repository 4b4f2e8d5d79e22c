"""Which is the better detector: a classifier, or a segmenter's map? On the same slices, paired."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from brainmri.dataset.manifest import Subset
from brainmri.dataset.predictions import Prediction, select_predictions
from brainmri.errors import BadInput
from brainmri.scoring.areas import compare_areas
from brainmri.scoring.calibration import OperatingPoint
from brainmri.scoring.cases import Unit, gather_cases
from brainmri.scoring.evaluation import EvaluateParams, evaluate_predictions

_SHOWN = ("auroc", "auprc", "accuracy", "sensitivity", "specificity", "brier")


def compare_detectors(
    segmenter: tuple[Sequence[Prediction], OperatingPoint],
    classifier: tuple[Sequence[Prediction], OperatingPoint],
    params: EvaluateParams,
) -> dict[str, Any]:
    """All figures of both, each by its own operating point, and the difference of areas with a verdict.

    Raises `BadInput` where they have not predicted the same slices.
    """
    held_out = any(row.subset is Subset.TEST for row in segmenter[0])
    subset = Subset.TEST if held_out else Subset.VALID
    chosen = [select_predictions(rows, subset) for rows, _ in (segmenter, classifier)]
    if [row.slice_id for row in chosen[0]] != [row.slice_id for row in chosen[1]]:
        raise BadInput(
            "predictions: expected classifier and segmenter on the same slices, came others; rerun"
        )
    points = segmenter[1], classifier[1]
    report: dict[str, Any] = {
        name: evaluate_predictions(rows, point, params)
        for name, rows, point in zip(("segmenter", "classifier"), chosen, points, strict=True)
    }
    cases = [gather_cases(rows, point, Unit.SLICE) for rows, point in zip(chosen, points, strict=True)]
    found = compare_areas(cases[0], cases[1], np.zeros(len(cases[0].truth), np.int64), params)
    if found is None:
        return report | {"finding": "no area has an interval: too few slices or groups of one class"}
    low, high = found.bounds
    report["auroc_difference"] = {"value": found.difference, "low": low, "high": high}
    report["p_value"] = found.p_value
    report["verdict"] = found.verdict.value
    report["finding"] = f"the segmenter's score is {found.verdict} than the classifier's".replace(
        "not separable than", "not separable from"
    )
    return report


def tabulate_detectors(report: Mapping[str, Any], subset: str) -> str:
    """Both in one Markdown table, per slice, with intervals in brackets."""
    figures = report["classifier"]["slice"]
    lines = [
        "# Detecting slices with tumor",
        "",
        f"{figures['n']} slices of {figures['groups']} groups, subset {subset}; "
        f"{100 * figures['confidence']:g} % intervals. The segmenter's score is that of the strongest 5 × 5 "
        f"pixels of its map. {report['finding'].capitalize()}.",
        "",
        f"| | {' | '.join(_SHOWN)} |",
        f"| --- |{' --- |' * len(_SHOWN)}",
    ]
    for name in ("classifier", "segmenter"):
        lines.append(f"| {name} | {' | '.join(_show(report[name]['slice'].get(key)) for key in _SHOWN)} |")
    if "auroc_difference" in report:
        lines.append(f"| difference | {_show(report['auroc_difference'], '+')} |{' |' * (len(_SHOWN) - 1)}")
    return "\n".join([*lines, ""])


def _show(found: Mapping[str, float] | None, sign: str = "") -> str:
    if found is None:
        return "–"
    value = f"{found['value']:{sign}.3f}"
    return f"{value} ({found['low']:{sign}.3f} to {found['high']:{sign}.3f})" if "low" in found else value
