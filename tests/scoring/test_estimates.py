import numpy as np
import pytest
from hypothesis import given, settings

from brainmri.scoring.catalogue import FIGURES
from brainmri.scoring.estimates import estimate_figures
from brainmri.scoring.resampling import IntervalParams
from tests.scoring.samples import PARAMS, grouped_cases, make_cases, simulate

RANGES = {figure.name: (figure.low, figure.high) for figure in FIGURES}


@settings(max_examples=60, deadline=None)
@given(grouped_cases())
def test_every_interval_holds_its_value_and_stays_in_range(cases):
    for name, estimate in estimate_figures(cases, 0.5, PARAMS).items():
        if estimate.bounds is not None:
            low, high = estimate.bounds
            assert RANGES[name][0] <= low <= estimate.value <= high <= RANGES[name][1], name


@pytest.mark.parametrize("name", [figure.name for figure in FIGURES if figure.name != "ece"])
def test_more_groups_narrow_every_interval(name):
    few, many = (
        np.mean(
            [
                np.subtract(*reversed(estimate_figures(simulate(groups, 3, seed), 0.5, PARAMS)[name].bounds))
                for seed in range(5)
            ]
        )
        for groups in (24, 200)
    )
    assert many < few / 1.5


def test_the_order_of_cases_changes_no_digit_that_is_written():
    cases = simulate(24, 3, 1)
    order = np.random.default_rng(0).permutation(len(cases.truth))
    shuffled = make_cases(cases.truth[order], cases.score[order], cases.group[order])
    first, second = (estimate_figures(one, 0.5, PARAMS) for one in (cases, shuffled))
    for name, estimate in first.items():
        assert estimate.value == pytest.approx(second[name].value, abs=1e-12)
        assert (estimate.bounds or ()) == pytest.approx(second[name].bounds or (), abs=1e-12)


def test_the_seed_alone_decides_the_draws():
    cases = simulate(24, 3, 1)
    again = PARAMS.model_copy(update={"seed": 1})
    assert estimate_figures(cases, 0.5, PARAMS) == estimate_figures(cases, 0.5, PARAMS)
    assert estimate_figures(cases, 0.5, PARAMS) != estimate_figures(cases, 0.5, again)


def test_a_perfect_sensitivity_is_as_sure_as_the_groups_that_have_positives():
    """10 groups, 3 of them with positives: Wilson's interval of 3 of 3."""
    truth = np.repeat([1, 1, 1, 0, 0, 0, 0, 0, 0, 0], 4)
    cases = make_cases(truth, np.where(truth, 0.9, 0.2), np.repeat(range(10), 4))
    estimate = estimate_figures(cases, 0.5, PARAMS)["sensitivity"]
    assert (1.0, pytest.approx(0.4385, abs=5e-5), 1.0) == (estimate.value, *estimate.bounds)


def test_one_group_tells_nothing_of_its_spread():
    found = estimate_figures(make_cases([1, 0, 1], [0.9, 0.6, 0.4], [0, 0, 0]), 0.5, PARAMS)
    assert all(estimate.bounds is None for estimate in found.values())


def test_copies_of_a_slice_add_no_certainty():
    """Twelve slices each three times over, in one group: the interval of the twelve, not of 36."""
    truth, score = [1, 0] * 6, np.linspace(0.05, 0.95, 12)
    single = estimate_figures(make_cases(truth, score), 0.5, PARAMS)["accuracy"]
    group = np.repeat(range(12), 3)
    triple = estimate_figures(make_cases(np.repeat(truth, 3), np.repeat(score, 3), group), 0.5, PARAMS)
    assert triple["accuracy"].bounds[0] == pytest.approx(single.bounds[0], abs=0.02)


def test_a_higher_confidence_is_wider():
    cases = simulate(24, 3, 1)
    sure = IntervalParams(confidence=0.99, draws=400, seed=0)
    narrow, wide = (estimate_figures(cases, 0.5, params) for params in (PARAMS, sure))
    assert all(
        wide[name].bounds[0] <= estimate.bounds[0]
        for name, estimate in narrow.items()
        if estimate.bounds is not None
    )
