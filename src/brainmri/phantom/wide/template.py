"""The template head as volumes: the brain as it is, the rest as distances to its parts."""

from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from brainmri.phantom.anatomy import Anatomy, Map, load_anatomy
from brainmri.phantom.fields import measure_ellipsoid
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
from brainmri.phantom.wide.volumes import Grid

# The head's grid: spacing, places x y z of the first and last voxel.
_SPACING_MM: Final = 2.5
_LOW_MM: Final = (-102.5, -142.5, -130.0)
_HIGH_MM: Final = (102.5, 122.5, 112.5)
# Empty voxels around the brain.
_MARGIN: Final = 4
_SEAM_MM: Final = 9.0


class HeadPart(IntEnum):
    """Channels of `Template.head`."""

    BRAIN = 0
    VAULT = 1
    FACE = 2
    ORBIT = 3
    EYE = 4
    LENS = 5
    CORD = 6
    AIR = 7


@dataclass(frozen=True)
class Template:
    """`brain`: sharpened T1, and `white`: the share of white matter, both on 1 mm.

    On 2.5 mm distances in mm, negative inside: `ventricle`, to the ventricles; `head`, to each `HeadPart`:
    the brain, the vault of the skull, face and neck, orbits, eyes, lenses, nerves and muscles, air.
    """

    brain: Grid
    white: Grid
    ventricle: Grid
    head: Grid


@dataclass(frozen=True)
class _Box:
    """Channels (channels, x, y, z), and the places of the first and last voxel, (3,)."""

    values: NDArray[np.float32]
    low_mm: NDArray[np.float32]
    high_mm: NDArray[np.float32]


def load_template(device: torch.device) -> Template:
    """The template head; some seconds, once a process."""
    brain, head = _cut_brain(), _measure_head()
    return Template(
        brain=_to_grid(brain, slice(0, 1), device),
        white=_to_grid(brain, slice(1, 2), device),
        ventricle=_to_grid(head, slice(0, 1), device),
        head=_to_grid(head, slice(1, None), device),
    )


def _to_grid(box: _Box, channels: slice, device: torch.device) -> Grid:
    """In memory the channels of a voxel lie side by side, as they are read together."""
    values = np.ascontiguousarray(box.values[channels].transpose(0, 3, 2, 1))
    on_device = torch.from_numpy(values)[None].to(device, memory_format=torch.channels_last_3d)
    low, high = (torch.from_numpy(corner).to(device) for corner in (box.low_mm, box.high_mm))
    return Grid(on_device, low, high)


@cache
def _cut_brain() -> _Box:
    """Sharpened T1 and the share of white matter, where there is brain."""
    anatomy = load_anatomy()
    t1 = anatomy.tissue.values
    inside = [np.flatnonzero((t1 > 0).any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    start = np.array([max(places[0] - _MARGIN, 0) for places in inside])
    stop = np.minimum([places[-1] + _MARGIN + 1 for places in inside], t1.shape)
    box = tuple(slice(*ends) for ends in zip(start, stop, strict=True))
    low = anatomy.tissue.origin_mm + start.astype(np.float32)
    high = anatomy.tissue.origin_mm + stop.astype(np.float32) - 1
    return _Box(np.stack([t1[box], anatomy.white.values[box]]), low, high)


@cache
def _measure_head() -> _Box:
    """The distance to the ventricles, then to each `HeadPart`."""
    anatomy = load_anatomy()
    low, high = np.array(_LOW_MM, np.float32), np.array(_HIGH_MM, np.float32)
    counts = np.rint((high - low) / _SPACING_MM).astype(int) + 1
    rulers = [np.linspace(*ends, dtype=np.float32) for ends in zip(low, high, counts, strict=True)]
    points = np.stack(np.meshgrid(*rulers, indexing="ij"))
    sheets = [_measure_sheet(anatomy, points[:, sheet]) for sheet in range(points.shape[1])]
    return _Box(np.stack(sheets, axis=1), low, high)


def _measure_sheet(anatomy: Anatomy, points: NDArray[np.float32]) -> NDArray[np.float32]:
    """All channels on one sheet of voxels, (channels, rows, columns)."""
    parts = {
        HeadPart.BRAIN: anatomy.brain_mm.sample(points),
        HeadPart.VAULT: anatomy.skull_mm.sample(points),
        HeadPart.FACE: _measure_face(points),
        HeadPart.ORBIT: _measure_nearest(points, *pair(ORBIT)),
        HeadPart.EYE: _measure_nearest(points, *pair(EYE)),
        HeadPart.LENS: _measure_nearest(points, *pair(LENS)),
        HeadPart.CORD: _measure_nearest(points, *pair(NERVE), *pair(MUSCLE_OUTER), *pair(MUSCLE_INNER)),
        HeadPart.AIR: _measure_nearest(points, *(side for part in (*AIR, MASTOID) for side in pair(part))),
    }
    return np.stack([anatomy.ventricle_mm.sample(points), *(parts[part] for part in HeadPart)])


def _measure_face(points: NDArray[np.float32]) -> Map:
    """Face, neck and temples as one."""
    face = _measure_nearest(points, FACE)
    for part in (NECK, *pair(TEMPLE)):
        face = join(face, _measure_nearest(points, part), _SEAM_MM)
    return face


def _measure_nearest(points: NDArray[np.float32], *ellipsoids: Ellipsoid) -> Map:
    """About the distance to the nearest of some ellipsoids in mm."""
    distances = [
        (measure_ellipsoid(points, centre, radii) - 1) * np.float32(min(radii))
        for centre, radii in ellipsoids
    ]
    return np.asarray(np.min(distances, axis=0), np.float32)
