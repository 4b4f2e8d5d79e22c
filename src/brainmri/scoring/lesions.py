"""Lesions: connected regions of a mask in a slice, matched between prediction and reference."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

Pixels = NDArray[np.bool_]  # (size, size)

# Pixels that touch by a corner are of one lesion.
_TOUCHING = np.ones((3, 3), np.int64)


@dataclass(frozen=True)
class LesionCounts:
    """Lesions of the reference, how many of them were found, and predicted ones that are none."""

    lesions: int
    found: int
    false: int


def match_lesions(predicted: Pixels, reference: Pixels, least_overlap: float) -> LesionCounts:
    """Matches one to one, from the greatest overlap down; a pair counts from the IoU `least_overlap` on.

    The rule of panoptic quality (Kirillov et al. 2019, arXiv 1801.00868), whose threshold of 0.5 makes the
    matching unique; below it the greedy order decides.
    """
    found, predictions = label(predicted, _TOUCHING)
    wanted, lesions = label(reference, _TOUCHING)
    together = np.bincount(
        wanted.ravel() * (predictions + 1) + found.ravel(), minlength=(lesions + 1) * (predictions + 1)
    ).reshape(lesions + 1, predictions + 1)
    inner = together[1:, 1:]
    union = together.sum(axis=1)[1:, None] + together.sum(axis=0)[None, 1:] - inner
    overlap = inner / np.maximum(union, 1)
    matched = 0
    while overlap.size and overlap.max() >= least_overlap:
        row, column = np.unravel_index(overlap.argmax(), overlap.shape)
        overlap[row], overlap[:, column] = -1, -1
        matched += 1
    return LesionCounts(lesions, matched, predictions - matched)
