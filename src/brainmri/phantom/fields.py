"""Smooth random fields, and shapes made with them: pure functions of a seed and of places."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from brainmri.phantom.anatomy import Map, Points
from brainmri.phantom.description import Blob, Place

_GRID = 24
# Finer detail of an outline would be lost in the pixels.
_FINEST_MM = 5.0
# Standard deviation of a quadratic B-spline surface over independent unit coefficients, in 3-D.
_SPLINE_DEVIATION = 0.41


def draw_field(seed: int, points: Points, spacing_mm: float) -> Map:
    """A field of mean 0 and deviation 1 at `points`, smooth below `spacing_mm`.

    It repeats after 24 spacings, and is computed no finer than it varies.
    """
    step = _choose_step(points, spacing_mm)
    coefficients = np.random.default_rng(seed).standard_normal((_GRID,) * 3, np.float32)
    index = shrink(points, step) / np.float32(spacing_mm)
    field = ndimage.map_coordinates(
        coefficients, index, np.float32, order=2, mode="grid-wrap", prefilter=False
    )
    return enlarge(field / np.float32(_SPLINE_DEVIATION), step)


def _choose_step(points: Points, spacing_mm: float) -> int:
    """The coarsest step in pixels that still has one and a half samples a spacing."""
    pixel_mm = float(np.linalg.norm(points[:, 0, 1] - points[:, 0, 0]))
    fitting = [
        step for step in (8, 4, 2) if len(points[0]) % step == 0 and 1.5 * step * pixel_mm <= spacing_mm
    ]
    return fitting[0] if fitting else 1


def draw_vectors(seed: int, points: Points, spacing_mm: float) -> Points:
    """Three independent fields, one an axis."""
    return np.stack([draw_field(seed + axis, points, spacing_mm) for axis in range(3)])


def shrink(maps: NDArray[np.float32], step: int) -> NDArray[np.float32]:
    """Averages blocks of `step` by `step` pixels of one map or of a stack of maps."""
    if step == 1:
        return maps
    if maps.ndim == 3:
        return np.stack([shrink(item, step) for item in maps])
    rows, columns = maps.shape
    return np.asarray(
        cv2.resize(maps, (columns // step, rows // step), interpolation=cv2.INTER_AREA), np.float32
    )


def enlarge(maps: NDArray[np.float32], step: int) -> NDArray[np.float32]:
    """The reverse of `shrink`, cubic."""
    if step == 1:
        return maps
    if maps.ndim == 3:
        return np.stack([enlarge(item, step) for item in maps])
    return np.asarray(cv2.resize(maps, None, fx=step, fy=step, interpolation=cv2.INTER_CUBIC), np.float32)


def ramp(distance_mm: NDArray[np.floating], softness_mm: float) -> Map:
    """1 well inside (negative distance), 0 well outside, 0.5 at the border."""
    return np.asarray(0.5 - 0.5 * np.tanh(distance_mm / np.float32(2 * softness_mm)), np.float32)


def turn(angles: Place) -> NDArray[np.float32]:
    """The rotation by three angles about x, then y, then z."""
    matrix = np.eye(3)
    for axis, angle in enumerate(angles):
        i, j = (axis + 1) % 3, (axis + 2) % 3
        step = np.eye(3)
        step[i, i] = step[j, j] = np.cos(angle)
        step[i, j], step[j, i] = -np.sin(angle), np.sin(angle)
        matrix = step @ matrix
    return matrix.astype(np.float32)


def measure_ellipsoid(points: Points, centre_mm: Place, radii_mm: Place, angles: Place = (0, 0, 0)) -> Map:
    """The distance from the centre in radii: 1 on the surface."""
    offset = points - np.array(centre_mm, np.float32)[:, None, None]
    own = np.tensordot(turn(angles).T, offset, axes=1) / np.array(radii_mm, np.float32)[:, None, None]
    return np.asarray(np.sqrt((own * own).sum(axis=0)), np.float32)


def measure_blob(points: Points, blob: Blob) -> Map:
    """The distance from the blob's wandering surface in mm, negative inside."""
    radius = float(np.cbrt(np.prod(blob.radii_mm)))
    relative = measure_ellipsoid(points, blob.centre_mm, blob.radii_mm, blob.angles)
    coarse = draw_field(blob.seed, points, max(0.8 * radius, _FINEST_MM))
    fine = draw_field(blob.seed + 1, points, max(0.3 * radius, _FINEST_MM))
    return np.asarray(radius * (relative - 1 + blob.roughness * (coarse + 0.4 * fine)), np.float32)
