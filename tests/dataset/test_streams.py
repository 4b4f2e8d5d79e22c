"""Arrays come out as numpy would save them."""

import io
from pathlib import Path

import numpy as np
import pytest

from brainmri.dataset.streams import ArrayStream


@pytest.mark.parametrize("count", [0, 1, 5, 12_000])
def test_a_stream_is_the_file_that_numpy_saves(tmp_path: Path, count: int) -> None:
    items = np.random.default_rng(0).integers(0, 256, (count, 3, 4), np.uint8)
    with ArrayStream(tmp_path / "a.npy", (3, 4)) as stream:
        for item in items:
            stream.append(item)
    expected = io.BytesIO()
    np.save(expected, items)
    assert expected.getvalue() == (tmp_path / "a.npy").read_bytes()


@pytest.mark.parametrize("skipped", [{0}, {1, 2}, {4}, {0, 1, 2, 3, 4}])
def test_an_item_that_is_skipped_is_one_of_zeros(tmp_path: Path, skipped: set[int]) -> None:
    items = np.full((5, 3, 4), 7, np.uint8)
    items[sorted(skipped)] = 0
    with ArrayStream(tmp_path / "a.npy", (3, 4)) as stream:
        for place, item in enumerate(items):
            if place in skipped:
                stream.skip()
            else:
                stream.append(item)
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), items)


def test_an_item_of_another_shape_or_type_is_refused(tmp_path: Path) -> None:
    with ArrayStream(tmp_path / "a.npy", (2, 2)) as stream:
        for item in (np.zeros((2, 3), np.uint8), np.zeros((2, 2), np.int16)):
            with pytest.raises(ValueError, match="expected uint8 of shape"):
                stream.append(item)  # type: ignore[arg-type]
