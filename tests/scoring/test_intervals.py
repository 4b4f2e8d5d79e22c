import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainmri.scoring.intervals import (
    Basis,
    grouped_interval,
    loss_interval,
    mean_interval,
    predicted_error,
    wilson_interval,
)
from brainmri.scoring.tally import cross_entropy, squared_error
from tests.scoring.samples import make_cases

Z = 1.959964


@pytest.mark.parametrize(
    ("successes", "n", "expected"),
    [
        # Newcombe 1998, Stat Med 17:857, table I, method 3
        (81, 263, (0.2553, 0.3662)),
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0.0, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
        (20, 20, (0.8389, 1.0)),
    ],
)
def test_published_wilson_intervals(successes, n, expected):
    assert wilson_interval(successes / n, n, Z) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(("share", "expected"), [(0.0, (0.0, 0.1611)), (1.0, (0.8389, 1.0))])
def test_at_0_and_1_each_group_counts_as_one_case(share, expected):
    found = grouped_interval(share, Basis(error=0.0, cases=60, groups=20), 0.95)
    assert found == pytest.approx(expected, abs=5e-5)


def test_independent_cases_give_nearly_the_plain_wilson_interval():
    error = (0.3 * 0.7 / 1000) ** 0.5
    found = grouped_interval(0.3, Basis(error, 1000, 1000), 0.95)
    assert found == pytest.approx(wilson_interval(0.3, 1000, Z), abs=2e-4)


def test_no_spread_makes_cases_worth_more_than_themselves():
    tight = grouped_interval(0.9, Basis(1e-9, 50, 40), 0.95)
    at_most = grouped_interval(0.9, Basis((0.9 * 0.1 / 50) ** 0.5, 50, 40), 0.95)
    assert tight == pytest.approx(at_most)


@given(st.floats(0, 1), st.floats(0, 0.5), st.integers(2, 500), st.integers(1, 4))
def test_the_interval_holds_its_value_and_stays_between_0_and_1(share, error, groups, per_group):
    low, high = grouped_interval(share, Basis(error, groups * per_group, groups), 0.95)
    assert 0 <= low <= share <= high <= 1


@given(st.floats(0.05, 0.95), st.floats(0.001, 0.3))
def test_more_groups_make_it_narrower(share, error):
    few, many = (grouped_interval(share, Basis(error, 600, groups), 0.95) for groups in (10, 200))
    assert many[1] - many[0] < few[1] - few[0]


def test_a_loss_stays_above_0_and_is_known_to_a_factor():
    low, high = loss_interval(0.2, Basis(0.1, 10**9, 10**9), 0.95)
    assert (low, high) == pytest.approx((0.2 / np.exp(Z / 2), 0.2 * np.exp(Z / 2)), rel=1e-6)


def test_the_mean_of_two_shares_by_hand():
    found = mean_interval((0.8, 0.6), ((0.7, 0.84), (0.5, 0.63)), 0.0)
    assert found == pytest.approx((0.7 - 0.02**0.5 / 2, 0.7 + 0.05 / 2))


def test_shares_that_move_as_one_are_as_doubtful_as_each():
    assert mean_interval((0.8, 0.8), ((0.7, 0.9), (0.7, 0.9)), 1.0) == pytest.approx((0.7, 0.9))


def test_the_predicted_error_of_one_slice_a_group_by_hand():
    """Two slices at 0.5 have squared error 0.25 whatever they are; at 0 and 0.5 the means differ by 0.25."""
    alike, apart = make_cases([1, 0], [0.5, 0.5]), make_cases([0, 0], [0.0, 0.5])
    assert predicted_error(alike, squared_error) == 0
    assert predicted_error(apart, squared_error) == pytest.approx((2 * 2 * 0.125**2) ** 0.5 / 2)


def test_the_predicted_error_is_the_spread_of_calibrated_test_sets():
    generator = np.random.default_rng(0)
    means, errors = [], []
    for _ in range(400):
        score = generator.random(200)
        cases = make_cases(generator.random(200) < score, score)
        means.append(cross_entropy(cases.truth, cases.score).mean())
        errors.append(predicted_error(cases, cross_entropy))
    assert np.mean(errors) == pytest.approx(np.std(means), rel=0.1)
