import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from brainmri.scoring.catalogue import FIGURES, measure
from brainmri.scoring.tally import rank_cases
from tests.scoring.samples import grouped_cases, make_cases

THRESHOLD = 0.5

# By hand: 3 positives, 4 negatives; tp 2, fn 1, fp 1, tn 3.
TRUTH = [1, 1, 1, 0, 0, 0, 0]
SCORE = [0.9, 0.6, 0.2, 0.7, 0.4, 0.2, 0.1]
BY_HAND = {
    # pairs ranked rightly: 0.9 beats 4, 0.6 beats 3, 0.2 beats 1 and ties 1
    "auroc": (4 + 3 + 1.5) / 12,
    # recall grows by 1/3 at 0.9 (precision 1/1), 0.6 (2/3) and 0.2 (3/6)
    "auprc": (1 + 2 / 3 + 3 / 6) / 3,
    "accuracy": 5 / 7,
    "balanced_accuracy": (2 / 3 + 3 / 4) / 2,
    "precision": 2 / 3,
    "sensitivity": 2 / 3,
    "specificity": 3 / 4,
    "f1": 4 / 6,
    "mcc": (2 * 3 - 1 * 1) / (3 * 4 * 3 * 4) ** 0.5,
    "brier": (0.01 + 0.16 + 0.64 + 0.49 + 0.16 + 0.04 + 0.01) / 7,
    # bins: 0.1 {-.1}, 0.2 {.8, -.2}, 0.4 {-.4}, 0.6 {.4}, 0.7 {-.7}, 0.9 {.1}
    "ece": (0.1 + 0.6 + 0.4 + 0.4 + 0.7 + 0.1) / 7,
    "log_loss": -np.log([0.9, 0.6, 0.2, 0.3, 0.6, 0.8, 0.9]).mean(),
    # no negative may be called: threshold 0.9
    "sensitivity_at_specificity_90": 1 / 3,
    # every positive must be called: threshold 0.2
    "specificity_at_sensitivity_90": 1 / 4,
}


def measure_once(cases, threshold=THRESHOLD, weights=None):
    rows = np.ones((1, cases.groups)) if weights is None else np.array([weights], float)
    return {name: values[0] for name, values in measure(rank_cases(cases, threshold), rows).items()}


def reference(truth, score, weights):
    """scikit-learn's figures; None where its convention is a number for the undefined."""
    called = score >= THRESHOLD
    own = {"sample_weight": weights}
    positive, negative = weights[truth].sum() > 0, weights[~truth].sum() > 0
    both, some = positive and negative, weights[called].sum() > 0
    all_called = weights[~called].sum() == 0
    return {
        "auroc": metrics.roc_auc_score(truth, score, **own) if both else None,
        "auprc": metrics.average_precision_score(truth, score, **own) if positive else None,
        "accuracy": metrics.accuracy_score(truth, called, **own),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, called, **own) if both else None,
        "precision": metrics.precision_score(truth, called, **own) if some else None,
        "sensitivity": metrics.recall_score(truth, called, **own) if positive else None,
        "specificity": metrics.recall_score(~truth, ~called, **own) if negative else None,
        "f1": metrics.f1_score(truth, called, **own) if positive or some else None,
        "mcc": metrics.matthews_corrcoef(truth, called, **own) if both and some and not all_called else None,
        "brier": metrics.brier_score_loss(truth, score, pos_label=True, **own),
        "log_loss": metrics.log_loss(truth, score, labels=[False, True], **own),
    }


@pytest.mark.parametrize("name", [figure.name for figure in FIGURES])
def test_a_case_by_hand(name):
    assert measure_once(make_cases(TRUTH, SCORE))[name] == pytest.approx(BY_HAND[name])


@given(grouped_cases(), st.randoms(use_true_random=False))
def test_figures_equal_those_of_scikit_learn_with_sample_weights(cases, random):
    weights = np.array([random.randint(0, 3) for _ in range(cases.groups)], float)
    by_case = weights[cases.group]
    if not by_case.sum():
        return
    found = measure_once(cases, weights=weights)
    for name, value in reference(cases.truth, cases.score, by_case).items():
        expected = np.nan if value is None else value
        assert found[name] == pytest.approx(expected, abs=1e-9, nan_ok=True), name


@given(grouped_cases(), st.randoms(use_true_random=False))
def test_a_weight_of_three_is_the_group_three_times(cases, random):
    weights = np.array([random.randint(0, 3) for _ in range(cases.groups)])
    repeated = np.repeat(np.arange(len(cases.truth)), weights[cases.group])
    if not len(repeated):
        return
    group = np.unique(cases.group[repeated], return_inverse=True)[1]
    longer = make_cases(cases.truth[repeated], cases.score[repeated], group)
    assert measure_once(longer) == pytest.approx(measure_once(cases, weights=weights), nan_ok=True)


@given(grouped_cases(), st.randoms(use_true_random=False))
def test_the_order_of_cases_changes_no_figure(cases, random):
    order = list(range(len(cases.truth)))
    random.shuffle(order)
    shuffled = make_cases(cases.truth[order], cases.score[order], cases.group[order])
    assert measure_once(shuffled) == pytest.approx(measure_once(cases), nan_ok=True)


@given(grouped_cases())
def test_every_figure_stays_in_its_range(cases):
    found = measure_once(cases)
    for figure in FIGURES:
        value = found[figure.name]
        assert np.isnan(value) or figure.low <= value <= figure.high


@pytest.mark.parametrize(
    ("truth", "score", "undefined"),
    [
        (
            [1, 1],
            [0.9, 0.1],
            "auroc balanced_accuracy specificity mcc sensitivity_at_specificity_90 "
            "specificity_at_sensitivity_90",
        ),
        (
            [0, 0],
            [0.2, 0.1],
            "auroc auprc balanced_accuracy precision sensitivity f1 mcc sensitivity_at_specificity_90 "
            "specificity_at_sensitivity_90",
        ),
        ([1, 0], [0.2, 0.1], "precision mcc"),
        ([1, 0], [0.9, 0.8], "mcc"),
    ],
)
def test_what_has_no_denominator_is_not_a_number(truth, score, undefined):
    found = measure_once(make_cases(truth, score))
    assert undefined.split() == [name for name, value in found.items() if np.isnan(value)]


def test_ninety_percent_is_enough_to_the_last_digit():
    """One false positive of 10 leaves a specificity of exactly 0.9, whatever 1 - 0.9 rounds to."""
    cases = make_cases([0] * 9 + [1, 0, 1], [0.1] * 9 + [0.3, 0.4, 0.5])
    assert measure_once(cases)["sensitivity_at_specificity_90"] == 1
    assert measure_once(cases)["specificity_at_sensitivity_90"] == 0.9


def test_a_score_equal_to_the_threshold_is_positive():
    assert measure_once(make_cases([1], [0.5]), threshold=0.5)["sensitivity"] == 1


def test_large_counts_do_not_overflow():
    weights = [1e6, 1e6, 1e6, 1e6]
    found = measure_once(make_cases([1, 1, 0, 0], [0.9, 0.1, 0.2, 0.3]), weights=weights)
    assert found["mcc"] == pytest.approx(1 / 3**0.5)


def test_chunks_change_nothing(monkeypatch):
    cases, generator = make_cases(TRUTH, SCORE), np.random.default_rng(0)
    weights = generator.integers(0, 3, (50, 7)).astype(float)
    whole = measure(rank_cases(cases, THRESHOLD), weights)
    monkeypatch.setattr("brainmri.scoring.tally._CHUNK", 20)
    parts = measure(rank_cases(cases, THRESHOLD), weights)
    for name, values in whole.items():
        np.testing.assert_array_equal(parts[name], values)
