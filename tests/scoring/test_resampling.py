"""Draws of groups, in one process and in parts."""

from functools import partial

import numpy as np
import pytest

from brainmri.scoring import resampling
from brainmri.scoring.resampling import IntervalParams, map_draws
from brainmri.scoring.tally import Matrix

PARAMS = IntervalParams(confidence=0.95, draws=250, seed=3)


def _list(weights: Matrix) -> list[list[float]]:
    return [list(row) for row in weights.tolist()]


def _scale(weights: Matrix, by: float) -> Matrix:
    scaled: Matrix = weights * by
    return scaled


def test_each_draw_takes_as_many_groups_as_there_are() -> None:
    drawn = [row for block in map_draws(_list, 7, 11, 7, PARAMS) for row in block]
    assert 250 == len(drawn)
    assert {7.0} == {sum(row) for row in drawn}
    again = [row for block in map_draws(_list, 7, 100, 7, PARAMS) for row in block]
    assert drawn == again


@pytest.mark.parametrize("rows", [1, 11, 250, 400])
def test_parts_that_other_processes_take_are_the_same_draws(
    rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = map_draws(partial(_scale, by=0.1), 7, rows, 7, PARAMS)
    monkeypatch.setattr(resampling, "_WORTH_PROCESSES", 0)
    elsewhere = map_draws(partial(_scale, by=0.1), 7, rows, 7, PARAMS)
    assert [block.shape for block in here] == [block.shape for block in elsewhere]
    assert np.concatenate(here).tobytes() == np.concatenate(elsewhere).tobytes()
