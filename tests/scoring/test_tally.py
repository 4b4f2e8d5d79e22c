import numpy as np
import pytest

from brainmri.scoring.tally import bin_numbers, count, cross_entropy, rank_cases
from tests.scoring.samples import make_cases

CASES = make_cases([1, 0, 1, 0], [0.8, 0.8, 0.3, 0.1], [0, 1, 1, 0])


def test_the_sweep_goes_from_nothing_called_to_everything_called_and_takes_ties_together():
    tally = count(rank_cases(CASES, 0.5), np.ones((1, 2)))
    assert tally.sweep_tp.tolist() == [[0, 1, 2, 2]]
    assert tally.sweep_fp.tolist() == [[0, 1, 1, 2]]
    assert (tally.tp[0], tally.fp[0], tally.fn[0], tally.tn[0]) == (1, 1, 1, 1)


def test_bins_are_closed_below_and_the_last_on_both_sides():
    assert bin_numbers(np.array([0.0, 0.09, 0.1, 0.9, 1.0])).tolist() == [0, 0, 1, 9, 9]


def test_the_cross_entropy_of_a_sure_mistake_is_finite():
    assert cross_entropy(np.array([False]), np.array([1.0]))[0] == pytest.approx(36.04, abs=0.01)
