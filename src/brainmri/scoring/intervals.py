"""Interval formulas: from a figure's value and its standard error over groups to bounds.

What was tried, and how often each covers the truth, stands in docs/intervals.md.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brainmri.scoring.calibration import Truth, Values
from brainmri.scoring.cases import Cases
from brainmri.scoring.distributions import normal_quantile, student_quantile

CaseLoss = Callable[[Truth, Values], Values]  # of each case (n,)
Bounds = tuple[float, float]  # (low, high)


@dataclass(frozen=True)
class Basis:
    """What a figure rests on.

    `error` is its standard error; `cases` how many cases enter it; `groups` how many groups they are
    of, the fewer of both classes where a figure needs both.
    """

    error: float
    cases: int
    groups: int


def wilson_interval(share: float, n: float, quantile: float) -> Bounds:
    """Wilson's score interval (1927) for a share 0 to 1 of `n` independent cases, n > 0 and not always whole.

    `quantile` is that of the standard normal (1.96 for 95 %) or of Student's t.
    """
    square = quantile**2 / n
    center = (share + square / 2) / (1 + square)
    half = quantile / (1 + square) * float(np.sqrt(share * (1 - share) / n + square / (4 * n)))
    return max(0.0, min(share, center - half)), min(1.0, max(share, center + half))


def grouped_interval(share: float, basis: Basis, confidence: float) -> Bounds:
    """Wilson's interval on the effective number of cases, for a share 0 to 1 over at least two groups.

    The effective number is share (1 - share) / error², at least 1 and at most the number of cases;
    Student's t with groups - 1 degrees replaces the normal (Franco et al. 2019, J Surv Stat Methodol
    7:334). A share of 0 or 1 shows no spread: each group then counts as one case.
    """
    level = (1 + confidence) / 2
    variance = share * (1 - share)
    if variance == 0:
        return wilson_interval(share, basis.groups, normal_quantile(level))
    square = basis.error**2
    effective = max(1.0, variance / square) if square * basis.cases > variance else basis.cases
    return wilson_interval(share, effective, student_quantile(level, basis.groups - 1))


def loss_interval(loss: float, basis: Basis, confidence: float) -> Bounds:
    """An interval for a mean loss above 0: symmetric as a logarithm, Student's t with groups - 1 degrees."""
    reach = student_quantile((1 + confidence) / 2, basis.groups - 1) * basis.error / loss
    with np.errstate(over="ignore"):
        return float(loss * np.exp(-reach)), float(loss * np.exp(reach))


def mean_interval(shares: tuple[float, float], bounds: tuple[Bounds, Bounds], correlation: float) -> Bounds:
    """An interval for the mean of two correlated shares from the interval of each.

    Square-and-add (Newcombe 1998; Zou and Donner 2008, Stat Med 27:1693): unlike a standard error it
    keeps the doubt about a share that happens to be 1.
    """

    def reach(side: int) -> float:
        first, second = (abs(share - bound[side]) for share, bound in zip(shares, bounds, strict=True))
        return float(np.sqrt(max(0.0, first**2 + second**2 + 2 * correlation * first * second))) / 2

    middle = sum(shares) / 2
    return max(0.0, middle - reach(0)), min(1.0, middle + reach(1))


def difference_interval(
    shares: tuple[float, float], bounds: tuple[Bounds, Bounds], correlation: float
) -> Bounds:
    """An interval, within -1 to 1, for the first of two correlated shares less the second.

    Square-and-add as in `mean_interval` (Newcombe 1998, Stat Med 17:873; Zou and Donner 2008).
    """

    def reach(side: int) -> float:
        first = abs(shares[0] - bounds[0][side])
        second = abs(shares[1] - bounds[1][1 - side])
        return float(np.sqrt(max(0.0, first**2 + second**2 - 2 * correlation * first * second)))

    difference = shares[0] - shares[1]
    return max(-1.0, difference - reach(0)), min(1.0, difference + reach(1))


def clustered_error(truth: Truth, group: NDArray[np.int64]) -> float:
    """The standard error of the share of positives, of cases (n,) in at least two groups.

    Linearized, as of a ratio of two sums over groups (Cochran 1977, Sampling Techniques, 11.12).
    """
    between = np.bincount(np.unique(group, return_inverse=True)[1], truth - truth.mean())
    correction = len(between) / (len(between) - 1)
    return float(np.sqrt(correction * (between**2).sum())) / len(truth)


def drawn_error(draws: Values, groups: int) -> float:
    """The standard error of a figure from its draws (draws,) over at least two groups."""
    return float(draws.std(ddof=1)) * float(np.sqrt(groups / (groups - 1)))


def predicted_error(cases: Cases, loss: CaseLoss) -> float:
    """The standard error of a mean loss over groups, if the scores were the true probabilities.

    A group's variance is that of its summed loss under Bernoulli truths with the scores as chances,
    and the squared distance of its expected loss from the mean. A small test set often lacks the rare
    great loss that makes up most of a good model's mean; its own spread is then far too small.
    """
    hit, miss = (loss(np.full(len(cases.truth), truth), cases.score) for truth in (True, False))
    expected = cases.score * hit + (1 - cases.score) * miss
    chance = cases.score * (1 - cases.score) * (hit - miss) ** 2
    between = np.bincount(cases.group, expected - expected.mean())
    correction = cases.groups / (cases.groups - 1)
    return float(np.sqrt(correction * (chance.sum() + (between**2).sum()))) / len(cases.truth)
