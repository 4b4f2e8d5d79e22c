"""Percentiles of an image: numpy's, by counting where there are few levels, as in most scans."""

from collections.abc import Sequence
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

# More levels than a 16-bit file has are sorted.
_MOST_LEVELS: Final = 1 << 16


def find_percentiles(values: NDArray[np.float32], percentages: Sequence[float]) -> list[float]:
    """The value below which each percentage lies, linear between two (numpy's default); finite values."""
    places = [(values.size - 1) * percentage / 100 for percentage in percentages]
    found = _find_neighbors(values, sorted({int(place) for place in places}))
    pairs = [(found[int(place)], place % 1) for place in places]
    return [below + share * (above - below) if share else below for (below, above), share in pairs]


def _find_neighbors(values: NDArray[np.float32], ranks: list[int]) -> dict[int, tuple[float, float]]:
    """Of all values in order, those at some places, counted from 0, and those after them."""
    low = float(values.min())
    levels = _to_levels(values, low)
    if levels is None:
        ordered = np.partition(values.ravel(), ranks)
        # What follows a rank lies between it and the next one, in any order.
        pieces = zip(ranks, [*ranks[1:], len(ordered)], strict=True)
        return {
            rank: (float(ordered[rank]), float(ordered[rank + 1 : end + 1].min(initial=np.inf)))
            for rank, end in pieces
        }
    count = int(levels.max()) + 1
    upto = np.cumsum(cv2.calcHist([levels], [0], None, [count], [0, count]), dtype=np.float64)
    pairs = np.searchsorted(upto, [(rank, rank + 1) for rank in ranks], side="right")
    return {rank: (low + int(at), low + int(after)) for rank, (at, after) in zip(ranks, pairs, strict=True)}


def _to_levels(values: NDArray[np.float32], low: float) -> NDArray[np.unsignedinteger[Any]] | None:
    """The values as whole numbers from 0, if they are whole and not too many."""
    high = float(values.max()) - low
    if not (low.is_integer() and high < _MOST_LEVELS):
        return None
    shifted = values - np.float32(low) if low else values
    levels: NDArray[np.unsignedinteger[Any]] = shifted.astype(np.uint8 if high < 256 else np.uint16)
    return levels if np.array_equal(levels, shifted) else None
