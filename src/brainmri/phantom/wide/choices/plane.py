"""Where a picture lies in the head, how the head lies in it, and what is cut away."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from brainmri.phantom.wide.choices.chance import Values, sometimes
from brainmri.phantom.wide.columns import Columns
from brainmri.phantom.wide.kinds import Kind, Orientation
from brainmri.phantom.wide.landmarks import SELLA_MM
from brainmri.phantom.wide.settings import WideParams

# Axial planes pivot above this point, coronal and sagittal ones at this height.
_PIVOT_Y_MM, _PIVOT_Z_MM = -18.0, 10.0
# Below this height an axial plane may show orbits or air.
_LOW_MM: Final = 12
# Farther down than any head reaches.
_NO_CUT_MM: Final = 400.0


@dataclass(frozen=True)
class _Planes:
    """Bool (n,) each: the orientation, and the kinds of tumor that decide where the plane lies."""

    axial: NDArray[np.bool_]
    coronal: NDArray[np.bool_]
    sella: NDArray[np.bool_]
    fossa: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.axial)


@dataclass(frozen=True)
class _Places:
    """Where planes would lie in mm, (n,) each: axial by height, coronal by depth, sagittal by side.

    `small`: above the brain, where the head may be shown small.
    """

    height: Values
    depth: Values
    side: Values
    small: NDArray[np.bool_]


def draw_plane(rng: np.random.Generator, kind: NDArray[np.int_], params: WideParams) -> Columns:
    """A point of the plane, the directions of its axes, its frame and cuts; `kind` (n,) of the tumor."""
    shares = (1 - params.coronal - params.sagittal, params.coronal, params.sagittal)
    orientation = rng.choice(len(Orientation), len(kind), p=shares)
    planes = _Planes(
        axial=orientation == Orientation.AXIAL,
        coronal=orientation == Orientation.CORONAL,
        sella=kind == Kind.SELLAR,
        fossa=kind == Kind.POSTERIOR_FOSSA,
    )
    places = _draw_places(rng, planes)
    axes = _draw_axes(rng, planes, places)
    low = {"low": ~planes.axial | (places.height < _LOW_MM)}
    return axes | low | _draw_frame(rng, planes, places) | _draw_cuts(rng, planes)


def _draw_places(rng: np.random.Generator, planes: _Planes) -> _Places:
    """Anywhere in the brain, or near a tumor with a place of its own; a sixth above or below the brain."""
    n, special = len(planes), [planes.sella, planes.fossa]
    _, y, z = SELLA_MM
    height = np.select(special, [rng.normal(z + 1, 3, n), rng.uniform(-50, -18, n)], rng.uniform(-62, 79, n))
    depth = np.select(special, [rng.normal(y, 4, n), rng.uniform(-82, -46, n)], rng.uniform(-94, 62, n))
    anywhere = rng.normal(0, 3, n), rng.normal(0, 14, n), rng.normal(0, 26, n).clip(-58, 58)
    side = np.select(special, anywhere[:2], anywhere[2])
    beyond = planes.axial & ~planes.sella & ~planes.fossa & (rng.random(n) < 0.16)
    top = rng.random(n) < 0.6
    height = np.where(beyond, np.where(top, rng.uniform(72, 97, n), rng.uniform(-95, -55, n)), height)
    return _Places(height, depth, side, small=beyond & top & (rng.random(n) < 0.5))


def _draw_axes(rng: np.random.Generator, planes: _Planes, places: _Places) -> Columns:
    """A point of the plane in mm, and unit vectors from left to right and from top to bottom."""
    n = len(planes)
    which = [planes.axial[:, None], planes.coronal[:, None]]
    axial = _stack(rng.normal(0, 2, n), _PIVOT_Y_MM, places.height)
    coronal = _stack(np.zeros(n), places.depth, _PIVOT_Z_MM)
    place = np.select(which, [axial, coronal], _stack(places.side, _PIVOT_Y_MM, _PIVOT_Z_MM))
    tilt = turn(rng.normal((0.03, 0, 0), (0.14, 0.06, 0.06), (n, 3)))
    mirror = rng.choice((-1.0, 1.0), n)
    right, front, down = np.array([1.0, 0, 0]), np.array([0.0, 1, 0]), np.array([0.0, 0, -1])
    across = np.select([which[0] | which[1]], [right], front) * mirror[:, None]
    vectors = {"across": across, "down": np.select(which[:1], [-front], down)}
    turned = {name: np.einsum("nij,nj->ni", tilt, vector) for name, vector in vectors.items()}
    named = {"place": place, **turned}
    return {f"{name}_{axis}": values[:, i] for name, values in named.items() for i, axis in enumerate("xyz")}


def _stack(x: Values, y: Values | float, z: Values | float) -> NDArray[np.float64]:
    """Points (n, 3)."""
    return np.stack(np.broadcast_arrays(x, y, z), axis=1)


def turn(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotations about x, then y, then z: angles (n, 3) -> (n, 3, 3)."""
    matrix = np.broadcast_to(np.eye(3), (len(angles), 3, 3))
    for axis in range(3):
        i, j = (axis + 1) % 3, (axis + 2) % 3
        step = np.broadcast_to(np.eye(3), matrix.shape).copy()
        step[:, i, i] = step[:, j, j] = np.cos(angles[:, axis])
        step[:, j, i] = np.sin(angles[:, axis])
        step[:, i, j] = -step[:, j, i]
        matrix = step @ matrix
    return matrix


def _draw_frame(rng: np.random.Generator, planes: _Planes, places: _Places) -> Columns:
    """How the head lies in the picture: turned, stretched, near or far, off the middle."""
    n = len(planes)
    loose = sometimes(rng, n, 0.12)
    return {
        **_draw_turn(rng, n),
        "margin": np.select(
            [places.small, loose > 0],
            [rng.uniform(1, 3.5, n), rng.uniform(0.75, 1.4, n)],
            rng.uniform(0.97, 1.13, n),
        ),
        "shift_x": rng.normal(0, 0.015, n) + loose * rng.normal(0, 0.06, n),
        "shift_y": rng.normal(0, 0.015, n) + loose * rng.normal(0, 0.06, n),
    }


def _draw_turn(rng: np.random.Generator, n: int) -> Columns:
    """What a step across (x) or down (y) the picture is in the plane (u, v); a few turn by right angles."""
    angle = rng.normal(0, 0.10, n) + np.pi / 2 * rng.integers(1, 4, n) * sometimes(rng, n, 0.02)
    wide, high = (np.exp(rng.normal(0, 0.06, n)) for _ in range(2))
    slant = rng.normal(0, 0.03, n) * wide
    cos, sin = np.cos(angle), np.sin(angle)
    return {
        "x_to_u": cos * wide,
        "x_to_v": -sin * wide,
        "y_to_u": cos * slant + sin * high,
        "y_to_v": cos * high - sin * slant,
    }


def _draw_cuts(rng: np.random.Generator, planes: _Planes) -> Columns:
    """Where the head ends below, whether black follows there, and the edge of a volume that was turned."""
    n = len(planes)
    return {
        "cut_mm": np.where(planes.axial, _NO_CUT_MM, rng.uniform(66, 125, n)),
        "letterbox": sometimes(rng, n, 0.5),
        "wedge": sometimes(rng, n, 0.025),
        "wedge_turn": rng.uniform(0, 2 * np.pi, n),
        "wedge_at": rng.uniform(0.1, 0.9, n),
    }
