"""Percentiles are numpy's, whether counted or sorted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from brainmri.dataset.percentiles import find_percentiles

PERCENTAGES = (0, 0.5, 1, 33.3, 50, 99, 99.5, 100)
WHOLE = st.integers(-3000, 3000).map(float)
ANY = st.floats(-1e6, 1e6, width=32)


@given(
    values=st.sampled_from([WHOLE, ANY]).flatmap(
        lambda element: arrays(np.float32, st.integers(1, 60), elements=element)
    )
)
def test_they_are_numpy_s(values: np.ndarray) -> None:
    expected = np.percentile(values.astype(np.float64), PERCENTAGES)
    np.testing.assert_allclose(find_percentiles(values, PERCENTAGES), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("levels", [2, 256, 257, 65536, 65537, 200_000])
def test_any_number_of_levels_is_counted_or_sorted_alike(levels: int) -> None:
    values = np.random.default_rng(0).permutation(levels).astype(np.float32) - 1000
    expected = np.percentile(values.astype(np.float64), PERCENTAGES)
    np.testing.assert_allclose(find_percentiles(values, PERCENTAGES), expected, rtol=1e-9, atol=1e-9)


def test_the_values_are_left_as_they_are() -> None:
    values = np.array([[3.5, 1.0], [2.0, 0.0]], np.float32)
    find_percentiles(values, (50,))
    assert [[3.5, 1.0], [2.0, 0.0]] == values.tolist()
