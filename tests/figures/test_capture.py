"""The picture for viewers of scans: every part of it is there, and the same each time."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from brainmri.figures.capture import Words, draw_capture
from brainmri.figures.heat import Heat
from brainmri.figures.sheet import Caption
from brainmri.scans.sides import AXIAL
from tests.pictures import draw_head

WORDS = Words("NOT FOR DIAGNOSIS - research only", 20 * "Where the network looks, not where a tumor is. ")
HEAT = np.zeros((64, 64), np.float32)
HEAT[10:14, 40:44] = 1
ITEM = Heat(draw_head(1, tumor=False), HEAT, (12, 42), Caption("tumor", "instance 3", "unlike"))


def _differ(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> tuple[int, int]:
    """The middle of where two pictures differ, (row, column)."""
    rows, columns = np.nonzero((one != other).any(axis=2))
    return int(rows.mean()), int(columns.mean())


def test_it_is_large_and_the_same_each_time() -> None:
    drawn = draw_capture(ITEM, AXIAL, WORDS)
    assert (1072, 3, np.uint8) == (*drawn.shape[1:], drawn.dtype)
    assert drawn.shape[0] > 700
    assert np.array_equal(drawn, draw_capture(ITEM, AXIAL, WORDS))


def test_the_map_and_its_cross_lie_in_the_right_half_where_they_belong() -> None:
    plain = draw_capture(replace(ITEM, hottest=None), None, WORDS)
    cold = draw_capture(replace(ITEM, hottest=None, heat=np.zeros_like(HEAT)), None, WORDS)
    marked = draw_capture(ITEM, None, WORDS)
    top = 152
    for row, column in (_differ(plain, cold), _differ(marked, plain)):
        assert (top + 12 * 8, 544 + 42 * 8) == pytest.approx((row, column), abs=6)


@pytest.mark.parametrize("part", ["label", "case", "more"])
def test_every_line_is_drawn(part: str) -> None:
    other = replace(ITEM, caption=replace(ITEM.caption, **{part: "another"}))
    row, _ = _differ(draw_capture(ITEM, AXIAL, WORDS), draw_capture(other, AXIAL, WORDS))
    assert 48 < row < 152


def test_sides_are_named_where_they_are_known() -> None:
    assert not np.array_equal(draw_capture(ITEM, AXIAL, WORDS), draw_capture(ITEM, None, WORDS))


def test_no_word_reaches_an_edge_however_long_it_is() -> None:
    long = replace(ITEM, caption=Caption(200 * "tumor ", 400 * "i", 90 * "unlike "))
    assert not draw_capture(long, AXIAL, WORDS)[:, -8:].any()
    assert not draw_capture(long, AXIAL, WORDS)[-8:].any()
