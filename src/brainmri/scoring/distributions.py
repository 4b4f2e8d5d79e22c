"""The normal, Student's t and the fair coin by scipy.special: scipy.stats starts longer than it computes."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, ndtri, stdtr, stdtrit


def normal_quantile(level: float) -> float:
    """The standard normal's quantile at `level`, 0 to 1."""
    return float(ndtri(level))


def student_quantile(level: float, degrees: float) -> float:
    """Student's quantile at `level`, 0 to 1, with so many degrees of freedom."""
    return float(stdtrit(degrees, level))


def student_p_value(statistic: float, degrees: float) -> float:
    """Two-sided: how likely a value at least as far from 0 is."""
    return float(2 * stdtr(degrees, -abs(statistic)))


def sign_test(heads: int, throws: int) -> float:
    """Exact and two-sided: how likely a fair coin falls at least as unevenly; 1 for no throws."""
    return min(1.0, float(2 * bdtr(min(heads, throws - heads), throws, 0.5)))


def median_interval(values: NDArray[np.float64], confidence: float) -> tuple[float, float] | None:
    """The order statistics of (n,) that hold the median whatever the distribution; None for too few values.

    Conover 1999, Practical Nonparametric Statistics, 3.2.
    """
    count = len(values)
    rank = int(np.searchsorted(bdtr(np.arange(count + 1), count, 0.5), (1 - confidence) / 2))
    ordered = np.sort(values)
    return (float(ordered[rank - 1]), float(ordered[count - rank])) if rank else None
