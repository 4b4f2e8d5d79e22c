"""Pixels of any size -> one square uint8 image: cropped to the head, intensities made comparable.

The same function prepares training images and a stranger's scan at prediction.
"""

from dataclasses import dataclass
from typing import Annotated

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from brainmri.dataset.percentiles import find_percentiles
from brainmri.errors import BadInput
from brainmri.scans.settings import PixelRule

Image8 = NDArray[np.uint8]  # (size, size) or (channels, size, size), 0..255
Mask = NDArray[np.uint8]  # (rows, columns) or (size, size), 0 or 1

# The head is looked for in a copy of at most this many pixels a side.
_SEARCH_SIZE = 256
# A pixel belongs to something if it differs from the border by this share of the strongest difference.
_BACKGROUND_FRACTION = 0.12
# The border is a strip of this share of the shorter side.
STRIP_SHARE = 0.04
# A region narrower than this share of the picture is no head.
_LEAST_SHARE = 0.2


class ImageRule(PixelRule):
    """How a raw image becomes a prepared one; it travels with the model."""

    size: Annotated[int, Field(ge=32, le=512, description="a whole number of pixels from 32 to 512")]
    crop: Annotated[bool, Field(description="true or false")]
    low_percentile: Annotated[float, Field(ge=0, lt=50, description="a percentage from 0 to below 50")]
    high_percentile: Annotated[float, Field(gt=50, le=100, description="a percentage above 50 up to 100")]
    equalize: Annotated[bool, Field(description="true (contrast equalization, CLAHE) or false")]


@dataclass(frozen=True)
class Box:
    """What of a raw image is used, in its pixels; a prepared image shows it, padded to a square."""

    top: int
    left: int
    height: int
    width: int


@dataclass(frozen=True)
class Preparation:
    """A prepared image, its mask (size, size), the side of its pixels against raw ones, and what it shows."""

    image: Image8
    mask: Mask | None
    pixel_scale: float
    box: Box


def prepare_image(image: NDArray[np.float32], mask: Mask | None, rule: ImageRule) -> Preparation:
    """An image (rows, columns) or (channels, rows, columns) and its mask (rows, columns) by `rule`.

    One geometry for all channels and the mask, found in the channels' mean; intensities by channel.
    Raises `BadInput` for an image of one value only and for a mask of another size.
    """
    if mask is not None and mask.shape != image.shape[-2:]:
        raise BadInput(f"expected a mask of {_shown(image)} pixels like its image, came {_shown(mask)}")
    if not np.isfinite(image).all():
        raise BadInput("expected numbers for pixels, came some that are none (NaN or infinite)")
    if image.min() == image.max():
        raise BadInput("expected an image with contrast, came one value everywhere")
    flat = image if image.ndim == 2 else image.mean(axis=0)
    box = _find_head(flat) if rule.crop else _whole(flat)
    channels = [_prepare_channel(_cut(channel, box), rule) for channel in np.atleast_3d(image.T).T]
    stacked = channels[0] if image.ndim == 2 else np.stack(channels)
    if stacked.min() == stacked.max():
        raise BadInput("expected a head with contrast, came one value everywhere")
    scale = max(box.height, box.width) / rule.size
    if mask is None:
        return Preparation(stacked, None, scale, box)
    share = _to_square(_cut(mask.astype(np.float32), box), 0.0, rule.size)
    return Preparation(stacked, (share >= 0.5).astype(np.uint8), scale, box)


def _prepare_channel(cut: NDArray[np.float32], rule: ImageRule) -> NDArray[np.uint8]:
    """(rows, columns) -> (size, size); black where a channel says nothing."""
    low, high = find_percentiles(cut, (rule.low_percentile, rule.high_percentile))
    if low == high:  # nearly all of one value: the percentiles say nothing
        low, high = float(cut.min()), float(cut.max())
    if low == high:
        return np.zeros((rule.size, rule.size), np.uint8)
    background = _find_median(_border(cut))
    square = (_to_square(cut, background, rule.size).astype(np.float64) - low) / (high - low)
    prepared: NDArray[np.uint8] = np.rint(np.clip(square, 0, 1) * 255).astype(np.uint8)
    if not rule.equalize:
        return prepared
    return np.asarray(cv2.createCLAHE(clipLimit=2.0, tileGridSize=(8, 8)).apply(prepared), dtype=np.uint8)


def _find_head(image: NDArray[np.float32]) -> Box:
    """The box around the head; a bright frame around the picture is painted over first."""
    inside = _find_inside(image)
    kept = _cut(image, inside)
    painted = np.full(image.shape, _find_median(_border(kept)), np.float32)
    _cut(painted, inside)[:] = kept
    return _intersect(_find_region(painted), inside)


def _find_inside(image: NDArray[np.float32]) -> Box:
    """What a frame of one level encloses, if it is darker at its border; else all."""
    level, tolerance = _find_median(image[0]), _BACKGROUND_FRACTION * np.ptp(image)
    differs = np.abs(image - level) > tolerance
    box = _bound(differs)
    if box is None:
        return _whole(image)
    return box if _find_median(_border(_cut(image, box))) < level - tolerance else _whole(image)


def _find_region(image: NDArray[np.float32]) -> Box:
    """The box around the largest region that stands out from the border's level; all if none is large."""
    shrink = min(1.0, _SEARCH_SIZE / max(image.shape))
    small = _resize(image, max(1, round(shrink * image.shape[1])), max(1, round(shrink * image.shape[0])))
    contrast = np.abs(cv2.GaussianBlur(small, (0, 0), 2) - _find_median(_border(small)))
    (strong,) = find_percentiles(contrast, (99,))
    stands_out = (contrast > _BACKGROUND_FRACTION * strong).astype(np.uint8)
    opened = cv2.morphologyEx(stands_out, cv2.MORPH_OPEN, np.ones((7, 7), np.uint8))
    count, regions = cv2.connectedComponents(opened, ltype=cv2.CV_16U)
    if count < 2:
        return _whole(image)
    areas = cv2.calcHist([regions], [0], None, [count], [0, count]).ravel()
    region = _bound(regions == 1 + areas[1:].argmax()) or _whole(small)
    if region.width < _LEAST_SHARE * small.shape[1] or region.height < _LEAST_SHARE * small.shape[0]:
        return _whole(image)
    top, bottom = _widen(region.top, region.top + region.height, small.shape[0], image.shape[0])
    left, right = _widen(region.left, region.left + region.width, small.shape[1], image.shape[1])
    return Box(top, left, bottom - top, right - left)


def _bound(inside: NDArray[np.bool_]) -> Box | None:
    """The box around what is true; None where nothing is."""
    left, top, width, height = cv2.boundingRect(inside.view(np.uint8))
    return Box(top, left, height, width) if width else None


def _intersect(first: Box, second: Box) -> Box:
    top, left = max(first.top, second.top), max(first.left, second.left)
    bottom = min(first.top + first.height, second.top + second.height)
    right = min(first.left + first.width, second.left + second.width)
    return Box(top, left, bottom - top, right - left)


def _whole(image: NDArray[np.float32]) -> Box:
    height, width = image.shape
    return Box(0, 0, height, width)


def _widen(start: int, stop: int, small: int, full: int) -> tuple[int, int]:
    """A range of the shrunk image in full pixels, with one shrunk pixel of margin."""
    scale = full / small
    return max(0, int((start - 1) * scale)), min(full, int(np.ceil((stop + 1) * scale)))


def _border(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The outer strips, wide enough that a thin frame around the picture doesn't decide its level."""
    width = max(1, round(STRIP_SHARE * min(image.shape)))
    strips = image[:width], image[-width:], image[:, :width], image[:, -width:]
    return np.concatenate([strip.ravel() for strip in strips])


def _find_median(values: NDArray[np.float32]) -> float:
    (median,) = find_percentiles(values, (50,))
    return median


def _cut(image: NDArray[np.float32], box: Box) -> NDArray[np.float32]:
    return image[box.top : box.top + box.height, box.left : box.left + box.width]


def _to_square(image: NDArray[np.float32], border: float, size: int) -> NDArray[np.float32]:
    """Padded to a square with `border`, then scaled to (size, size)."""
    height, width = image.shape
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    square = np.full((side, side), border, np.float32)
    square[top : top + height, left : left + width] = image
    return _resize(square, size, size)


def _resize(image: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """By area where it gets smaller, else linear."""
    method = cv2.INTER_AREA if width < image.shape[1] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=method), dtype=np.float32)


def _shown(image: NDArray[np.generic]) -> str:
    return f"{image.shape[-1]}x{image.shape[-2]}"
