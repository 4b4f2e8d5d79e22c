"""The reliability diagram."""

import dataclasses

import numpy as np
import pytest

from brainmri.figures import reliability
from tests.figures.samples import BINS, BUILDERS, SOURCE, draw, read_texts


def test_empty_bins_have_no_point_but_a_count() -> None:
    figure = BUILDERS["reliability"]()
    curve = figure.axes[0].lines[-1]
    assert np.allclose(curve.get_xdata(), [0.1, 0.6, 0.9])
    assert {"10", "0", "4", "12"} <= set(read_texts(figure))


def test_legend_gives_the_error_of_how_many_bins() -> None:
    assert "observed in 4 bins, expected calibration error 0.080" in read_texts(BUILDERS["reliability"]())


def test_interval_and_error_may_be_missing() -> None:
    bins = dataclasses.replace(BINS, error=None, low=None, high=None)
    texts = read_texts(reliability.draw_reliability(bins, SOURCE))
    assert "observed in 4 bins" in texts
    assert "95 % interval" not in texts


@pytest.mark.parametrize("bins", [0, 1, 30])
def test_no_cases_are_said_to_be_none(bins: int) -> None:
    nothing = np.full(bins, np.nan)
    empty = reliability.Bins(np.linspace(0, 1, bins + 1), np.zeros(bins, int), nothing, nothing, None)
    figure = reliability.draw_reliability(empty, SOURCE)
    draw(figure)
    assert "no cases" in read_texts(figure)
