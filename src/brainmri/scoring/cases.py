"""The cases that figures are computed over: slices, or patients made of slices."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from brainmri.dataset.predictions import Prediction
from brainmri.errors import BadInput
from brainmri.scoring.calibration import OperatingPoint, Truth, Values, apply_temperature


class Unit(StrEnum):
    """What one case is; a patient's score is the maximum or the mean of its slices' calibrated scores."""

    SLICE = "slice"
    PATIENT_MAX = "patient_max"
    PATIENT_MEAN = "patient_mean"


@dataclass(frozen=True)
class Cases:
    """Cases as arrays (n,): `truth`, the calibrated `score` (0 to 1), and `group`, numbered from 0.

    Raises `ValueError` for arrays that don't fit together, `BadInput` if there is no case.
    """

    truth: Truth
    score: Values
    group: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Checks the arrays once."""
        if not len(self.truth):
            raise BadInput("expected at least one case to score, came none")
        if not self.truth.shape == self.score.shape == self.group.shape == (len(self.truth),):
            raise ValueError("expected truth, score and group of one length")
        if self.truth.dtype != np.bool_:
            raise ValueError(f"expected truth as booleans, came {self.truth.dtype}")
        if not ((self.score >= 0) & (self.score <= 1)).all():
            raise ValueError("expected scores from 0 to 1")
        if not np.array_equal(np.unique(self.group), np.arange(self.group.max() + 1)):
            raise ValueError("expected groups numbered 0, 1, 2 … without a gap")

    @property
    def groups(self) -> int:
        """The number of groups."""
        return int(self.group.max()) + 1


def gather_cases(predictions: Sequence[Prediction], point: OperatingPoint, unit: Unit) -> Cases:
    """The cases of `unit`, in the order of their names.

    A patient is positive if any of its slices is. Slices without a patient make no patient; if none
    has one, `BadInput` is raised, as it is for a patient whose slices lie in several groups.
    """
    rows = sorted(predictions, key=lambda row: row.slice_id)
    scores = apply_temperature(np.array([row.logit for row in rows]), point.temperature)
    truths = np.array([row.label == point.positive for row in rows], dtype=np.bool_)
    groups = [row.group for row in rows]
    if unit is Unit.SLICE:
        return Cases(truths, scores, _number(groups))
    members: dict[str, list[int]] = {}
    for index, row in enumerate(rows):
        if row.patient is not None:
            members.setdefault(row.patient, []).append(index)
    patients = sorted(members)
    combine = np.max if unit is Unit.PATIENT_MAX else np.mean
    return Cases(
        truth=np.array([truths[members[patient]].any() for patient in patients], dtype=np.bool_),
        score=np.array([combine(scores[members[patient]]) for patient in patients], dtype=np.float64),
        group=_number([_only_group(patient, {groups[i] for i in members[patient]}) for patient in patients]),
    )


def _number(groups: Sequence[str]) -> NDArray[np.int64]:
    return np.unique(np.array(groups, dtype=np.str_), return_inverse=True)[1].astype(np.int64)


def _only_group(patient: str, groups: set[str]) -> str:
    if len(groups) > 1:
        raise BadInput(
            f"patient {patient}: expected one group, came {', '.join(sorted(groups))}; rerun audit"
        )
    return groups.pop()
