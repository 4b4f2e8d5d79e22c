"""Slices with enough brain are read, spread evenly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from brainmri.errors import BadInput
from brainmri.scans.choice import choose_slices, measure_shares, spread_evenly
from brainmri.scans.files import FileKind
from brainmri.scans.settings import SliceRule
from brainmri.scans.slices import FileHeader, RawSlice, Stack

HEADER = FileHeader("", 1, "", "", 64, 64, 0)


class _Slices(Stack):
    kind = FileKind.NIFTI

    def __init__(self, data: NDArray[np.float32]) -> None:
        self.data = data
        self.count = len(data)

    def load(self, index: int) -> RawSlice:
        return RawSlice(self.data[index], HEADER, None)


def _volume() -> _Slices:
    """Noise, then squares of 10, 20 … 60 pixels a side, then noise."""
    data = np.random.default_rng(0).normal(0, 3, (8, 64, 64)).astype(np.float32)
    for number in range(1, 7):
        side = 5 * number
        data[number, 32 - side : 32 + side, 32 - side : 32 + side] += 500
    return _Slices(data)


def test_the_share_that_stands_out_is_measured_against_the_volume_s_background() -> None:
    expected = [0, *((10 * number / 64) ** 2 for number in range(1, 7)), 0]
    np.testing.assert_allclose(expected, measure_shares(_volume()), atol=0.001)


def test_slices_with_too_little_are_left_out() -> None:
    assert [3, 4, 5, 6] == choose_slices(_volume(), SliceRule(most=10, least_brain=0.2))
    assert [4, 6] == choose_slices(_volume(), SliceRule(most=2, least_brain=0.2))
    with pytest.raises(BadInput, match=r"expected slices of which 95% stands out .* came 88% at most"):
        choose_slices(_volume(), SliceRule(most=2, least_brain=0.95))


@given(count=st.integers(1, 300), most=st.integers(1, 300))
def test_spread_places_differ_and_leave_equal_gaps(count: int, most: int) -> None:
    chosen = spread_evenly(range(count), most)
    gaps = np.diff([-1, *chosen, count])
    assert min(count, most) == len(set(chosen))
    assert sorted(chosen) == chosen
    inner = gaps[1:-1]
    assert len(inner) == 0 or inner.max() - inner.min() <= 1
