"""Places and shapes of the template head that several modules need, MNI mm: right, anterior, superior."""

from enum import IntEnum
from typing import Final

from brainmri.phantom.head import (
    AIR,
    EYE,
    LENS,
    MASTOID,
    MUSCLE_INNER,
    MUSCLE_OUTER,
    NERVE,
    ORBIT,
    Ellipsoid,
    pair,
)

# The pituitary gland lies in the sella.
SELLA_MM: Final = (0.0, 2.0, -33.0)
PINEAL_MM: Final = (0.0, -28.0, 2.0)


class OrbitPart(IntEnum):
    """What is in the orbits, and they themselves."""

    ORBIT = 0
    EYE = 1
    LENS = 2
    CORD = 3


ORBITS: Final[dict[OrbitPart, tuple[Ellipsoid, ...]]] = {
    OrbitPart.ORBIT: pair(ORBIT),
    OrbitPart.EYE: pair(EYE),
    OrbitPart.LENS: pair(LENS),
    OrbitPart.CORD: (*pair(NERVE), *pair(MUSCLE_OUTER), *pair(MUSCLE_INNER)),
}
# The sinuses and the cells of the mastoid.
CELLS: Final = tuple(side for part in (*AIR, MASTOID) for side in pair(part))
