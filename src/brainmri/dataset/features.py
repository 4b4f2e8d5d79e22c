"""What a picture tells without its anatomy: its outer frame, its histogram, and a thumbnail of 8×8 pixels."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from brainmri.dataset.preparation import STRIP_SHARE

Scaled = NDArray[np.float32]  # (rows, columns), 0..1
Values = tuple[float, ...]

_BINS = 16
_THUMBNAIL = 8


@dataclass(frozen=True)
class PictureFeatures:
    """Of one picture: `frame` (8,), `histogram` (16,) and `thumbnail` (64,), each value 0 to 1."""

    frame: Values
    histogram: Values
    thumbnail: Values


def scale_picture(image: NDArray[np.float32]) -> Scaled:
    """Its own minimum becomes 0, its maximum 1; a picture of one value is 0 everywhere."""
    low, high = float(image.min()), float(image.max())
    return np.asarray((image - low) / ((high - low) or 1.0), dtype=np.float32)


def describe_picture(scaled: Scaled) -> PictureFeatures:
    """All features of a picture of 0 to 1."""
    return PictureFeatures(_describe_frame(scaled), _describe_histogram(scaled), _shrink(scaled))


def _describe_frame(scaled: Scaled) -> Values:
    """Mean and standard deviation of the outer 4 % at the top, bottom, left and right."""
    rows, columns = (max(1, round(STRIP_SHARE * length)) for length in scaled.shape)
    strips = (scaled[:rows], scaled[-rows:], scaled[:, :columns], scaled[:, -columns:])
    return tuple(float(value) for strip in strips for value in (strip.mean(), strip.std()))


def _describe_histogram(scaled: Scaled) -> Values:
    """The share of pixels in each of 16 bins of equal width."""
    # Multiplied by a power of 2, so exact.
    bins = (scaled * _BINS).astype(np.uint8)
    counts = cv2.calcHist([bins], [0], None, [_BINS + 1], [0, _BINS + 1]).ravel().astype(np.float64)
    # 1 belongs to the last bin.
    *below, last, highest = counts / scaled.size
    return (*(float(share) for share in below), float(last + highest))


def _shrink(scaled: Scaled) -> Values:
    """Area means of 8×8 fields, row by row."""
    small = cv2.resize(scaled, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA)
    return tuple(float(value) for value in np.asarray(small).ravel())
