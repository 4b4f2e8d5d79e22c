import numpy as np
import pytest
from hypothesis import given
from scipy import stats
from sklearn import metrics

from brainmri.scoring.curves import bin_reliability, list_confusion, trace_precision_recall, trace_roc
from brainmri.scoring.intervals import wilson_interval
from tests.scoring.samples import POINT, grouped_cases, make_cases, make_prediction


@given(grouped_cases())
def test_the_roc_curve_is_that_of_scikit_learn(cases):
    rows = trace_roc(cases)
    if cases.truth.all() or not cases.truth.any():
        assert rows == []
        return
    fpr, tpr, thresholds = metrics.roc_curve(cases.truth, cases.score, drop_intermediate=False)
    corners = list(zip(fpr.tolist(), tpr.tolist(), thresholds.tolist(), strict=True))
    assert (rows[0].fpr, rows[0].tpr, rows[0].threshold) == (0, 0, None)
    assert (rows[-1].fpr, rows[-1].tpr) == (1, 1)
    assert all((row.fpr, row.tpr, row.threshold) in corners for row in rows[1:])
    area = metrics.auc([row.fpr for row in rows], [row.tpr for row in rows])
    assert area == pytest.approx(metrics.roc_auc_score(cases.truth, cases.score))


def test_points_on_a_straight_line_are_left_out():
    rows = trace_roc(make_cases([1, 1, 0, 0], [0.9, 0.8, 0.2, 0.1]))
    assert [(row.fpr, row.tpr) for row in rows] == [(0, 0), (0, 1), (1, 1)]


@given(grouped_cases())
def test_the_precision_recall_curve_is_that_of_scikit_learn(cases):
    rows = trace_precision_recall(cases)
    if not cases.truth.any():
        assert rows == []
        return
    precision, recall, thresholds = metrics.precision_recall_curve(cases.truth, cases.score)
    assert [row.precision for row in rows] == pytest.approx(precision[-2::-1].tolist())
    assert [row.recall for row in rows] == pytest.approx(recall[-2::-1].tolist())
    assert [row.threshold for row in rows] == pytest.approx(thresholds[::-1].tolist())


def test_confusion_rows_carry_the_names_of_the_classes():
    rows = [make_prediction("b", "healthy", 1.0), make_prediction("a", "tumor", 0.0)]
    found = [(row.actual, row.predicted) for row in list_confusion(rows, POINT)]
    assert found == [("tumor", "tumor"), ("healthy", "tumor")]


def test_reliability_by_hand():
    rows = bin_reliability(make_cases([1, 0, 1], [0.95, 0.12, 0.18]), 0.95)
    assert [row.bin for row in rows] == [1, 9]
    first = rows[0]
    assert pytest.approx((first.low, first.mean_score, first.observed_share, first.n)) == (0.1, 0.15, 0.5, 2)


@given(grouped_cases())
def test_every_case_is_in_one_bin(cases):
    assert len(cases.truth) == sum(row.n for row in bin_reliability(cases, 0.95))
    assert all(np.diff([row.bin for row in bin_reliability(cases, 0.95)]) > 0)


def test_a_bin_of_many_groups_has_wilson_s_interval_and_one_of_alike_slices_a_wider_one():
    truth, score = [1, 0] * 20, [0.65] * 40
    (single,) = bin_reliability(make_cases(truth, score), 0.95)
    (grouped,) = bin_reliability(make_cases(truth, score, np.arange(40) // 4 * 2 + np.arange(40) % 2), 0.95)
    student = stats.t.ppf(0.975, 39)
    effective = min(40, 0.25 / (40 / 39 * 40 * 0.25 / 40**2))
    assert (single.share_low, single.share_high) == pytest.approx(wilson_interval(0.5, effective, student))
    assert (single.groups, grouped.groups) == (40, 20)
    assert grouped.share_high - grouped.share_low > 1.3 * (single.share_high - single.share_low)


def test_a_bin_of_one_group_has_no_interval():
    (row,) = bin_reliability(make_cases([1, 1], [0.65, 0.66], [0, 0]), 0.95)
    assert (row.n, row.groups, row.share_low, row.share_high) == (2, 1, None, None)


def test_a_bin_of_positives_alone_leaves_doubt():
    (row,) = bin_reliability(make_cases([1] * 5, [0.95] * 5), 0.95)
    assert (row.observed_share, row.share_high) == (1, 1)
    assert row.share_low == pytest.approx(1 / (1 + 1.96**2 / 5), abs=1e-3)
