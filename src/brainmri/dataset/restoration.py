"""A prepared mask back on the pixels of its file: the way of `preparation` and `scans.slices`, in reverse."""

import math

import numpy as np
from numpy.typing import NDArray

from brainmri.dataset.preparation import Box, Mask
from brainmri.scans.slices import make_square


def restore_mask(
    mask: Mask, box: Box, stored: tuple[int, int], spacing_mm: tuple[float, float] | None
) -> Mask:
    """A prepared mask (size, size), 0 or 1, as a mask of the file's rows and columns, `stored`.

    `box` is what the prepared image shows of the slice with square pixels; `spacing_mm` is between rows and
    between columns, None where the file doesn't say, as the slice was read. Nothing lies outside the box,
    nor where the prepared image was padded. Raises `BadInput` for a spacing that can't have been read.
    """
    square = measure_square(stored, spacing_mm)
    side = max(box.height, box.width)
    down = _weigh(stored[0], square[0], (box.top, box.height), side, len(mask))
    across = _weigh(stored[1], square[1], (box.left, box.width), side, len(mask))
    share = down @ mask.astype(np.float64) @ across.T
    return (share >= 0.5).astype(np.uint8)


def measure_square(stored: tuple[int, int], spacing_mm: tuple[float, float] | None) -> tuple[int, int]:
    """Height and width of a slice of `stored` rows and columns once its pixels are square."""
    if spacing_mm is None:
        return stored
    blank = np.zeros(stored, np.float32)
    height, width = make_square(blank, spacing_mm, math.inf)[0].shape
    return height, width


def _weigh(stored: int, square: int, within: tuple[int, int], side: int, size: int) -> NDArray[np.float64]:
    """(stored, size): how much each prepared row counts in a stored one, by linear interpolation.

    All resizing keeps edges on edges: pixel i has its center at i + 0.5. `within` is where the box starts,
    and its length.
    """
    start, length = within
    centers = (np.arange(stored) + 0.5) * square / stored - start
    at = (centers + (side - length) // 2) * size / side - 0.5
    weights = np.clip(1 - np.abs(at[:, None] - np.arange(size)), 0, 1)
    weights[(centers < 0) | (centers >= length)] = 0
    return np.asarray(weights)
