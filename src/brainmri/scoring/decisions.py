"""What decisions are worth: net benefit by threshold, and the error where the unsure are left out."""

from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from brainmri.scoring.calibration import Values
from brainmri.scoring.cases import Cases
from brainmri.scoring.distributions import student_quantile
from brainmri.scoring.estimates import estimate_share
from brainmri.scoring.intervals import drawn_error
from brainmri.scoring.resampling import IntervalParams, map_draws
from brainmri.scoring.tally import Matrix
from brainmri.tables import Row

_STEPS: Final = 50
_COVERAGES: Final = 20
_CHUNK: Final = 2_000_000


class BenefitRow(Row):
    """Net benefit per case where those with at least `threshold` are called positive, with its interval.

    `call_all` is that of calling every case positive; calling none is 0 everywhere.
    """

    threshold: float
    network: float
    low: float | None
    high: float | None
    call_all: float


class CoverageRow(Row):
    """The error among the share `coverage` of cases that are surest, with its interval by group."""

    coverage: float
    n: int
    error: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class _Benefits:
    """Of each group and threshold (groups, thresholds): true and false calls; `size` (groups,) its cases."""

    true: Matrix
    false: Matrix
    size: Values

    def net(self, weights: Matrix, odds: Values) -> Matrix:
        """(draws, thresholds): (true - false odds) / cases."""
        gained = weights @ (self.true - self.false * odds)
        benefit: Matrix = gained / (weights @ self.size)[:, None]
        return benefit


def trace_benefit(cases: Cases, params: IntervalParams) -> list[BenefitRow]:
    """The decision curve (Vickers and Elkin 2006, Med Decis Making 26:565), at thresholds 0.02 to 0.98.

    The threshold is the probability at which calling and not calling are worth the same: a false alarm costs
    threshold / (1 - threshold) true ones. Intervals are of Student's t on the bootstrap's standard error.
    """
    thresholds = np.arange(1, _STEPS) / _STEPS
    odds = thresholds / (1 - thresholds)
    called = cases.score[:, None] >= thresholds
    parts = _Benefits(
        _sum_by_group(called & cases.truth[:, None], cases),
        _sum_by_group(called & ~cases.truth[:, None], cases),
        np.bincount(cases.group).astype(np.float64),
    )
    values = parts.net(np.ones((1, cases.groups)), odds)[0]
    prevalence = float(cases.truth.mean())
    everyone = prevalence - (1 - prevalence) * odds
    reach = _reach(parts, odds, cases, params)
    return [
        BenefitRow(
            threshold=float(threshold),
            network=float(value),
            low=None if reach is None else float(value - reach[place]),
            high=None if reach is None else float(value + reach[place]),
            call_all=float(everyone[place]),
        )
        for place, (threshold, value) in enumerate(zip(thresholds, values, strict=True))
    ]


def trace_coverage(cases: Cases, threshold: float, confidence: float) -> list[CoverageRow]:
    """The error by coverage, from all cases down to a twentieth: the surest stay, the rest go to a person.

    Sure is what lies far from the threshold in log odds. Cases alike in that stay or go together.
    """
    margin = np.abs(_log_odds(cases.score) - float(_log_odds(np.array([threshold]))[0]))
    wrong = (cases.score >= threshold) != cases.truth
    order = np.sort(margin)[::-1]
    rows, seen = [], set()
    for step in range(_COVERAGES, 0, -1):
        least = order[max(0, int(np.ceil(len(order) * step / _COVERAGES)) - 1)]
        kept = margin >= least
        count = int(kept.sum())
        if count in seen:
            continue
        seen.add(count)
        rows.append(_describe(wrong[kept], cases.group[kept], count / len(order), confidence))
    return rows


def _describe(
    wrong: NDArray[np.bool_], group: NDArray[np.int64], coverage: float, confidence: float
) -> CoverageRow:
    error = estimate_share(wrong, group, confidence)
    low, high = error.bounds or (None, None)
    return CoverageRow(coverage=coverage, n=len(wrong), error=error.value, low=low, high=high)


def _reach(parts: _Benefits, odds: Values, cases: Cases, params: IntervalParams) -> Values | None:
    if cases.groups < 2:
        return None
    rows = max(1, _CHUNK // max(cases.groups, len(odds)))
    draws = np.concatenate(map_draws(partial(parts.net, odds=odds), cases.groups, rows, cases.groups, params))
    quantile = student_quantile((1 + params.confidence) / 2, cases.groups - 1)
    return quantile * np.array([drawn_error(column, cases.groups) for column in draws.T])


def _sum_by_group(marked: NDArray[np.bool_], cases: Cases) -> Matrix:
    summed = np.zeros((cases.groups, marked.shape[1]))
    np.add.at(summed, cases.group, marked)
    return summed


def _log_odds(score: Values) -> Values:
    return np.asarray(logit(np.clip(score, 1e-9, 1 - 1e-9)))
