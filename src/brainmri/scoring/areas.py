"""Areas under the ROC curve of scores from several models, and of two scores of the same cases."""

from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import numpy as np
from numpy.typing import NDArray

from brainmri.scoring import classification as of
from brainmri.scoring.cases import Cases
from brainmri.scoring.distributions import student_p_value
from brainmri.scoring.estimates import Estimate
from brainmri.scoring.intervals import Basis, Bounds, difference_interval, drawn_error, grouped_interval
from brainmri.scoring.resampling import IntervalParams, map_draws
from brainmri.scoring.tally import Matrix, Ranked, Vector, count, rank_cases, rows_at_once

Folds = NDArray[np.int64]  # (n,), the fold of each case

# A threshold that areas don't depend on.
_ANY = 0.5


class Verdict(StrEnum):
    """How the first of two areas stands to the second, by whether the difference's interval holds 0."""

    BETTER = "better"
    NOT_SEPARABLE = "not separable"
    WORSE = "worse"


@dataclass(frozen=True)
class Comparison:
    """Two areas of the same cases: the first less the second, -1 to 1, with its interval.

    `error` is the difference's standard error over groups, `degrees` how many degrees of freedom it has.
    """

    difference: float
    bounds: Bounds
    error: float
    degrees: float

    @property
    def p_value(self) -> float:
        """Two-sided, of no difference: Student's t on the bootstrap's standard error."""
        if self.error == 0:
            return float(self.difference == 0)
        return student_p_value(self.difference / self.error, self.degrees)

    @property
    def verdict(self) -> Verdict:
        """What the interval allows to say."""
        low, high = self.bounds
        if low > 0:
            return Verdict.BETTER
        return Verdict.WORSE if high < 0 else Verdict.NOT_SEPARABLE


def estimate_area(cases: Cases, folds: Folds, params: IntervalParams) -> Estimate | None:
    """The share of (positive, negative) pairs of one fold that are ranked rightly, over all folds.

    Scores of different folds come from different models and are not compared: a model that was trained
    with fewer positives gives lower scores, and to the fold with more of them. None where no fold has both
    classes.
    """
    value, draws = _draw_area(cases, folds, params)
    if np.isnan(value):
        return None
    return Estimate(value, _bound(value, draws, cases, params.confidence))


def compare_areas(first: Cases, second: Cases, folds: Folds, params: IntervalParams) -> Comparison | None:
    """Two scores of the same cases, drawn together by group; None where either has no interval.

    Both areas are over pairs of one fold, as `estimate_area` has them.

    The interval is square-and-add of the two areas' own intervals (`difference_interval`) with their
    correlation over the draws, so it keeps the doubt about an area that happens to be 1.
    """
    if not (np.array_equal(first.truth, second.truth) and np.array_equal(first.group, second.group)):
        raise ValueError("expected two scores of the same cases")
    values, drawn = zip(*(_draw_area(cases, folds, params) for cases in (first, second)), strict=True)
    if np.isnan(values).any():
        return None
    draws = np.array(drawn)
    bounds = [_bound(value, own, first, params.confidence) for value, own in zip(values, draws, strict=True)]
    if bounds[0] is None or bounds[1] is None:
        return None
    reach = difference_interval((values[0], values[1]), (bounds[0], bounds[1]), _correlate(draws))
    together = draws[:, ~np.isnan(draws).any(axis=0)]
    error = drawn_error(together[0] - together[1], _scarcer(first))
    return Comparison(values[0] - values[1], reach, error, _count_degrees(first))


@dataclass(frozen=True)
class _Part:
    """The cases of one fold, ranked, and the columns (groups of the fold,) of the weights that are theirs."""

    ranked: Ranked
    columns: NDArray[np.int64]

    @classmethod
    def take(cls, cases: Cases, member: NDArray[np.bool_]) -> "_Part":
        columns, group = np.unique(cases.group[member], return_inverse=True)
        return cls(rank_cases(Cases(cases.truth[member], cases.score[member], group), _ANY), columns)


def _draw_area(cases: Cases, folds: Folds, params: IntervalParams) -> tuple[float, Vector]:
    """The area within folds, NaN where no fold has both classes, and that of each draw of groups (draws,)."""
    parts = [_Part.take(cases, folds == fold) for fold in np.unique(folds)]
    value = float(_pool(parts, np.ones((1, cases.groups)))[0])
    rows = min(rows_at_once(part.ranked) for part in parts)
    draws = map_draws(partial(_pool, parts), cases.groups, rows, len(cases.truth), params)
    return value, np.concatenate(draws)


def _pool(parts: list[_Part], weights: Matrix) -> Vector:
    """The mean area of the folds (draws,), each weighted by its pairs; NaN without any pair."""
    right, pairs = np.zeros(len(weights)), np.zeros(len(weights))
    for part in parts:
        tally = count(part.ranked, weights[:, part.columns])
        own = tally.positives * tally.negatives
        right += np.nan_to_num(of.auroc(tally)) * own
        pairs += own
    pooled: Vector = np.full(len(weights), np.nan)
    np.divide(right, pairs, out=pooled, where=pairs > 0)
    return pooled


def _bound(value: float, draws: Vector, cases: Cases, confidence: float) -> Bounds | None:
    """As every area's interval: groups are those of the scarcer class."""
    groups = _scarcer(cases)
    draws = draws[~np.isnan(draws)]
    if groups < 2 or len(draws) < 2:
        return None
    low, high = grouped_interval(
        value, Basis(drawn_error(draws, groups), len(cases.truth), groups), confidence
    )
    return min(value, low), max(value, high)


def _scarcer(cases: Cases) -> int:
    """The groups of the class that has fewer."""
    return min(_count_groups(cases))


def _count_groups(cases: Cases) -> tuple[int, int]:
    """Those with a positive case, and those with a negative one."""
    positive, negative = (len(np.unique(cases.group[cases.truth == truth])) for truth in (True, False))
    return positive, negative


def _count_degrees(cases: Cases) -> float:
    """Degrees of freedom of an area's error, which comes of both classes (Welch 1947, Biometrika 34:28).

    Each class is taken to add to the variance in the inverse of its number of groups: both alike give
    their sum less two, a scarce one alone its own number less one.
    """
    numbers = np.array(_count_groups(cases), np.float64)
    parts = 1 / numbers
    return float(parts.sum() ** 2 / (parts**2 / (numbers - 1)).sum())


def _correlate(draws: Matrix) -> float:
    """Of the draws in which both areas are defined; 0 where either is the same in all."""
    together = draws[:, ~np.isnan(draws).any(axis=0)]
    if together.shape[1] < 2 or not together.std(axis=1).all():
        return 0.0
    return float(np.asarray(np.corrcoef(together))[0, 1])
