"""What a picture's plane passes by at a distance isn't seen in it, and so needn't be rendered.

A plane is bent within itself alone, so that this is known before anything is rendered.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from brainmri.phantom.wide.choices.chance import Values
from brainmri.phantom.wide.columns import Columns
from brainmri.phantom.wide.landmarks import CELLS, ORBITS, PINEAL_MM, SELLA_MM, Ellipsoid

# Beyond its edge by so much, a thing covers a few thousandths at most.
_ODDITY_MM: Final = 7.0
_ORBITS_MM, _CELLS_MM = 3.6, 4.8


def find_shown(columns: Columns) -> Columns:
    """What of oddities, orbits and air a picture shows: 0 where the plane passes them by."""
    planes = _Planes(_stack(columns, "place"), np.cross(_stack(columns, "across"), _stack(columns, "down")))
    glands = {
        name: columns[name] * (planes.measure(*place) < columns[f"{name}_mm"] + _ODDITY_MM)
        for name, place in (("pituitary", SELLA_MM), ("pineal", PINEAL_MM))
    }
    y, z = columns["twins_y"], columns["twins_z"]
    far = np.minimum(*(planes.measure(side * columns["twins_x"], y, z) for side in (-1, 1)))
    reach = (columns["twins_mm"] + _ODDITY_MM) * np.maximum(columns["twins_long"], 1)
    return glands | {
        "twins": columns["twins"] * (far < reach),
        "orbits": columns["low"] & planes.meet(chain(*ORBITS.values()), _ORBITS_MM),
        "cells": columns["low"] & planes.meet(CELLS, _CELLS_MM),
    }


def _stack(columns: Columns, name: str) -> NDArray[np.float64]:
    return np.stack([columns[f"{name}_{axis}"] for axis in "xyz"], axis=1)


@dataclass(frozen=True)
class _Planes:
    """A point of each plane in mm, (n, 3), and the unit vector that stands on it."""

    places: NDArray[np.float64]
    normals: NDArray[np.float64]

    def measure(self, x: Values | float, y: Values | float, z: Values | float) -> Values:
        """How far a place in mm is from each plane, (n,)."""
        away = np.stack(np.broadcast_arrays(x, y, z), axis=-1) - self.places
        return np.asarray(np.abs((away * self.normals).sum(axis=1)))

    def meet(self, ellipsoids: Iterable[Ellipsoid], edge_mm: float) -> NDArray[np.bool_]:
        """Whether each plane meets one of them, its radii longer by the share `edge_mm` of the shortest."""
        found = np.zeros(len(self.places), np.bool_)
        for centre, radii in ellipsoids:
            half = np.sqrt((self.normals**2 * np.square(radii)).sum(axis=1))
            found |= self.measure(*centre) < half * (1 + edge_mm / min(radii))
        return found
