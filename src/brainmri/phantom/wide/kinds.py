"""What a phantom of pretraining may show: closed sets, in the field's words."""

from enum import IntEnum
from typing import Final

# A tumor has up to so many.
FOCI: Final = 3


class Orientation(IntEnum):
    """The plane of a picture."""

    AXIAL = 0
    CORONAL = 1
    SAGITTAL = 2


class Kind(IntEnum):
    """A tumor by what is particular about it: its look where it lies in the brain, else its place."""

    NONE = 0
    BRIGHT = 1
    DARK = 2
    RING = 3
    EDEMA_ONLY = 4
    MIXED = 5
    CYSTIC = 6
    MULTIFOCAL = 7
    DURAL = 8
    SELLAR = 9
    POSTERIOR_FOSSA = 10


class Look(IntEnum):
    """How a tumor's signal differs from what is around it."""

    BRIGHT = 0
    DARK = 1
    RING = 2
    EDEMA_ONLY = 3
    MIXED = 4
    CYSTIC = 5
