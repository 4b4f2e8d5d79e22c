"""Which side of the patient lies at which edge of a slice, where a file's geometry says so."""

from dataclasses import dataclass
from typing import Final

from brainmri.scans.dicom_header import Vector, dot

# The patient's left, back (posterior) and head are where DICOM's axes point to (PS3.3 C.7.6.2.1.1).
_TOWARDS: Final = ("L", "P", "H")
_AWAY: Final = ("R", "A", "F")
# Directions at right angles, but for rounding.
_SQUARE: Final = 0.01
# The cosine of 37 degrees: farther off an axis, a direction has no side to name.
_CLEAR: Final = 0.8


@dataclass(frozen=True)
class Sides:
    """At each edge of a slice as it is shown: R, L (right, left), A, P (front, back), H or F (head, feet)."""

    left: str
    right: str
    top: str
    bottom: str


# As volumes are laid out: the patient's right on the left, the front on top.
AXIAL: Final = Sides("R", "L", "A", "P")


def name_sides(along_rows: Vector, down_columns: Vector) -> Sides | None:
    """By the directions, of length 1, in which columns and rows follow each other.

    None if they are askew, or lie between two sides.
    """
    if abs(dot(along_rows, down_columns)) > _SQUARE:
        return None
    if min(max(map(abs, along_rows)), max(map(abs, down_columns))) < _CLEAR:
        return None
    right, left = _nearest(along_rows)
    bottom, top = _nearest(down_columns)
    return Sides(left, right, top, bottom) if {right, left}.isdisjoint({bottom, top}) else None


def _nearest(direction: Vector) -> tuple[str, str]:
    """The letter where a direction points to, by its largest part, and the opposite one."""
    axis = max(range(3), key=lambda each: abs(direction[each]))
    letters = _TOWARDS[axis], _AWAY[axis]
    return letters if direction[axis] > 0 else letters[::-1]
