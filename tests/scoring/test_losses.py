import numpy as np
import pytest

from brainmri.scoring.calibration import OperatingPoint
from brainmri.scoring.losses import list_top_losses
from tests.scoring.samples import POINT, make_prediction

ROWS = [
    make_prediction("right", "tumor", 3.0),
    make_prediction("wrong", "healthy", 2.0),
    make_prediction("b", "tumor", -1.0),
    make_prediction("a", "healthy", 1.0),
]


def test_the_greatest_losses_come_first_and_equal_ones_by_name():
    found = list_top_losses(ROWS, POINT, 3)
    assert [row.slice_id for row in found] == ["wrong", "a", "b"]
    assert (np.log1p(np.exp(2)), 1 / (1 + np.exp(-2))) == pytest.approx((found[0].loss, found[0].probability))
    assert (found[0].predicted, found[0].actual) == ("tumor", "healthy")


def test_the_probability_is_that_of_the_class_predicted_by_the_threshold():
    strict = OperatingPoint(**POINT.model_dump() | {"threshold": 0.9})
    row = list_top_losses(ROWS, strict, 1)[0]
    assert ("healthy", pytest.approx(1 - 1 / (1 + np.exp(-2)))) == (
        list_top_losses(ROWS, strict, 4)[0].predicted,
        row.probability,
    )


def test_more_than_there_are_gives_all():
    assert len(list_top_losses(ROWS, POINT, 10)) == 4
