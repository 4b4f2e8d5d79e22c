"""metrics/test.json: every figure of a set of predictions, per slice and per patient."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from brainmri.dataset.predictions import Prediction
from brainmri.scoring.calibration import OperatingPoint
from brainmri.scoring.cases import Cases, Unit, gather_cases
from brainmri.scoring.catalogue import FIGURES
from brainmri.scoring.estimates import Estimate, estimate_figures
from brainmri.scoring.resampling import IntervalParams
from brainmri.scoring.tally import BINS, Threshold


class EvaluateParams(IntervalParams):
    """The section `evaluate`."""

    top_losses: Annotated[int, Field(ge=1, le=100, description="a whole number of slices from 1 to 100")]


def evaluate_predictions(
    predictions: Sequence[Prediction], point: OperatingPoint, params: IntervalParams
) -> dict[str, Any]:
    """One mapping a unit: `slice`, and `patient_max` and `patient_mean` where any patient is known.

    The predictions are one subset's and one epoch's (`select_predictions`). A patient mapping counts the
    slices that it leaves out for want of a patient.
    """
    report: dict[str, Any] = {}
    unknown = sum(row.patient is None for row in predictions)
    for unit in Unit:
        if unit is not Unit.SLICE and unknown == len(predictions):
            continue
        figures = evaluate_cases(gather_cases(predictions, point, unit), point.threshold, params)
        left_out = {} if unit is Unit.SLICE else {"slices_without_patient": unknown}
        report[unit.value] = {"unit": _UNITS[unit], **left_out, **figures}
    return report


def evaluate_cases(cases: Cases, threshold: Threshold, params: IntervalParams) -> dict[str, Any]:
    """Sizes, confusion counts, and each figure as `value`, `low`, `high`; one threshold is told of.

    An undefined figure is absent and counted in `undefined`; a figure without an interval (fewer than two
    groups to tell it from, or ECE) has a `value` alone and is counted in `without_interval`.
    """
    estimates = estimate_figures(cases, threshold, params)
    called = cases.score >= threshold
    report: dict[str, Any] = {
        "n": len(cases.truth),
        "groups": cases.groups,
        "prevalence": float(cases.truth.mean()),
        **({"threshold": threshold} if isinstance(threshold, float) else {}),
        "confidence": params.confidence,
        "confusion": {
            "tp": int((cases.truth & called).sum()),
            "fp": int((~cases.truth & called).sum()),
            "fn": int((cases.truth & ~called).sum()),
            "tn": int((~cases.truth & ~called).sum()),
        },
        "undefined": len(FIGURES) - len(estimates),
        "without_interval": sum(estimate.bounds is None for estimate in estimates.values()),
    }
    report |= {name: describe_estimate(estimate) for name, estimate in estimates.items()}
    report["ece"]["bins"] = f"{BINS} of equal width"
    return report


def evaluate_calibration(cases: Cases, params: IntervalParams) -> dict[str, Any]:
    """The figures that a temperature changes and a threshold doesn't: Brier score, ECE, log loss."""
    report = evaluate_cases(cases, 0.5, params)
    return {name: report[name] for name in ("brier", "ece", "log_loss") if name in report}


_UNITS = {
    Unit.SLICE: "slice",
    Unit.PATIENT_MAX: "patient, by the maximum of its slices' scores",
    Unit.PATIENT_MEAN: "patient, by the mean of its slices' scores",
}


def describe_estimate(estimate: Estimate) -> dict[str, Any]:
    """An estimate as metrics hold it: `value`, and `low` and `high` where it has an interval."""
    if estimate.bounds is None:
        return {"value": estimate.value}
    low, high = estimate.bounds
    return {"value": estimate.value, "low": low, "high": high}
