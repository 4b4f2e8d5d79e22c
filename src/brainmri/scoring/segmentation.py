"""metrics/segmentation.json: every figure of a set of predicted masks, with its unit in its name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainmri.scoring.calibration import Values
from brainmri.scoring.estimates import Estimate
from brainmri.scoring.evaluation import describe_estimate
from brainmri.scoring.overlap import PatientOverlap, SliceOverlap, dice, in_millimeters, join_patients
from brainmri.scoring.ratios import Amount, Ratio, estimate_difference, estimate_median, estimate_ratio

_Pick = Callable[[PatientOverlap], float | None]
_Count = Callable[[SliceOverlap], float]


@dataclass(frozen=True)
class Scale:
    """In what distances are measured, and how near outlines agree: as `2mm` or `2px`."""

    unit: str
    tolerance: float


def choose_scale(slices: Sequence[SliceOverlap], tolerance_mm: float, tolerance_px: float) -> Scale:
    """Millimeters where the spacing of every slice is known, else pixels."""
    known = in_millimeters([row.spacing_mm for row in slices])
    return Scale("mm", tolerance_mm) if known else Scale("px", tolerance_px)


def evaluate_masks(slices: Sequence[SliceOverlap], scale: Scale, confidence: float) -> dict[str, Any]:
    """Sizes, and each figure as `value`, `low`, `high`, clustered by group.

    An undefined figure is absent and counted in `undefined`; one without an interval has a `value` alone.
    """
    patients = join_patients(slices)
    tumor = [row for row in patients if row.tumor_px > 0]
    figures = _list_figures(slices, patients, scale, confidence)
    return {
        "unit": "patient"
        if any(row.case != row.group for row in slices)
        else "group, as no patient is known",
        "patients": len(patients),
        "patients_with_tumor": len(tumor),
        "patients_without_distance": sum(row.hausdorff95 is None for row in tumor),
        "patients_without_precision": sum(row.precision is None for row in tumor),
        "slices": len(slices),
        "slices_with_tumor": sum(map(_has_tumor, slices)),
        "slices_without_distance": sum(row.tumor_px > 0 and row.hausdorff95 is None for row in slices),
        "lesions_in_slices": sum(row.lesions for row in slices),
        "confidence": confidence,
        "undefined": sum(found is None for found in figures.values()),
        **{name: describe_estimate(found) for name, found in figures.items() if found is not None},
    }


def compare_masks(
    slices: Sequence[SliceOverlap], plain: Sequence[SliceOverlap], confidence: float
) -> dict[str, Any]:
    """What the mirrored view adds to Dice per patient, paired, and the figure without it."""
    pairs = zip(join_patients(slices), join_patients(plain), strict=True)
    both = [(one.dice, other.dice) for one, other in pairs if one.dice is not None and other.dice is not None]
    if not both:
        return {}
    first, second = np.array(both, np.float64).T
    found = {
        "dice_per_patient_mean_without": _average(join_patients(plain), _pick_dice, confidence),
        "dice_per_patient_mean_gain": estimate_difference(first, second, confidence),
    }
    return {name: describe_estimate(own) for name, own in found.items() if own is not None}


def _list_figures(
    slices: Sequence[SliceOverlap], patients: Sequence[PatientOverlap], scale: Scale, confidence: float
) -> dict[str, Estimate | None]:
    surface = f"normalized_surface_dice_{scale.tolerance:g}{scale.unit}_per_patient_mean"
    found = {name: _average(patients, pick, confidence) for name, pick in _SHARES.items()}
    found[surface] = _average(patients, lambda row: row.surface_dice, confidence)
    found["dice_per_patient_median"] = estimate_median(_take(patients, _pick_dice), confidence)
    distance = _average(patients, lambda row: row.hausdorff95, confidence, Amount.AMOUNT)
    found[f"hausdorff95_{scale.unit}_per_patient_mean"] = distance
    ratios: dict[str, tuple[_Count, _Count, Amount]] = {
        "sensitivity_per_lesion_in_slice": (_found_lesions, lambda row: row.lesions, Amount.SHARE),
        "sensitivity_of_slices": (lambda row: _has_tumor(row) * _is_called(row), _has_tumor, Amount.SHARE),
        "specificity_of_slices": (lambda row: _is_free(row) * (1 - _is_called(row)), _is_free, Amount.SHARE),
        "false_lesions_per_slice": (lambda row: row.false_lesions, lambda _: 1, Amount.AMOUNT),
        f"false_area_{scale.unit}2_per_tumor_free_slice": (
            lambda row: _is_free(row) * row.fp * _measure_pixel(row, scale),
            _is_free,
            Amount.AMOUNT,
        ),
    }
    groups = np.unique([row.group for row in slices], return_inverse=True)[1]
    dices = [_sum_by(groups, [float(count(row)) for row in slices]) for count in (_dice_of_slice, _has_tumor)]
    pixels = sum(2 * row.tp + row.fp + row.fn for row in slices)
    of_slices = Ratio(dices[0], dices[1], Amount.SHARE, pixels)
    found["dice_per_tumor_slice_mean"] = estimate_ratio(of_slices, confidence)
    for name, (top, bottom, kind) in ratios.items():
        sums = [_sum_by(groups, [float(count(row)) for row in slices]) for count in (top, bottom)]
        found[name] = estimate_ratio(Ratio(sums[0], sums[1], kind, int(sums[1].sum())), confidence)
    return found


def _average(
    patients: Sequence[PatientOverlap], pick: _Pick, confidence: float, kind: Amount = Amount.SHARE
) -> Estimate | None:
    """The mean over patients that have the figure; clusters are groups, cases all of their pixels."""
    own = [(row, value) for row in patients if (value := pick(row)) is not None]
    if not own:
        return None
    groups = np.unique([row.group for row, _ in own], return_inverse=True)[1]
    top = _sum_by(groups, [value for _, value in own])
    pixels = sum(row.tumor_px + row.predicted_px + row.healthy_px for row, _ in own)
    return estimate_ratio(Ratio(top, np.bincount(groups).astype(np.float64), kind, pixels), confidence)


def _sum_by(groups: NDArray[np.int64], values: Sequence[float]) -> Values:
    """(groups,): the sum of the values (n,) of each."""
    return np.bincount(groups, values).astype(np.float64)


def _take(patients: Sequence[PatientOverlap], pick: _Pick) -> Values:
    values = [pick(row) for row in patients]
    return np.array([value for value in values if value is not None], np.float64)


def _pick_dice(row: PatientOverlap) -> float | None:
    return row.dice


_SHARES: dict[str, _Pick] = {
    "dice_per_patient_mean": _pick_dice,
    "iou_per_patient_mean": lambda row: row.iou,
    "pixel_sensitivity_per_patient_mean": lambda row: row.sensitivity,
    "pixel_specificity_per_patient_mean": lambda row: row.specificity,
    "pixel_precision_per_patient_mean": lambda row: row.precision,
}


def _has_tumor(row: SliceOverlap) -> int:
    return int(row.tumor_px > 0)


def _is_free(row: SliceOverlap) -> int:
    return 1 - _has_tumor(row)


def _is_called(row: SliceOverlap) -> int:
    return int(row.tp + row.fp > 0)


def _found_lesions(row: SliceOverlap) -> int:
    return row.lesions_found


def _dice_of_slice(row: SliceOverlap) -> float:
    return dice(row.tp, row.fp, row.fn) or 0.0


def _measure_pixel(row: SliceOverlap, scale: Scale) -> float:
    return row.spacing_mm**2 if scale.unit == "mm" and row.spacing_mm else 1.0
