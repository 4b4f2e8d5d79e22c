"""Segmentation arms of a comparison: Dice of each patient out of fold, and paired differences."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from brainmri.dataset.manifest import Subset
from brainmri.dataset.units import SegmentedRow
from brainmri.scoring.calibration import Values
from brainmri.scoring.distributions import student_p_value
from brainmri.scoring.evaluation import describe_estimate
from brainmri.scoring.overlap import dice
from brainmri.scoring.pairing import holm
from brainmri.scoring.ratios import Amount, Ratio, estimate_difference, estimate_median, estimate_ratio


def describe_masks(
    arms: Mapping[str, Sequence[SegmentedRow]], confidence: float
) -> dict[str, dict[str, Any]]:
    """By arm: Dice per patient, mean and median with intervals, and the difference from the first.

    A patient's Dice is of all its slices as one volume, and the mean over seeds; patients without tumor in
    the reference have none (`overlap.dice`).
    """
    by_patient = {name: _measure(rows) for name, rows in arms.items()}
    figures = {name: _describe(arms[name], found, confidence) for name, found in by_patient.items()}
    if len(by_patient) < 2:
        return figures
    first_name, first = next(iter(by_patient.items()))
    others = {name: found for name, found in by_patient.items() if name != first_name}
    p_values = {name: _test(found, first) for name, found in others.items()}
    for name, adjusted in zip(others, holm(list(p_values.values())), strict=True):
        found = estimate_difference(others[name], first, confidence)
        if found is not None:
            separable = adjusted < 1 - confidence
            verdict = ("better" if found.value > 0 else "worse") if separable else "not separable"
            figures[name]["against_first_segmenter"] = {
                "first": first_name,
                "dice_difference": describe_estimate(found),
                "p_value": p_values[name],
                "p_value_holm": adjusted,
                "verdict": verdict,
            }
    return figures


def _measure(rows: Sequence[SegmentedRow]) -> Values:
    """Dice of each patient with tumor (patients,), in the order of their names, the mean over seeds."""
    counts: dict[str, dict[int, list[int]]] = {}
    for row in rows:
        if row.subset is Subset.TEST:
            own = counts.setdefault(row.patient or row.group, {}).setdefault(row.seed, [0, 0, 0])
            for place, pixels in enumerate((row.tp, row.fp, row.fn)):
                own[place] += pixels
    means = []
    for _, seeds in sorted(counts.items()):
        known = [value for tp, fp, fn in seeds.values() if (value := dice(tp, fp, fn)) is not None]
        means += [sum(known) / len(known)] if known else []
    return np.array(means, np.float64)


def _describe(rows: Sequence[SegmentedRow], found: Values, confidence: float) -> dict[str, Any]:
    pixels = sum(2 * row.tp + row.fp + row.fn for row in rows if row.subset is Subset.TEST)
    figures = {
        "dice_per_patient_mean": estimate_ratio(
            Ratio(found, np.ones(len(found)), Amount.SHARE, pixels), confidence
        ),
        "dice_per_patient_median": estimate_median(found, confidence),
    }
    return {"patients_with_tumor": len(found)} | {
        name: describe_estimate(own) for name, own in figures.items() if own is not None
    }


def _test(arm: Values, first: Values) -> float:
    """Student's paired t, two-sided; 1 where no patient differs."""
    found = arm - first
    if len(found) < 2 or not found.any():
        return 1.0
    error = float(found.std(ddof=1) / np.sqrt(len(found)))
    return student_p_value(float(found.mean()) / error, len(found) - 1) if error else 0.0
