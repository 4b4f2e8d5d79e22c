"""The template head as volumes: the brain as it is, the rest as distances to its parts."""

from dataclasses import dataclass
from enum import IntEnum
from functools import cache, reduce
from itertools import pairwise
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from brainmri.phantom.anatomy import Anatomy, Map, load_anatomy
from brainmri.phantom.wide.landmarks import CELLS, FACE, ORBITS, Ellipsoid, OrbitPart, Place
from brainmri.phantom.wide.volumes import Grid

# The head's grid: spacing, places x y z of the first and last voxel.
_SPACING_MM: Final = 2.5
_LOW_MM: Final = (-102.5, -142.5, -130.0)
_HIGH_MM: Final = (102.5, 122.5, 112.5)
# Voxels around what is wanted of a volume.
_MARGIN: Final = 4
# Farther away nothing shows where ventricles and parts of the face are.
_VENTRICLE_REACH_MM: Final = 32.0
_FACE_REACH_MM: Final = 8.0
_SEAM_MM: Final = 9.0


class HeadPart(IntEnum):
    """Channels of `Template.head`."""

    BRAIN = 0
    VAULT = 1
    FACE = 2


@dataclass(frozen=True)
class Template:
    """`brain`: sharpened T1, and `white`: the share of white matter, both on 1 mm.

    On 2.5 mm distances in mm, negative inside: `ventricle`, to the ventricles; `head`, to the brain, the
    vault of the skull, face and neck; `orbits`, to these, to eyes, lenses, nerves and muscles; `air`.
    """

    brain: Grid
    white: Grid
    ventricle: Grid
    head: Grid
    orbits: Grid
    air: Grid


@dataclass(frozen=True)
class _Box:
    """Channels (channels, x, y, z), and the place of the first voxel."""

    values: NDArray[np.float32]
    low_mm: Place
    spacing_mm: float

    def take(self, channels: slice) -> "_Box":
        """Some of its channels."""
        return _Box(self.values[channels], self.low_mm, self.spacing_mm)

    def trim(self, wanted: NDArray[np.bool_]) -> "_Box":
        """The smallest box with all that is wanted (x, y, z), and a margin: what is small stays in caches."""
        starts, stops = [], []
        for axis in range(3):
            places = np.flatnonzero(wanted.any(axis=tuple({0, 1, 2} - {axis})))
            starts.append(max(int(places[0]) - _MARGIN, 0))
            stops.append(int(places[-1]) + _MARGIN + 1)
        box = tuple(slice(*ends) for ends in zip(starts, stops, strict=True))
        x, y, z = (np.array(self.low_mm) + self.spacing_mm * np.array(starts)).tolist()
        return _Box(self.values[:, *box], (x, y, z), self.spacing_mm)

    def send(self, device: torch.device) -> Grid:
        """The same as a grid on a device."""
        values = np.ascontiguousarray(self.values.transpose(3, 0, 2, 1))
        return Grid(torch.from_numpy(values).to(device), self.low_mm, self.spacing_mm)


@cache
def load_template(device: torch.device) -> Template:
    """The template head; some seconds, once a process."""
    brain, distances = _load_brain(), _measure_head()
    ends = np.cumsum([0, 1, len(HeadPart), len(OrbitPart), 1]).tolist()
    ventricle, head, orbits, air = (distances.take(slice(*pair)) for pair in pairwise(ends))
    return Template(
        brain=brain.take(slice(0, 1)).send(device),
        white=brain.take(slice(1, 2)).send(device),
        ventricle=ventricle.trim(ventricle.values[0] < _VENTRICLE_REACH_MM).send(device),
        head=head.send(device),
        orbits=orbits.trim(orbits.values.min(axis=0) < _FACE_REACH_MM).send(device),
        air=air.trim(air.values[0] < _FACE_REACH_MM).send(device),
    )


@cache
def _load_brain() -> _Box:
    """Sharpened T1 and the share of white matter, where there is brain."""
    tissue, white = load_anatomy().tissue, load_anatomy().white
    x, y, z = tissue.origin_mm.tolist()
    box = _Box(np.stack([tissue.values, white.values]), (x, y, z), tissue.spacing_mm)
    return box.trim(tissue.values > 0)


@cache
def _measure_head() -> _Box:
    """Distances to the ventricles, then to each `HeadPart` and `OrbitPart`, to air."""
    anatomy = load_anatomy()
    counts = np.rint(np.subtract(_HIGH_MM, _LOW_MM) / _SPACING_MM).astype(int) + 1
    rulers = [np.linspace(*ends, dtype=np.float32) for ends in zip(_LOW_MM, _HIGH_MM, counts, strict=True)]
    points = np.stack(np.meshgrid(*rulers, indexing="ij"))
    sheets = [_measure_sheet(anatomy, points[:, sheet]) for sheet in range(points.shape[1])]
    return _Box(np.stack(sheets, axis=1), _LOW_MM, _SPACING_MM)


def _measure_sheet(anatomy: Anatomy, points: NDArray[np.float32]) -> NDArray[np.float32]:
    """All channels on one sheet of voxels, (channels, rows, columns)."""
    head = {
        HeadPart.BRAIN: anatomy.brain_mm.sample(points),
        HeadPart.VAULT: anatomy.skull_mm.sample(points),
        HeadPart.FACE: _measure_face(points),
    }
    orbits = [_measure_nearest(points, *ORBITS[part]) for part in OrbitPart]
    ventricle, air = anatomy.ventricle_mm.sample(points), _measure_nearest(points, *CELLS)
    return np.stack([ventricle, *(head[part] for part in HeadPart), *orbits, air])


def _measure_face(points: NDArray[np.float32]) -> Map:
    """Face, neck and temples as one."""
    return reduce(_join, (_measure_nearest(points, part) for part in FACE))


def _join(first: Map, second: Map) -> Map:
    """The union of two shapes with a rounded seam (polynomial smooth minimum)."""
    share = np.clip(0.5 + 0.5 * (second - first) / _SEAM_MM, 0, 1)
    return np.asarray(second + share * (first - second) - _SEAM_MM * share * (1 - share), np.float32)


def _measure_nearest(points: NDArray[np.float32], *ellipsoids: Ellipsoid) -> Map:
    """About the distance to the nearest of some ellipsoids in mm."""
    return np.asarray(np.min([_measure(points, *own) for own in ellipsoids], axis=0), np.float32)


def _measure(points: NDArray[np.float32], centre: Place, radii: Place) -> Map:
    centre_mm, radii_mm = (np.array(place, np.float32)[:, None, None] for place in (centre, radii))
    share = np.sqrt((((points - centre_mm) / radii_mm) ** 2).sum(axis=0))
    return np.asarray((share - 1) * np.float32(min(radii)), np.float32)
