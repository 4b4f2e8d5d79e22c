import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.metrics import log_loss, roc_curve

from brainmri.dataset.manifest import Subset
from brainmri.dataset.prepared import Classes
from brainmri.errors import BadInput
from brainmri.scoring.calibration import (
    CalibrateParams,
    OperatingPoint,
    apply_temperature,
    choose_operating_point,
    choose_threshold,
    fit_temperature,
    read_operating_point,
    sensitive_threshold,
    write_operating_point,
    youden_threshold,
)
from tests.scoring.samples import make_prediction

PARAMS = CalibrateParams(threshold="youden")
CLASSES = Classes(positive="tumor", negative="healthy")


def draw_logits(temperature, n=20_000):
    generator = np.random.default_rng(0)
    honest = 2 * generator.normal(size=n)
    truth = generator.random(n) < 1 / (1 + np.exp(-honest))
    return honest * temperature, truth


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_a_known_temperature_is_found(temperature):
    assert temperature == pytest.approx(fit_temperature(*draw_logits(temperature)), rel=0.05)


def test_no_temperature_near_the_fitted_one_has_a_lower_log_loss():
    logits, truth = draw_logits(2.0, 60)
    fitted = fit_temperature(logits, truth)
    best = log_loss(truth, apply_temperature(logits, fitted))
    assert all(
        best <= log_loss(truth, apply_temperature(logits, fitted * by)) for by in (0.9, 0.999, 1.001, 1.1)
    )


def test_one_class_leaves_the_scores_as_they_are():
    assert fit_temperature(np.array([-3.0, 2.0]), np.array([True, True])) == 1.0


def test_separated_classes_get_a_finite_temperature_that_more_cases_lower():
    few = fit_temperature(np.array([-3.0, 3.0]), np.array([False, True]))
    many = fit_temperature(np.repeat([-3.0, 3.0], 50), np.repeat([False, True], 50))
    assert few == pytest.approx(3 / np.log(2), abs=1e-4)  # Platt's target of one case is 2 / 3
    assert 0.05 < many < few


def test_logits_of_the_wrong_sign_meet_the_upper_bound():
    assert 19.9 < fit_temperature(np.array([-3.0, 3.0]), np.array([True, False])) <= 20


def test_the_threshold_lies_midway_between_the_scores_it_parts():
    assert youden_threshold(np.array([0, 0, 1, 1], bool), np.array([0.1, 0.2, 0.6, 0.9])) == 0.4


def test_of_equal_thresholds_the_lowest_wins():
    """0.3 (all positives, half of the negatives) and 0.7 (half, all) have Youden index 0.5 both."""
    truth = np.array([0, 1, 0, 1], bool)
    assert youden_threshold(truth, np.array([0.2, 0.4, 0.6, 0.8])) == 0.3


def test_scores_closer_than_the_written_digits_are_judged_by_the_written_threshold():
    truth, score = np.array([0, 1], bool), np.array([0.5, 0.5 + 1e-9])
    assert youden_threshold(truth, score) == 0.5


def test_the_sensitive_threshold_finds_as_many_as_asked_and_calls_no_more_than_it_must():
    truth = np.array([1] * 20 + [0] * 3, bool)
    score = np.array([*np.arange(20) / 20, 0.02, 0.07, 0.6])
    # 19 of 20 positives lie at 0.05 and above; 0.02 is the next score below.
    assert choose_threshold(truth, score, "sensitivity 0.95") == (0.035, "sensitivity 0.95")
    assert choose_threshold(truth, score, "sensitivity 1")[0] == 0.0
    assert choose_threshold(truth, score, "sensitivity .05")[0] > 0.9


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20)), min_size=2, max_size=30), st.floats(0.01, 1))
def test_the_sensitivity_asked_for_is_reached_and_no_higher_threshold_would_do(pairs, wanted):
    truth = np.array([pair[0] for pair in pairs])
    score = np.array([pair[1] / 20 for pair in pairs])
    if truth.all() or not truth.any():
        return
    found = choose_threshold(truth, score, f"sensitivity {wanted}")[0]
    assert (score >= found)[truth].mean() >= wanted - 1e-6
    higher = np.unique(score[score > found])
    assert all((score > value)[truth].mean() < wanted + 1e-6 for value in higher[:1])


def test_a_given_threshold_is_taken_as_it_is():
    assert choose_threshold(np.array([True, False]), np.array([0.9, 0.1]), 0.3) == (0.3, "given")


@pytest.mark.parametrize("rule", ["youden", "sensitivity 0.95", "sensitivity .9", "sensitivity 1", 0.5, 0, 1])
def test_rules_that_params_may_name(rule):
    CalibrateParams(threshold=rule)


@pytest.mark.parametrize(
    "rule", ["Youden", "sensitivity", "sensitivity 0", "sensitivity 2", "sensitivity 95", 1.5, -1]
)
def test_other_rules_are_refused(rule):
    with pytest.raises(ValidationError):
        CalibrateParams(threshold=rule)


def test_a_threshold_needs_both_classes():
    with pytest.raises(BadInput, match="both classes"):
        youden_threshold(np.array([True, True]), np.array([0.1, 0.2]))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20)), min_size=2, max_size=30))
def test_no_threshold_of_the_roc_curve_has_a_greater_youden_index(pairs):
    truth = np.array([pair[0] for pair in pairs])
    score = np.array([pair[1] / 20 for pair in pairs])
    if truth.all() or not truth.any():
        return
    fpr, tpr, _ = roc_curve(truth, score)
    called = score >= youden_threshold(truth, score)
    found = called[truth].mean() - called[~truth].mean()
    assert found == pytest.approx((tpr - fpr).max())


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=2, max_size=30), st.floats(0.01, 1))
def test_a_threshold_for_a_sensitivity_reaches_it(pairs, wanted):
    truth = np.array([pair[0] for pair in pairs])
    score = np.array([pair[1] for pair in pairs])
    if truth.all() or not truth.any():
        return
    threshold = sensitive_threshold(truth, score, wanted)
    assert (score >= threshold)[truth].mean() >= wanted - 1e-9


def test_an_operating_point_read_back_is_the_one_written(tmp_path):
    rows = [
        make_prediction(f"{index}", "tumor" if index % 3 else "healthy", np.sin(index), subset=Subset.VALID)
        for index in range(20)
    ]
    point = choose_operating_point([*rows, make_prediction("test")], CLASSES, PARAMS)
    write_operating_point(tmp_path / "point.json", point)
    assert point == read_operating_point(tmp_path / "point.json")


def test_test_slices_have_no_say():
    valid = [
        make_prediction(name, label, logit, subset=Subset.VALID)
        for name, label, logit in (("a", "tumor", 2.0), ("b", "healthy", -1.0), ("c", "tumor", -2.0))
    ]
    first = choose_operating_point([*valid, make_prediction("d", logit=9.0)], CLASSES, PARAMS)
    assert first == choose_operating_point([*valid, make_prediction("d", logit=-9.0)], CLASSES, PARAMS)


def test_without_a_test_subset_nothing_is_tuned():
    rows = [make_prediction("a", subset=Subset.VALID), make_prediction("b", "healthy", subset=Subset.VALID)]
    expected = OperatingPoint(
        temperature=1.0, threshold=0.5, rule="fixed", negative="healthy", positive="tumor"
    )
    assert expected == choose_operating_point(rows, CLASSES, PARAMS)


def test_a_wrong_operating_point_names_its_key(tmp_path):
    path = tmp_path / "point.json"
    path.write_text('{"temperature": 0, "threshold": 0.5, "rule": "youden", "positive": "tumor"}')
    with pytest.raises(BadInput, match="temperature: input should be greater than 0, came 0"):
        read_operating_point(path)
