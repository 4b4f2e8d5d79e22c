"""Sensitivity by the size of the tumor, where masks tell it."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from brainmri.dataset.predictions import Prediction
from brainmri.scoring.calibration import OperatingPoint
from brainmri.scoring.cases import Unit, gather_cases
from brainmri.scoring.evaluation import evaluate_cases
from brainmri.scoring.resampling import IntervalParams

_UNIT = "slices with tumor, by the share of the prepared image that the mask covers"


def evaluate_tumor_sizes(
    predictions: Sequence[Prediction],
    shares: Mapping[str, float],
    point: OperatingPoint,
    params: IntervalParams,
) -> dict[str, Any]:
    """Sensitivity for the smaller and the larger half; empty where fewer than two slices have a size.

    `shares` holds, by slice id, how much of the prepared image the tumor's mask covers, above 0 to 1.
    """
    sized = [row for row in predictions if row.slice_id in shares and row.label == point.positive]
    if len(sized) < 2:
        return {}
    middle = median(shares[row.slice_id] for row in sized)
    halves = {
        "smaller": [row for row in sized if shares[row.slice_id] < middle],
        "larger": [row for row in sized if shares[row.slice_id] >= middle],
    }
    return {
        "unit": _UNIT,
        "median_share": middle,
        **{name: _describe(rows, point, params) for name, rows in halves.items() if rows},
    }


def _describe(rows: Sequence[Prediction], point: OperatingPoint, params: IntervalParams) -> dict[str, Any]:
    report = evaluate_cases(gather_cases(rows, point, Unit.SLICE), point.threshold, params)
    return {name: report[name] for name in ("n", "groups", "sensitivity")}
