"""ROC and precision-recall curves."""

import dataclasses

import numpy as np
import pytest

from brainmri.figures import curves
from tests.figures.samples import BUILDERS, POINT, RANKING, SOURCE, draw, read_texts


def test_legends_give_areas_chance_and_the_operating_point() -> None:
    texts = read_texts(BUILDERS["curves"]())
    expected = {
        "area 0.87 (95 % CI 0.81 to 0.92)",
        "area 0.84",
        "chance: area 0.50",
        "chance: prevalence 0.50",
        "operating point: threshold 0.41\nsensitivity 0.90, specificity 0.70",
        "operating point: threshold 0.41\nrecall 0.90, precision 0.75",
    }
    assert expected <= set(texts)


def test_operating_point_stands_at_its_place_in_both_panels() -> None:
    roc, precision = BUILDERS["curves"]().axes
    assert np.allclose([roc.lines[-1].get_xdata(), roc.lines[-1].get_ydata()], [[0.3], [0.9]])
    assert np.allclose([precision.lines[-1].get_xdata(), precision.lines[-1].get_ydata()], [[0.9], [0.75]])


@pytest.mark.parametrize("point", [None, POINT])
def test_one_class_only_is_said_in_both_panels(point: curves.OperatingPoint | None) -> None:
    figure = curves.draw_curves(None, point, SOURCE)
    draw(figure)
    assert read_texts(figure).count("undefined: one class only") == 2


def test_precision_of_no_positive_call_is_not_marked() -> None:
    point = dataclasses.replace(POINT, precision=None)
    figure = curves.draw_curves(RANKING, point, SOURCE)
    assert [len(axes.lines) for axes in figure.axes] == [3, 2]
