"""Places and shapes of the template head, MNI mm: right, anterior, superior."""

from enum import IntEnum
from typing import Final, TypeAlias

Place: TypeAlias = tuple[float, float, float]
Ellipsoid: TypeAlias = tuple[Place, Place]  # centre and radii


def _pair(ellipsoid: Ellipsoid) -> tuple[Ellipsoid, Ellipsoid]:
    """An ellipsoid of the right side and its mirror image."""
    (x, y, z), radii = ellipsoid
    return ((x, y, z), radii), ((-x, y, z), radii)


# The pituitary gland lies in the sella.
SELLA_MM: Final = (0.0, 2.0, -33.0)
PINEAL_MM: Final = (0.0, -28.0, 2.0)
# Face, neck and temples.
FACE: Final[tuple[Ellipsoid, ...]] = (
    ((0.0, 32.0, -58.0), (64.0, 62.0, 74.0)),
    ((0.0, -38.0, -90.0), (60.0, 62.0, 95.0)),
    *_pair(((60.0, 22.0, -20.0), (14.0, 34.0, 32.0))),
)
_NERVE: Final = ((22.0, 42.0, -38.0), (2.6, 20.0, 2.6))
_OUTER_MUSCLE: Final = ((41.0, 52.0, -38.0), (2.4, 20.0, 8.0))
_INNER_MUSCLE: Final = ((17.0, 52.0, -38.0), (2.4, 20.0, 8.0))


class OrbitPart(IntEnum):
    """What is in the orbits, and they themselves."""

    ORBIT = 0
    EYE = 1
    LENS = 2
    CORD = 3


ORBITS: Final[dict[OrbitPart, tuple[Ellipsoid, ...]]] = {
    OrbitPart.ORBIT: _pair(((27.0, 54.0, -38.0), (17.0, 28.0, 16.0))),
    OrbitPart.EYE: _pair(((32.0, 68.0, -38.0), (12.0, 12.5, 12.0))),
    OrbitPart.LENS: _pair(((32.5, 77.5, -38.0), (5.0, 2.4, 5.0))),
    OrbitPart.CORD: (*_pair(_NERVE), *_pair(_OUTER_MUSCLE), *_pair(_INNER_MUSCLE)),
}
# Of the right side: nasal cavity, sphenoid, frontal and maxillary sinus, and the cells of the mastoid.
_AIR: Final[tuple[Ellipsoid, ...]] = (
    ((8.0, 58.0, -42.0), (7.0, 24.0, 15.0)),
    ((7.0, 14.0, -40.0), (8.0, 11.0, 8.0)),
    ((12.0, 74.0, -14.0), (11.0, 4.5, 11.0)),
    ((27.0, 55.0, -66.0), (15.0, 18.0, 14.0)),
    ((52.0, -34.0, -44.0), (10.0, 13.0, 14.0)),
)
# The sinuses and the cells of the mastoid.
CELLS: Final = tuple(side for part in _AIR for side in _pair(part))
