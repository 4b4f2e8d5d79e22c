"""The decision curve and the error by coverage: by hand, and where theory knows the answer."""

import numpy as np
import pytest
from hypothesis import given

from brainmri.scoring.cases import Cases
from brainmri.scoring.decisions import trace_benefit, trace_coverage
from tests.scoring.samples import PARAMS, grouped_cases, make_cases, simulate


def test_net_benefit_by_hand() -> None:
    rows = trace_benefit(make_cases([1, 1, 0, 0], [0.9, 0.3, 0.6, 0.1]), PARAMS)
    half = next(row for row in rows if row.threshold == 0.5)
    # One true and one false call of four cases, which weigh the same at 0.5.
    assert (0.0, 0.0) == (half.network, half.call_all)
    fifth = next(row for row in rows if row.threshold == 0.2)
    # Two true, one false, which costs 0.2 / 0.8; all: two of each.
    assert (1.75 / 4, 1.5 / 4) == pytest.approx((fifth.network, fifth.call_all))


def test_perfect_scores_gain_the_prevalence_at_every_threshold() -> None:
    rows = trace_benefit(make_cases([1, 0, 0, 1], [1.0, 0.0, 0.0, 1.0]), PARAMS)
    assert {0.5} == {row.network for row in rows}


def test_low_thresholds_are_calling_all() -> None:
    cases = make_cases([1, 0, 1, 0], [0.5, 0.6, 0.7, 0.8])
    assert all(row.network == pytest.approx(row.call_all) for row in trace_benefit(cases, PARAMS)[:20])


@given(cases=grouped_cases())
def test_the_interval_holds_the_benefit_and_is_absent_for_one_group(cases: Cases) -> None:
    for row in trace_benefit(cases, PARAMS):
        assert (row.low is None) == (cases.groups < 2)
        assert row.low is None or row.high is None or row.low <= row.network <= row.high


def test_the_surest_stay_and_their_error_by_hand() -> None:
    cases = make_cases([1, 0, 0, 1], [0.99, 0.02, 0.6, 0.45])
    rows = {row.coverage: row.error for row in trace_coverage(cases, 0.5, 0.95)}
    # Both unsure decisions are wrong.
    assert {1.0: 0.5, 0.75: pytest.approx(1 / 3), 0.5: 0.0, 0.25: 0.0} == rows


def test_sure_is_far_from_the_threshold_not_from_one_half() -> None:
    cases = make_cases([0, 1], [0.5, 0.2])
    assert 0.5 == trace_coverage(cases, 0.2, 0.95)[0].error
    last = trace_coverage(cases, 0.2, 0.95)[-1]
    assert (1, 1.0) == (last.n, last.error)


@given(cases=grouped_cases())
def test_coverage_falls_from_all_and_ties_stay_together(cases: Cases) -> None:
    rows = trace_coverage(cases, 0.5, 0.95)
    assert 1.0 == rows[0].coverage
    counts = [row.n for row in rows]
    assert counts == sorted(set(counts), reverse=True)
    assert rows[0].error == ((cases.score >= 0.5) != cases.truth).mean()


def test_a_calibrated_network_errs_less_where_it_is_surer() -> None:
    rows = trace_coverage(simulate(400, 2, seed=0), 0.5, 0.95)
    assert rows[-1].error < rows[len(rows) // 2].error < rows[0].error
    assert np.isfinite([row.high for row in rows if row.high is not None]).all()
