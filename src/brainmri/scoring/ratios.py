"""Figures that are a ratio of two sums over patients, each with an interval clustered by patient."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from brainmri.scoring.calibration import Values
from brainmri.scoring.distributions import median_interval, student_quantile
from brainmri.scoring.estimates import Estimate
from brainmri.scoring.intervals import Basis, grouped_interval, loss_interval


class Amount(StrEnum):
    """What a ratio can be: a share of 0 to 1, or an amount of 0 or more."""

    SHARE = "share"
    AMOUNT = "amount"


@dataclass(frozen=True)
class Ratio:
    """sum(top) / sum(bottom), each (patients,); a patient with 0 at the bottom has no part in it.

    A mean over patients has ones at the bottom. `cases` is what the shares are of, all patients together:
    pixels, slices or lesions.
    """

    top: Values
    bottom: Values
    kind: Amount
    cases: int


def estimate_ratio(ratio: Ratio, confidence: float) -> Estimate | None:
    """Value and interval; None without any patient, no interval with fewer than two.

    The standard error is linearized (Cochran 1977, Sampling Techniques, 6.3); shares then have Wilson's
    interval on the effective number of cases, amounts one that is symmetric as a logarithm, both by
    Student's t. An amount of 0 has no interval.
    """
    own = ratio.bottom > 0
    top, bottom = ratio.top[own], ratio.bottom[own]
    groups = len(top)
    if not groups:
        return None
    value = float(top.sum() / bottom.sum())
    if groups < 2:
        return Estimate(value, None)
    left = top - value * bottom
    error = float(np.sqrt(groups / (groups - 1) * (left**2).sum()) / bottom.sum())
    basis = Basis(error, ratio.cases, groups)
    if ratio.kind is Amount.SHARE:
        return Estimate(value, grouped_interval(min(max(value, 0.0), 1.0), basis, confidence))
    return Estimate(value, loss_interval(value, basis, confidence) if value > 0 else None)


def estimate_median(values: Values, confidence: float) -> Estimate | None:
    """The median (n,) with the interval between order statistics that holds whatever the distribution.

    Absent where there are too few values.
    """
    if not len(values):
        return None
    value = float(np.median(values))
    return Estimate(value, median_interval(values, confidence))


def estimate_difference(first: Values, second: Values, confidence: float) -> Estimate | None:
    """The mean of first - second (n,), paired; Student's t over patients."""
    found = first - second
    if not len(found):
        return None
    value = float(found.mean())
    if len(found) < 2:
        return Estimate(value, None)
    reach = student_quantile((1 + confidence) / 2, len(found) - 1) * float(
        found.std(ddof=1) / np.sqrt(len(found))
    )
    return Estimate(value, (max(-1.0, value - reach), min(1.0, value + reach)))
