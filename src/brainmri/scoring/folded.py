"""Out-of-fold predictions of one arm -> calibrated cases: each unit by its own temperature and threshold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brainmri.dataset.manifest import Subset
from brainmri.dataset.predictions import Epoch
from brainmri.dataset.prepared import Classes
from brainmri.dataset.units import ScoredRow
from brainmri.errors import BadInput
from brainmri.scoring.areas import Folds
from brainmri.scoring.calibration import (
    CalibrateParams,
    OperatingPoint,
    Values,
    apply_temperature,
    choose_operating_point,
)
from brainmri.scoring.cases import Cases

_Unit = tuple[int, int]  # seed, fold

# Keeps the log odds of a mean score finite.
_LEAST = 1e-6


@dataclass(frozen=True)
class Folded:
    """The scored slices of all units, by seed and slice id, and the same arrays (n,) for each of them.

    `cases` hold the calibrated scores; `threshold` is that of each case's unit, `unit` numbers the units.
    """

    rows: Sequence[ScoredRow]
    cases: Cases
    threshold: Values
    unit: Folds

    @property
    def called(self) -> NDArray[np.bool_]:
        """Whether each slice is called positive."""
        return self.cases.score >= self.threshold


def fold_up(
    rows: Sequence[ScoredRow], classes: Classes, params: CalibrateParams, epoch: Epoch = Epoch.BEST
) -> Folded:
    """Calibrates each unit on the slices that it watched, and gathers those that it scored.

    Where nothing was held out (the paper's protocol) the watched slices are the scored ones, and nothing is
    tuned on them. Raises `BadInput` for rows that aren't there, or come twice.
    """
    own = [row for row in rows if row.epoch is epoch]
    if not own:
        raise BadInput(f"scores: expected rows of epoch {epoch}, came none; rerun crossval")
    points = _choose_points(own, classes, params)
    held_out = any(row.subset is Subset.TEST for row in own)
    scored = sorted(
        (row for row in own if row.subset is (Subset.TEST if held_out else Subset.VALID)),
        key=lambda row: (row.seed, row.slice_id),
    )
    if len({(row.seed, row.slice_id) for row in scored}) < len(scored):
        raise BadInput("scores: expected each slice once a seed, came one twice; rerun crossval")
    units = sorted(points)
    group = np.unique([row.group for row in scored], return_inverse=True)[1].astype(np.int64)
    truth = np.array([row.label == classes.positive for row in scored], dtype=np.bool_)
    return Folded(
        scored,
        Cases(truth, _calibrate(scored, points), group),
        np.array([points[row.seed, row.fold].threshold for row in scored]),
        np.array([units.index((row.seed, row.fold)) for row in scored], dtype=np.int64),
    )


def vote(arms: Sequence[Sequence[ScoredRow]], classes: Classes, params: CalibrateParams) -> list[ScoredRow]:
    """The soft vote: the mean over arms of each unit's calibrated scores, as log odds, for all its slices."""
    scores: dict[tuple[int, int, Subset, str], list[float]] = {}
    for rows in arms:
        own = [row for row in rows if row.epoch is Epoch.BEST]
        points = _choose_points(own, classes, params)
        for row, score in zip(own, _calibrate(own, points), strict=True):
            scores.setdefault((row.seed, row.fold, row.subset, row.slice_id), []).append(float(score))
    voted = []
    for row in arms[0]:
        if row.epoch is Epoch.BEST:
            own_scores = scores[row.seed, row.fold, row.subset, row.slice_id]
            if len(own_scores) != len(arms):
                raise BadInput(
                    f"scores: expected {row.slice_id} in every arm, came otherwise; rerun crossval"
                )
            mean = float(np.clip(np.mean(own_scores), _LEAST, 1 - _LEAST))
            voted.append(row.model_copy(update={"score": mean, "logit": float(np.log(mean / (1 - mean)))}))
    return voted


def _choose_points(
    rows: Sequence[ScoredRow], classes: Classes, params: CalibrateParams
) -> dict[_Unit, OperatingPoint]:
    units: dict[_Unit, list[ScoredRow]] = {}
    for row in rows:
        units.setdefault((row.seed, row.fold), []).append(row)
    return {unit: choose_operating_point(found, classes, params) for unit, found in units.items()}


def _calibrate(rows: Sequence[ScoredRow], points: Mapping[_Unit, OperatingPoint]) -> Values:
    logits = np.array([row.logit for row in rows])
    return apply_temperature(logits, np.array([points[row.seed, row.fold].temperature for row in rows]))
