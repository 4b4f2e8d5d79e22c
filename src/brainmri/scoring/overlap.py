"""Predicted masks against reference masks: the counts of each slice, and what they say of each patient."""

from collections.abc import Sequence

from brainmri.tables import Row


class SliceOverlap(Row):
    """One slice of plots/segmentation/evaluation/slices.csv.

    `case` is the patient, or the group where the patient is unknown. tp, fp, fn and tn count pixels.
    Distances are in millimeters where the spacing of every slice is known, else in pixels, and empty where
    prediction or reference is; a surface Dice is empty where both are.
    """

    slice_id: str
    group: str
    case: str
    label: str
    spacing_mm: float | None
    tp: int
    fp: int
    fn: int
    tn: int
    hausdorff95: float | None
    surface_dice: float | None
    lesions: int
    lesions_found: int
    false_lesions: int

    @property
    def tumor_px(self) -> int:
        """The pixels of the reference."""
        return self.tp + self.fn


class PatientOverlap(Row):
    """One patient of plots/segmentation/evaluation/patients.csv: all of its slices together.

    Figures are of 0 to 1, distances the mean over the slices where both masks show tumor, the surface Dice
    over those where either does; empty where undefined: without tumor in the reference all but specificity.
    """

    case: str
    group: str
    slices: int
    tumor_slices: int
    tumor_px: int
    predicted_px: int
    healthy_px: int
    dice: float | None
    iou: float | None
    sensitivity: float | None
    specificity: float | None
    precision: float | None
    hausdorff95: float | None
    surface_dice: float | None


def in_millimeters(spacings: Sequence[float | None]) -> bool:
    """Whether all pixels have a known width."""
    return all(spacing is not None for spacing in spacings)


def join_patients(slices: Sequence[SliceOverlap]) -> list[PatientOverlap]:
    """The slices of each patient (of each group, where no patient is known) as one volume."""
    members: dict[str, list[SliceOverlap]] = {}
    for row in slices:
        members.setdefault(row.case, []).append(row)
    return [_join(case, members[case]) for case in sorted(members)]


def dice(tp: int, fp: int, fn: int) -> float | None:
    """2 tp / (2 tp + fp + fn), the one rule for empty masks: None where the reference is empty.

    Without tumor in the reference there is nothing to overlap with: 0 for any false pixel and 1 for none
    would make a mean of it a measure of how many such cases there are. They are judged by specificity and
    by the area that is called falsely.
    """
    return 2 * tp / (2 * tp + fp + fn) if tp + fn else None


def _join(case: str, rows: Sequence[SliceOverlap]) -> PatientOverlap:
    tp, fp, fn, tn = (sum(getattr(row, name) for row in rows) for name in ("tp", "fp", "fn", "tn"))
    tumor = tp + fn > 0
    return PatientOverlap(
        case=case,
        group=rows[0].group,
        slices=len(rows),
        tumor_slices=sum(row.tumor_px > 0 for row in rows),
        tumor_px=tp + fn,
        predicted_px=tp + fp,
        healthy_px=tn + fp,
        dice=dice(tp, fp, fn),
        iou=tp / (tp + fp + fn) if tumor else None,
        sensitivity=tp / (tp + fn) if tumor else None,
        specificity=tn / (tn + fp) if tn + fp else None,
        precision=tp / (tp + fp) if tumor and tp + fp else None,
        hausdorff95=_mean([row.hausdorff95 for row in rows]),
        surface_dice=_mean([row.surface_dice for row in rows]) if tumor else None,
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
