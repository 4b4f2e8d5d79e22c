"""How alike two pictures are once one is shifted and stretched onto the other.

Different brains are alike at low frequencies; only copies share fine detail, and only where they are
aligned to a fraction of a pixel. So pairs are aligned first (Lucas and Kanade 1981, with brightness and
contrast fitted along), then compared by the correlation of what a blur takes away.

A placement is (scale, shift) across and (scale, shift) down, coordinates running from -1 to 1: the point x of
the first picture shows what stands at scale · x + shift in the second.
"""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from brainmri.dataset.thumbnails import SIZE_PX, Stack

Placements = NDArray[np.float32]
"""(pairs, 4): scale and shift across, scale and shift down."""

# Alignment goes from small pictures to large ones; most pairs are given up before the last.
_QUICK_STEPS: Final = ((16, 2), (32, 1))
_QUICK_PX: Final = 32
_LAST_STEPS: Final = 2
_SMOOTHING_PX: Final = 1.0
_DETAIL_PX: Final = 1.5
# The deviation, white being 1, below which detail is as good as none: two empty corners are no copies.
_LEAST_DETAIL: Final = 0.01
# Pairs whose detail correlates less at _QUICK_PX are given up.
_PROMISING: Final = 0.6
# What a crop by 10 % or another way of finding the head does to a picture, with some room.
_SCALES: Final = (0.82, 1.22)
_MOST_SHIFT: Final = 0.2
_MOST_STRETCH: Final = 1.15
_MOST_STEP: Final = 0.1


def compare_details(first: Stack, second: Stack, placements: Placements) -> NDArray[np.float32]:
    """Correlation of the fine detail of each pair, -1 to 1: (pairs,).

    `first` and `second` are thumbnails (pairs, SIZE_PX, SIZE_PX), `placements` a first guess. 0 where the
    coarse pictures already differ or no plausible placement was found.
    """
    correlation = np.zeros(len(first), np.float32)
    for size, steps in _QUICK_STEPS:
        placements = _align(_see(first, size), _see(second, size), placements, steps)
    quick = _correlate_detail(first, second, placements, _QUICK_PX)
    promising = np.flatnonzero(quick >= _PROMISING)
    if promising.size:
        first, second = first[promising], second[promising]
        placed = _align(_see(first, SIZE_PX), _see(second, SIZE_PX), placements[promising], _LAST_STEPS)
        detail = _correlate_detail(first, second, placed, SIZE_PX)
        correlation[promising] = np.where(_is_plausible(placed), detail, 0)
    return correlation


def place_images(images: Stack, placements: Placements) -> tuple[Stack, Stack]:
    """The images through their placements, interpolated linearly, and 1 where they have pixels, else 0."""
    size = images.shape[-1]
    across, inside_across = _interpolate(placements[:, 0], placements[:, 1], size)
    down, inside_down = _interpolate(placements[:, 2], placements[:, 3], size)
    inside = inside_down[:, :, None] * inside_across[:, None, :]
    return (down @ images @ across.transpose(0, 2, 1)).astype(np.float32), inside


def _align(first: Stack, second: Stack, placements: Placements, steps: int) -> Placements:
    for _ in range(steps):
        placements = _improve(first, second, placements)
    return placements


def _improve(first: Stack, second: Stack, placements: Placements) -> Placements:
    """A Gauss-Newton step: `first` fitted by the placed `second`, its derivatives and a constant."""
    pairs, size = len(first), first.shape[-1]
    grid = _grid(size)
    seen, inside = place_images(second, placements)
    down, across = np.gradient(seen, 2 / size, axis=(1, 2))
    columns = (across * grid, across, down * grid[:, None], down, seen, np.ones_like(seen))
    design = (np.stack(columns, axis=1) * inside[:, None]).reshape(pairs, len(columns), -1)
    target = (first * inside).reshape(pairs, -1, 1)
    normal = design @ design.transpose(0, 2, 1)
    ridge = 1e-6 * (np.trace(normal, axis1=1, axis2=2) + 1e-6)
    normal += ridge[:, None, None] * np.eye(len(columns), dtype=np.float32)
    fitted = np.linalg.solve(normal, design @ target)[:, :, 0]
    contrast = np.maximum(fitted[:, 4:5], 0.2)  # far from a match it means nothing: no wild steps
    step = np.clip(fitted[:, :4] / contrast, -_MOST_STEP, _MOST_STEP)
    improved = placements + step * placements[:, [0, 0, 2, 2]]
    return np.clip(improved, (0.7, -0.4, 0.7, -0.4), (1.4, 0.4, 1.4, 0.4)).astype(np.float32)


def _is_plausible(placements: Placements) -> NDArray[np.bool_]:
    scales, shifts = placements[:, [0, 2]], placements[:, [1, 3]]
    lowest, highest = _SCALES
    stretch = scales.max(axis=1) / scales.min(axis=1)
    inside = (scales >= lowest).all(axis=1) & (scales <= highest).all(axis=1)
    plausible = inside & (np.abs(shifts) <= _MOST_SHIFT).all(axis=1) & (stretch <= _MOST_STRETCH)
    return np.asarray(plausible)


def _correlate_detail(first: Stack, second: Stack, placements: Placements, size: int) -> NDArray[np.float32]:
    """The correlation of what a blur takes away from each picture of a pair: (pairs,)."""
    seen, inside = place_images(_sharpen(second, size), placements)
    return _correlate(_sharpen(first, size), seen, inside)


def _correlate(first: Stack, second: Stack, inside: Stack) -> NDArray[np.float32]:
    """Pearson's correlation of each pair over the pixels that count; towards 0 where they hardly vary."""
    count = np.maximum(inside.sum(axis=(1, 2), keepdims=True), 1)
    first = (first - (first * inside).sum(axis=(1, 2), keepdims=True) / count) * inside
    second = (second - (second * inside).sum(axis=(1, 2), keepdims=True) / count) * inside
    power = (first**2).sum(axis=(1, 2)) * (second**2).sum(axis=(1, 2))
    least_power = (count[:, 0, 0] * _LEAST_DETAIL**2) ** 2
    return np.asarray((first * second).sum(axis=(1, 2)) / np.sqrt(np.maximum(power, least_power)), np.float32)


def _see(thumbnails: Stack, size: int) -> Stack:
    """At another size, smoothed a little."""
    rows = _blurring(size, _SMOOTHING_PX) @ _shrinking(size)
    return np.asarray(rows @ thumbnails @ rows.T, np.float32)


def _sharpen(thumbnails: Stack, size: int) -> Stack:
    """At another size, what a blur takes away."""
    shrink = _shrinking(size)
    small = shrink @ thumbnails @ shrink.T
    blur = _blurring(size, _DETAIL_PX)
    return np.asarray(small - blur @ small @ blur.T, np.float32)


@lru_cache
def _shrinking(size: int) -> NDArray[np.float32]:
    """(size, SIZE_PX): area means."""
    return np.kron(np.eye(size), np.full(SIZE_PX // size, size / SIZE_PX)).astype(np.float32)


@lru_cache
def _blurring(size: int, sigma_px: float) -> NDArray[np.float32]:
    """(size, size): a Gaussian whose weights add up to 1 at the edges too."""
    distance = np.subtract.outer(np.arange(size), np.arange(size))
    weights = np.exp(-0.5 * (distance / sigma_px) ** 2)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


def _interpolate(
    scale: NDArray[np.float32], shift: NDArray[np.float32], size: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Along one side: linear weights (pairs, size, size), and 1 where there is a pixel (pairs, size)."""
    place = scale[:, None] * _grid(size) + shift[:, None]
    pixel = (place + 1) / 2 * size - np.float32(0.5)
    weights = np.maximum(0, 1 - np.abs(pixel[:, :, None] - np.arange(size, dtype=np.float32)))
    inside = (np.abs(place) <= 1 - 1 / size).astype(np.float32)
    return weights, inside


@lru_cache
def _grid(size: int) -> NDArray[np.float32]:
    """The middles of the pixels, from -1 to 1."""
    return np.asarray((np.arange(size) + 0.5) / size * 2 - 1, np.float32)
