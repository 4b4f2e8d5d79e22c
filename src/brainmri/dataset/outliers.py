"""Pictures that a person should look at: near-empty, cut off at the frame, or unlike the rest of the set."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import MinCovDet

from brainmri.dataset.thumbnails import SIZE_PX, Thumbnails

Features = NDArray[np.float64]
"""(images, features)."""

# Shares of white: what is darker is background.
_FILLED: Final = 0.1
_TOUCHING: Final = 0.15
_STRIP_PX: Final = 2
_RINGS_PX: Final = (0, 8, 16, 24, 32, 46)
# Fewer images than this for each feature, and a robust covariance says nothing.
_IMAGES_A_FEATURE: Final = 5
_BLOCK: Final = 1024


@dataclass(frozen=True)
class Outliers:
    """What is odd about each image; (images,) each.

    `filled`: the share of pixels brighter than background; `contact`: the largest share of one of
    the four sides along which the picture touches the frame; `distance`: from the middle of the set, in
    multiples of the median distance, or None for a set too small or too uniform to tell.
    """

    filled: Features
    contact: Features
    distance: Features | None


def measure_outliers(thumbnails: Thumbnails, seed: int) -> Outliers:
    """Distance is Mahalanobis' by the minimum covariance determinant (Rousseeuw and Van Driessen 1999).

    Its features: mean brightness of five rings around the middle, deviation, sharpness, left-right
    symmetry, filled share. A multiple of the median, not a quantile of chi-square: sets
    of several sequences have several middles and heavy tails.
    """
    blocks = [_describe(thumbnails[start : start + _BLOCK]) for start in range(0, len(thumbnails), _BLOCK)]
    features, contact = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    return Outliers(features[:, -1], contact, _distance(features, seed))


def _describe(thumbnails: Thumbnails) -> tuple[Features, Features]:
    white = (thumbnails / 255).astype(np.float32)
    filled = (white > _FILLED).mean(axis=(1, 2), dtype=np.float64)
    columns = (_rings(white), white.std(axis=(1, 2)), _sharpness(white), _symmetry(white), filled)
    return np.column_stack(columns), _contact(white)


def _rings(white: NDArray[np.float32]) -> Features:
    middle = (SIZE_PX - 1) / 2
    down, across = np.indices((SIZE_PX, SIZE_PX)) - middle
    radius = np.hypot(down, across)
    bounds = pairwise(_RINGS_PX)
    return np.column_stack([white[:, (radius >= low) & (radius < high)].mean(axis=1) for low, high in bounds])


def _sharpness(white: NDArray[np.float32]) -> Features:
    steps = [np.abs(np.diff(white, axis=axis)).mean(axis=(1, 2), dtype=np.float64) for axis in (1, 2)]
    return np.asarray(steps[0] + steps[1])


def _symmetry(white: NDArray[np.float32]) -> Features:
    """The correlation of each picture with its mirror image; 0 for a flat one."""
    centered = white - white.mean(axis=(1, 2), keepdims=True)
    power = (centered**2).sum(axis=(1, 2), dtype=np.float64)
    return np.asarray((centered * centered[:, :, ::-1]).sum(axis=(1, 2)) / np.maximum(power, 1e-6))


def _contact(white: NDArray[np.float32]) -> Features:
    strips: Sequence[NDArray[np.float32]] = (
        white[:, :_STRIP_PX].mean(axis=1),
        white[:, -_STRIP_PX:].mean(axis=1),
        white[:, :, :_STRIP_PX].mean(axis=2),
        white[:, :, -_STRIP_PX:].mean(axis=2),
    )
    return np.asarray(np.max([(strip > _TOUCHING).mean(axis=1) for strip in strips], axis=0))


def _distance(features: Features, seed: int) -> Features | None:
    varying = features[:, np.ptp(features, axis=0) > 0]
    images, count = varying.shape
    if count == 0 or images < _IMAGES_A_FEATURE * count:
        return None
    scaled = (varying - varying.mean(axis=0)) / varying.std(axis=0)
    # Copies would make up the middle of a set that is half of one picture.
    distinct = np.unique(scaled, axis=0)
    if len(distinct) < _IMAGES_A_FEATURE * count:
        return None
    robust = _fit(distinct, seed)
    if robust is None:
        return None
    distance = np.sqrt(np.maximum(robust.mahalanobis(scaled), 0))
    median = float(np.median(distance))
    return np.asarray(distance / median, np.float64) if median > 0 else None


def _fit(features: Features, seed: int) -> MinCovDet | None:
    """None where the features of most images lie in a plane or a point."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        try:
            return MinCovDet(random_state=seed).fit(features)
        except (ValueError, UserWarning):
            return None
