"""Intervals of the difference of two AUROCs hold it as often as they say; docs/intervals.md has the table."""

import numpy as np
import pytest

from benchmarks.difference_coverage import Population, find_truth, measure_coverage, simulate
from brainmri.scoring.areas import compare_areas
from brainmri.scoring.resampling import IntervalParams

FAST = IntervalParams(confidence=0.95, draws=400, seed=0)


def test_the_simulated_scores_have_the_stated_areas():
    first, second, folds = simulate(Population(3000, (0.95, 0.8)), np.random.default_rng(1))
    found = compare_areas(first, second, folds, FAST)
    assert found.difference == pytest.approx(0.15, abs=0.015)
    assert {0, 1, 2, 3, 4} == set(folds)


def test_the_truth_of_many_sets_is_the_difference_of_one_large_one():
    population = Population(50, (0.97, 0.9))
    first, second, folds = simulate(Population(3000, population.areas), np.random.default_rng(1))
    large = compare_areas(first, second, folds, FAST).difference
    assert find_truth(population, sets=400) == pytest.approx(large, abs=0.015)
    assert find_truth(Population(50, (0.9, 0.9))) == 0


@pytest.mark.long
@pytest.mark.parametrize(
    "population",
    [
        # Where Student's t holds 90 % of the truths, and where patients have slices of both kinds.
        Population(20, (0.97, 0.9)),
        Population(50, (0.9, 0.9)),
        Population(18, (0.9, 0.9), mixed=True),
    ],
)
def test_intervals_hold_the_truth_and_verdicts_seldom_err(population):
    found = measure_coverage(population, 300, FAST)
    # Two standard errors of 300 repeats below 0.95, and above 0.05.
    assert found.held > 0.925
    assert found.worse < 0.05
    if find_truth(population) == 0:
        assert found.better + found.worse < 0.075


@pytest.mark.long
def test_a_clear_difference_is_mostly_found():
    found = measure_coverage(Population(18, (0.94, 0.65), mixed=True), 50, FAST)
    assert found.better > 0.9
    assert found.worse == 0
