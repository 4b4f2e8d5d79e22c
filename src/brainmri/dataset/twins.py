"""Two images of one picture: what is said of them wherever they are met."""

from dataclasses import dataclass
from enum import IntFlag, StrEnum
from typing import Final


class Mirror(IntFlag):
    """How a picture is mirrored; both at once is half a turn."""

    NONE = 0
    LEFT_RIGHT = 1
    UP_DOWN = 2
    HALF_TURN = 3


MIRRORS: Final = (Mirror.NONE, Mirror.LEFT_RIGHT, Mirror.UP_DOWN, Mirror.HALF_TURN)


class Likeness(StrEnum):
    """In what two images are the same."""

    BYTES = "same file"
    PIXELS = "same prepared pixels"
    DETAIL = "near twin"


@dataclass(frozen=True)
class Twin:
    """Two images, by their places, that show one picture; `correlation` of detail is 1 for equal ones."""

    first: int
    second: int
    likeness: Likeness
    correlation: float
    mirror: Mirror
