"""The reliability diagram."""

import dataclasses

import numpy as np
import pytest

from brainmri.figures import reliability
from tests.figures.samples import BEFORE, BINS, BUILDERS, SOURCE, draw, read_texts


def test_empty_bins_have_no_point_but_a_count() -> None:
    figure = BUILDERS["reliability"]()
    points = figure.axes[0].lines[2]
    assert np.allclose(points.get_xdata(), [0.1, 0.6, 0.9])
    assert {"10", "0", "4", "12"} <= set(read_texts(figure))


def test_legend_gives_the_error_of_how_many_bins() -> None:
    assert "observed in 3 bins, expected calibration error 0.080" in read_texts(BUILDERS["reliability"]())


def test_the_error_before_calibration_stands_beside_it() -> None:
    assert "before calibration: error 0.180" in read_texts(BUILDERS["reliability"]())


def test_no_line_joins_the_points_and_each_known_interval_is_drawn() -> None:
    axes = BUILDERS["reliability"]().axes[0]
    assert [line.get_linestyle() for line in axes.lines] == ["--", "None", "None", "None"]
    ends = [path.vertices[:, 1].tolist() for path in axes.collections[0].get_paths()]
    assert ends == [[0, 0.3], [0.8, 1]]
    assert {"95 % interval", "of one group: no interval"} <= set(read_texts(axes.figure))


def test_the_level_is_that_of_the_intervals() -> None:
    bins = dataclasses.replace(BINS, confidence=0.9)
    assert "90 % interval" in read_texts(reliability.draw_reliability(bins, BEFORE, SOURCE))


def test_intervals_and_error_may_be_missing() -> None:
    nothing = np.full(4, np.nan)
    bins = dataclasses.replace(BINS, error=None, low=nothing, high=nothing)
    texts = read_texts(reliability.draw_reliability(bins, BEFORE, SOURCE))
    assert "observed in 3 bins" in texts
    assert "95 % interval" not in texts


@pytest.mark.parametrize("bins", [0, 1, 30])
def test_no_cases_are_said_to_be_none(bins: int) -> None:
    nothing = np.full(bins, np.nan)
    empty = reliability.Bins(np.linspace(0, 1, bins + 1), np.zeros(bins, int), *[nothing] * 4, 0.95, None)
    figure = reliability.draw_reliability(empty, BEFORE, SOURCE)
    draw(figure)
    assert "no cases" in read_texts(figure)
