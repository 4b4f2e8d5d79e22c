"""Intervals of the difference of two AUROCs hold it as often as they say; docs/intervals.md has the table."""

import numpy as np
import pytest

from benchmarks.difference_coverage import Population, find_areas, measure_coverage, simulate, summarize
from brainmri.scoring.areas import Comparison, estimate_area
from brainmri.scoring.resampling import IntervalParams

FAST = IntervalParams(confidence=0.95, draws=400, seed=0)


@pytest.mark.parametrize("mixed", [False, True])
def test_the_simulated_scores_have_the_stated_areas(mixed):
    areas = find_areas(Population(4000, (0.95, 0.8), mixed=mixed), sets=5)
    assert areas == pytest.approx((0.95, 0.8), abs=0.01)


@pytest.mark.parametrize("groups", [20, 50])
def test_every_fold_has_groups_of_both_kinds(groups):
    for seed in range(20):
        first, _, folds = simulate(Population(groups, (0.9, 0.9)), np.random.default_rng(seed))
        assert {0, 1, 2, 3, 4} == set(folds[first.truth]) == set(folds[~first.truth])
        assert all(len(set(folds[first.group == group])) == 1 for group in range(groups))


def test_the_areas_of_many_sets_are_those_of_one_large_one():
    first, second, folds = simulate(Population(4000, (0.97, 0.9)), np.random.default_rng(1))
    large = [estimate_area(cases, folds, FAST).value for cases in (first, second)]
    assert find_areas(Population(50, (0.97, 0.9)), sets=400) == pytest.approx(large, abs=0.01)


def test_shares_are_of_what_intervals_and_p_values_say():
    found = [
        Comparison(difference=0.1, bounds=(0.05, 0.2), error=0.01, degrees=30),  # both: better
        Comparison(difference=0.1, bounds=(-0.01, 0.2), error=0.01, degrees=30),  # p alone
        Comparison(difference=0.1, bounds=(0.01, 0.2), error=0.1, degrees=30),  # the interval alone
        Comparison(difference=-0.1, bounds=(-0.2, -0.05), error=0.01, degrees=30),  # both: worse
    ]
    shares = summarize(found, (0.9, 0.75), 0.15)
    assert (0.75, 0.25) == (shares.held, shares.held_by_student)
    assert (0.75, 0.75) == (shares.by_interval, shares.by_p_value)
    assert (0.25, 0.25) == (shares.better, shares.worse)
    # Student's reach is 2.042 errors: 0.041 wide, and 0.41.
    assert shares.width == pytest.approx(0.15 / 0.0408, rel=0.01)


@pytest.mark.long
@pytest.mark.parametrize(
    "population",
    [
        # Where Student's t holds least of few groups, and where patients have slices of both kinds.
        Population(20, (0.97, 0.9)),
        Population(50, (0.9, 0.9)),
        Population(18, (0.9, 0.9), mixed=True),
    ],
)
def test_intervals_hold_the_truth_and_verdicts_seldom_err(population):
    found = measure_coverage(population, 300, FAST)
    # Two standard errors of 300 repeats below 0.95; the same above 0.05.
    assert found.held > 0.925
    if population.areas[0] == population.areas[1]:
        assert found.by_p_value < 0.075
    else:
        assert found.worse == 0


@pytest.mark.long
def test_a_clear_difference_is_mostly_found():
    found = measure_coverage(Population(18, (0.94, 0.65), mixed=True), 50, FAST)
    assert found.better > 0.9
    assert found.worse == 0
