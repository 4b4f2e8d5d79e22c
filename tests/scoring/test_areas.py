"""Areas within folds are not fooled by offsets between folds; areas of one set are compared in pairs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from brainmri.scoring.areas import Comparison, Folds, Verdict, _count_degrees, compare_areas, estimate_area
from brainmri.scoring.cases import Cases
from brainmri.scoring.estimates import estimate_figures
from tests.scoring.samples import PARAMS, grouped_cases, make_cases, simulate


def _one_fold(cases: Cases) -> Folds:
    return np.zeros(len(cases.truth), np.int64)


@given(cases=grouped_cases(), seed=st.integers(0, 99))
def test_the_area_is_the_mean_over_folds_weighted_by_pairs(cases: Cases, seed: int) -> None:
    folds = np.random.default_rng(seed).integers(0, 3, len(cases.truth))
    right, pairs = 0.0, 0
    for fold in np.unique(folds):
        truth, score = cases.truth[folds == fold], cases.score[folds == fold]
        if truth.any() and not truth.all():
            own = int(truth.sum() * (~truth).sum())
            right, pairs = right + own * roc_auc_score(truth, score), pairs + own
    found = estimate_area(cases, folds, PARAMS)
    assert (found is None) == (pairs == 0)
    if found is not None:
        assert found.value == pytest.approx(right / pairs)
        assert found.bounds is None or found.bounds[0] <= found.value <= found.bounds[1]


def test_one_fold_gives_the_usual_area_and_interval() -> None:
    cases = simulate(30, 3, seed=0)
    usual = estimate_figures(cases, 0.5, PARAMS)["auroc"]
    within = estimate_area(cases, np.zeros(90, np.int64), PARAMS)
    assert within is not None
    assert within.value == pytest.approx(usual.value)
    assert within.bounds == pytest.approx(usual.bounds)


def test_a_constant_of_each_fold_is_chance() -> None:
    cases = make_cases([1, 1, 1, 0, 1, 0, 0, 0], [0.2] * 4 + [0.8] * 4)
    folds = np.repeat([0, 1], 4)
    found = estimate_area(cases, folds, PARAMS)
    assert found is not None
    assert found.value == 0.5


def test_a_score_is_not_separable_from_itself() -> None:
    cases = simulate(20, 3, seed=1)
    comparison = compare_areas(cases, cases, _one_fold(cases), PARAMS)
    assert comparison is not None
    assert (comparison.difference, comparison.verdict) == (0, Verdict.NOT_SEPARABLE)


def test_better_one_way_is_worse_the_other() -> None:
    good = simulate(40, 3, seed=0, distance=4.0)
    noise = Cases(good.truth, np.random.default_rng(0).random(len(good.truth)), good.group)
    first, second = (compare_areas(*pair, _one_fold(good), PARAMS) for pair in ((good, noise), (noise, good)))
    assert first is not None
    assert second is not None
    assert (first.verdict, second.verdict) == (Verdict.BETTER, Verdict.WORSE)
    assert first.difference == pytest.approx(-second.difference)
    assert first.bounds == pytest.approx((-second.bounds[1], -second.bounds[0]))


def test_offsets_between_folds_are_no_difference() -> None:
    cases = simulate(20, 3, seed=1)
    folds = cases.group % 4 // 2
    moved = Cases(cases.truth, (cases.score + folds) / 2, cases.group)
    within = compare_areas(cases, moved, folds, PARAMS)
    across = compare_areas(cases, moved, _one_fold(cases), PARAMS)
    assert within is not None
    assert across is not None
    assert within.difference == 0
    assert across.difference > 0.1


def test_pairing_makes_the_interval_narrower_than_that_of_strangers() -> None:
    cases = simulate(40, 3, seed=0, distance=1.0)
    alike = np.clip(cases.score + 0.05 * np.random.default_rng(1).normal(size=120), 0, 1)
    other = simulate(40, 3, seed=1, distance=1.0).score
    paired, strangers = (
        compare_areas(cases, Cases(cases.truth, score, cases.group), _one_fold(cases), PARAMS)
        for score in (alike, other)
    )
    assert paired is not None
    assert strangers is not None
    assert paired.bounds[1] - paired.bounds[0] < (strangers.bounds[1] - strangers.bounds[0]) / 2


def test_one_class_alone_has_nothing_to_compare() -> None:
    cases = make_cases([1, 1, 1], [0.1, 0.5, 0.9])
    assert compare_areas(cases, cases, _one_fold(cases), PARAMS) is None
    assert estimate_area(cases, np.zeros(3, np.int64), PARAMS) is None


def test_scores_of_other_cases_are_refused() -> None:
    with pytest.raises(ValueError, match="of the same cases"):
        compare_areas(
            make_cases([1, 0], [0.1, 0.5]), make_cases([0, 1], [0.1, 0.5]), np.zeros(2, int), PARAMS
        )


@pytest.mark.parametrize(
    ("bounds", "verdict"),
    [((0.01, 0.2), "better"), ((0.0, 0.2), "not separable"), ((-0.2, -0.01), "worse")],
)
def test_the_verdict_is_by_the_interval(bounds: tuple[float, float], verdict: str) -> None:
    assert Comparison(0.1, bounds, 0.05, 20).verdict == verdict


@pytest.mark.parametrize(("positive", "negative", "degrees"), [(10, 10, 18), (5, 5, 8), (5, 10_000, 4)])
def test_degrees_of_freedom_are_those_of_both_classes(positive: int, negative: int, degrees: float) -> None:
    truth = np.repeat([True, False], [positive, negative])
    cases = Cases(truth, np.zeros(len(truth)), np.arange(len(truth)))
    assert degrees == pytest.approx(_count_degrees(cases), rel=0.01)
