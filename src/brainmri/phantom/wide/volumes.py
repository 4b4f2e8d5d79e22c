"""The template head as volumes that pictures are cut from, on a device."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import grid_sample

from brainmri.phantom.anatomy import Anatomy, Map, load_anatomy
from brainmri.phantom.head import (
    AIR,
    EYE,
    FACE,
    LENS,
    MASTOID,
    MUSCLE_INNER,
    MUSCLE_OUTER,
    NECK,
    NERVE,
    ORBIT,
    TEMPLE,
    Ellipsoid,
    join,
    pair,
)
from brainmri.phantom.fields import measure_ellipsoid

_COARSE_MM = 2.5
_LOW_MM, _HIGH_MM = (-102.5, -142.5, -130.0), (102.5, 122.5, 112.5)
_MARGIN = 4


@dataclass(frozen=True)
class Grid:
    """Channels on a regular grid of MNI space."""

    values: torch.Tensor  # (1, channels, z, y, x)
    low_mm: torch.Tensor  # (3,), x y z, of the first voxel
    high_mm: torch.Tensor  # (3,), of the last

    def sample(self, points: torch.Tensor, mode: str = "bilinear") -> torch.Tensor:
        """Points (n, rows, columns, 3) in mm -> (n, channels, rows, columns); beyond the grid its border."""
        place = (points - self.low_mm) * (2 / (self.high_mm - self.low_mm)) - 1
        cut = grid_sample(self.values, place[None], mode=mode, padding_mode="border", align_corners=True)
        return cut[0].transpose(0, 1)

    def first(self, channels: int) -> "Grid":
        """Its first channels alone."""
        return Grid(self.values[:, :channels], self.low_mm, self.high_mm)


@dataclass(frozen=True)
class Template:
    """`brain`: sharpened T1, on 1 mm; `white`: the share of white matter, on 1 mm.

    `ventricle`: the distance to the ventricles in mm, on 2.5 mm.

    `head`: distances in mm, negative inside, on 2.5 mm: of the brain, the vault of the skull, face and
    neck, the orbits, the eyes, the lenses, the nerves and muscles, the air.
    """

    brain: Grid
    white: Grid
    ventricle: Grid
    head: Grid


def load_template(device: torch.device) -> Template:
    """The template head; some seconds, once a process."""
    brain, brain_low, brain_high = _cut_brain()
    head, low, high = _measure_head()
    return Template(
        _to_grid(brain[:1], brain_low, brain_high, device),
        _to_grid(brain[1:], brain_low, brain_high, device),
        _to_grid(head[:1], low, high, device),
        _to_grid(head[1:], low, high, device),
    )


def _to_grid(channels: NDArray[np.float32], low: Any, high: Any, device: torch.device) -> Grid:
    """Channels (channels, x, y, z); in memory they lie side by side, as they are read together."""
    values = torch.from_numpy(np.ascontiguousarray(channels.transpose(0, 3, 2, 1)))[None]
    corners = [torch.tensor(np.array(corner, np.float32), device=device) for corner in (low, high)]
    return Grid(values.to(device).contiguous(memory_format=torch.channels_last_3d), *corners)


@cache
def _cut_brain() -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    anatomy = load_anatomy()
    t1 = anatomy.tissue.values
    inside = [np.flatnonzero((t1 > 0).any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    start = [max(places[0] - _MARGIN, 0) for places in inside]
    stop = [min(places[-1] + _MARGIN + 1, length) for places, length in zip(inside, t1.shape, strict=True)]
    box = tuple(slice(*ends) for ends in zip(start, stop, strict=True))
    low = anatomy.tissue.origin_mm + np.array(start, np.float32)
    high = anatomy.tissue.origin_mm + np.array(stop, np.float32) - 1
    return np.stack([t1[box], anatomy.white.values[box]]), low, high


@cache
def _measure_head() -> tuple[NDArray[np.float32], tuple[float, ...], tuple[float, ...]]:
    anatomy = load_anatomy()
    points = _place(_LOW_MM, _HIGH_MM, _COARSE_MM)
    sheets = [_measure_sheet(anatomy, points[:, sheet]) for sheet in range(points.shape[1])]
    return np.stack(sheets, axis=1), _LOW_MM, _HIGH_MM


def _place(low: Any, high: Any, spacing_mm: float) -> NDArray[np.float32]:
    """The voxels' places, (3, x, y, z)."""
    rulers = [np.arange(a, b + spacing_mm / 2, spacing_mm, np.float32) for a, b in zip(low, high, strict=True)]
    return np.stack(np.meshgrid(*rulers, indexing="ij"))


def _measure_sheet(anatomy: Anatomy, points: NDArray[np.float32]) -> NDArray[np.float32]:
    """The channels of `Template.ventricle` and `head` on one sheet of voxels, (channels, rows, columns)."""
    face = _nearest(points, FACE)
    for part in (NECK, *pair(TEMPLE)):
        face = join(face, _nearest(points, part), 9.0)
    return np.stack(
        [
            anatomy.ventricle_mm.sample(points),
            anatomy.brain_mm.sample(points),
            anatomy.skull_mm.sample(points),
            face,
            _nearest(points, *pair(ORBIT)),
            _nearest(points, *pair(EYE)),
            _nearest(points, *pair(LENS)),
            _nearest(points, *pair(NERVE), *pair(MUSCLE_OUTER), *pair(MUSCLE_INNER)),
            _nearest(points, *(side for part in (*AIR, MASTOID) for side in pair(part))),
        ]
    )


def _nearest(points: NDArray[np.float32], *ellipsoids: Ellipsoid) -> Map:
    """About the distance to the nearest of some ellipsoids in mm."""
    distances = [
        (measure_ellipsoid(points, centre, radii) - 1) * np.float32(min(radii)) for centre, radii in ellipsoids
    ]
    return np.asarray(np.min(distances, axis=0), np.float32)
