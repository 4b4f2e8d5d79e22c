"""Ratios over patients: by hand, at the edges, and how often their intervals hold the truth."""

import numpy as np
import pytest
from scipy.stats import t

from brainmri.scoring.ratios import (
    Amount,
    Ratio,
    estimate_difference,
    estimate_median,
    estimate_ratio,
)


def _mean(values: np.ndarray, kind: Amount = Amount.SHARE) -> Ratio:
    return Ratio(values, np.ones(len(values)), kind, cases=10**6)


def test_a_patient_with_nothing_at_the_bottom_has_no_part() -> None:
    ratio = Ratio(np.array([1.0, 0.0, 3.0]), np.array([2.0, 0.0, 4.0]), Amount.SHARE, 6)
    found = estimate_ratio(ratio, 0.95)
    assert found is not None
    assert 4 / 6 == pytest.approx(found.value)
    assert estimate_ratio(Ratio(np.zeros(2), np.zeros(2), Amount.SHARE, 0), 0.95) is None


def test_one_patient_has_a_value_alone() -> None:
    found = estimate_ratio(_mean(np.array([0.7])), 0.95)
    assert (0.7, None) == (found and found.value, found and found.bounds)


def test_a_mean_s_interval_lies_within_0_to_1_and_holds_it() -> None:
    generator = np.random.default_rng(0)
    for _ in range(200):
        values = generator.beta(*generator.uniform(0.2, 5, 2), generator.integers(2, 30))
        found = estimate_ratio(_mean(values), 0.95)
        assert found is not None
        assert found.bounds is not None
        assert 0 <= found.bounds[0] <= found.value <= found.bounds[1] <= 1


def test_the_mean_of_an_amount_by_hand() -> None:
    values = np.array([1.0, 2.0, 3.0])
    found = estimate_ratio(_mean(values, Amount.AMOUNT), 0.95)
    reach = np.exp(t.ppf(0.975, 2) * (1 / np.sqrt(3)) / 2)
    assert found is not None
    assert found.bounds == pytest.approx((2 / reach, 2 * reach))
    nothing = estimate_ratio(_mean(np.zeros(3), Amount.AMOUNT), 0.95)
    assert (0.0, None) == (nothing and nothing.value, nothing and nothing.bounds)


def test_a_median_has_an_interval_from_six_values_on() -> None:
    values = np.arange(1.0, 7.0)
    found = estimate_median(values, 0.95)
    # All six lie on one side of the median in 2 of 64 cases.
    assert (3.5, (1.0, 6.0)) == (found and found.value, found and found.bounds)
    few = estimate_median(values[:5], 0.95)
    assert (3.0, None) == (few and few.value, few and few.bounds)
    assert estimate_median(np.zeros(0), 0.95) is None


def test_a_difference_is_paired() -> None:
    first, second = np.array([0.5, 0.7, 0.9]), np.array([0.4, 0.6, 0.8])
    found = estimate_difference(first, second, 0.95)
    assert found is not None
    assert found.bounds is not None
    assert (0.1, 0.1, 0.1) == pytest.approx((found.value, *found.bounds))


@pytest.mark.long
@pytest.mark.parametrize("patients", [10, 20, 60])
@pytest.mark.parametrize("shape", [(8.0, 2.0), (4.0, 1.0), (2.0, 2.0)])
def test_intervals_of_a_mean_and_a_median_hold_the_truth_as_often_as_they_say(
    patients: int, shape: tuple[float, float]
) -> None:
    generator = np.random.default_rng(3)
    middle = float(np.median(generator.beta(*shape, 1_000_000)))
    held = np.zeros(2)
    for _ in range(1000):
        values = generator.beta(*shape, patients)
        found = estimate_ratio(_mean(values), 0.95), estimate_median(values, 0.95)
        for place, (own, truth) in enumerate(zip(found, (shape[0] / sum(shape), middle), strict=True)):
            assert own is not None
            assert own.bounds is not None
            held[place] += own.bounds[0] <= truth <= own.bounds[1]
    mean, median = held / 1000
    assert 0.92 <= mean <= 0.98
    # Order statistics are steps: at least what is asked for.
    assert 0.935 <= median


@pytest.mark.long
@pytest.mark.parametrize(("patients", "least"), [(24, 0.88), (60, 0.9)])
@pytest.mark.parametrize("case", ["missed", "specificity", "distance", "false area"])
def test_where_few_patients_decide_intervals_hold_the_truth_less_often_as_the_readme_says(
    case: str, patients: int, least: float
) -> None:
    generator, held, seen = np.random.default_rng(4), 0, 0
    rare = 0.2 if case == "false area" else 0.3
    for _ in range(1000):
        chosen = generator.random(patients) < rare
        values, truth, kind = {
            "missed": (
                generator.beta(8, 2, patients) * (generator.random(patients) > 0.1),
                0.72,
                Amount.SHARE,
            ),
            "specificity": (1 - chosen * generator.exponential(0.01, patients), 1 - 0.003, Amount.SHARE),
            "distance": (generator.lognormal(1, 1, patients), float(np.exp(1.5)), Amount.AMOUNT),
            "false area": (chosen * generator.exponential(50, patients), 10.0, Amount.AMOUNT),
        }[case]
        found = estimate_ratio(_mean(values, kind), 0.95)
        if found is not None and found.bounds is not None:
            seen += 1
            held += found.bounds[0] <= truth <= found.bounds[1]
    assert seen > 900
    assert least <= held / seen <= 0.98
