"""Where DICOM slices lie in the patient, to tell whether a mask shows the places of its scan."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from brainmri.scans.dicom_header import Vector, count_frames, dot, find_normal, frame_numbers, read_header

# Slices whose normals differ more (1 - cosine: 8 degrees) are no parallel stack.
PARALLEL: Final = 1e-2
# Headers round positions; nearer than this (mm) is the same.
_ROUNDING_MM: Final = 0.01
_TAGS: Final = [
    "NumberOfFrames",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
]


@dataclass(frozen=True)
class Place:
    """The direction in which slices follow each other, and how far (mm) along it this one lies."""

    normal: Vector
    position: float


def read_places(path: Path, max_megabytes: int) -> list[Place | None]:
    """The place of every frame of a file, without its pixels; None for one that has none."""
    header = read_header(path, max_megabytes, _TAGS, pixels=False)
    places: list[Place | None] = []
    for frame in range(count_frames(header)):
        normal = find_normal(header, frame)
        corner = frame_numbers(header, frame, "ImagePositionPatient", 3)
        known = normal is not None and corner is not None
        places.append(Place(normal, dot(normal, corner)) if known else None)  # type: ignore[arg-type]
    return places


def are_same_places(scan: Sequence[Place | None], mask: Sequence[Place | None]) -> bool:
    """Whether slices lie parallel, pair by pair, and none is off by half a gap; not if one is unknown."""
    pairs = [(one, other) for one, other in zip(scan, mask, strict=True) if one and other]
    if len(pairs) < len(scan):
        return False
    gaps = [abs(after.position - before.position) for (before, _), (after, _) in pairwise(pairs)]
    most = max(min(gaps, default=0.0) / 2, _ROUNDING_MM)
    return all(
        dot(one.normal, other.normal) > 1 - PARALLEL and abs(one.position - other.position) < most
        for one, other in pairs
    )
