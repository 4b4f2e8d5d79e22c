"""scipy.special as scipy.stats has it, which is another implementation in the tails that matter."""

import numpy as np
import pytest
from scipy import stats

from brainmri.scoring.distributions import (
    median_interval,
    normal_quantile,
    sign_test,
    student_p_value,
    student_quantile,
)


@pytest.mark.parametrize("level", [0.005, 0.025, 0.5, 0.8, 0.975, 0.9995])
def test_quantiles_are_those_of_scipy_stats(level: float) -> None:
    assert normal_quantile(level) == pytest.approx(stats.norm.ppf(level), rel=1e-12, abs=1e-12)
    for degrees in (1, 2.5, 11, 198):
        expected = stats.t.ppf(level, degrees)
        assert student_quantile(level, degrees) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("statistic", [-40.0, -2.1, 0.0, 0.3, 5.0])
def test_two_sided_p_values_are_those_of_scipy_stats(statistic: float) -> None:
    for degrees in (1, 11, 198):
        expected = 2 * stats.t.sf(abs(statistic), degrees)
        assert student_p_value(statistic, degrees) == pytest.approx(expected, rel=1e-9)


def test_the_sign_test_is_the_exact_binomial_one() -> None:
    assert 1.0 == sign_test(0, 0)
    for throws in (1, 2, 7, 30):
        for heads in range(throws + 1):
            expected = stats.binomtest(heads, throws).pvalue
            assert sign_test(heads, throws) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("count", [1, 5, 6, 7, 12, 13, 60, 61])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_a_median_lies_between_the_order_statistics_of_the_quantile_test(
    count: int, confidence: float
) -> None:
    values = np.random.default_rng(count).normal(size=count)
    found = stats.quantile_test(values, q=0, p=0.5).confidence_interval(confidence)
    bounds = median_interval(values, confidence)
    if bounds is None:
        assert np.isnan([found.low, found.high]).any()
    else:
        assert (found.low, found.high) == bounds


def test_five_values_are_too_few_for_a_median_and_six_are_enough() -> None:
    assert median_interval(np.arange(5.0), 0.95) is None
    assert (0.0, 5.0) == median_interval(np.arange(6.0), 0.95)
