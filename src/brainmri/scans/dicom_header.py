"""What is used of a DICOM header; every number of it is checked, since headers come from strangers."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import pydicom
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

from brainmri.errors import BadInput
from brainmri.scans.files import check_file, map_file

Vector = tuple[float, ...]

_IDENTITY: Final = [
    "PatientID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "InstanceNumber",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "NumberOfFrames",
]
# PS3.3: the image pixel, rescale, window and functional-group modules, as far as pixels depend on them.
_PIXELS: Final = [
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelSpacing",
    "ImageOrientationPatient",
    "RescaleSlope",
    "RescaleIntercept",
    "WindowCenter",
    "WindowWidth",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
    "PixelData",
    "FloatPixelData",
    "DoubleFloatPixelData",
]
# No scanner's number is larger, and its square still is a number.
_MOST: Final = 1e12
# PS3.10: what stands before the meta group, and the number of that.
_PREAMBLE_BYTES, _META_GROUP = 132, 2
_LEAST_MM, _MOST_MM = 0.01, 100.0


@dataclass(frozen=True)
class DicomIdentity:
    """What joins files to a series and orders them; empty where the header doesn't say.

    `patient` is the PatientID or, where it is empty, the study's UID: a study is of one patient.
    It never leaves memory. `normal` is the direction in which slices follow each other, `position` how far
    (mm) the slice lies along it.
    """

    series: str | None
    patient: str | None
    instance: int | None
    normal: Vector | None
    position: float | None
    frames: int


def read_identity(path: Path, max_megabytes: int) -> DicomIdentity:
    """The identity of a file, without its pixels. Raises `BadInput`, or whatever pydicom raises."""
    header = read_header(path, max_megabytes, _IDENTITY, pixels=False)
    normal = find_normal(header, 0)
    place = frame_numbers(header, 0, "ImagePositionPatient", 3)
    position = None if normal is None or place is None else dot(normal, place)
    instance = numbers(header, "InstanceNumber", 1)
    return DicomIdentity(
        series=_text(header, "SeriesInstanceUID"),
        patient=_text(header, "PatientID") or _text(header, "StudyInstanceUID"),
        instance=None if instance is None else int(instance[0]),
        normal=normal,
        position=position,
        frames=count_frames(header),
    )


def read_image(path: Path, max_megabytes: int) -> Dataset:
    """What pixels depend on, and the pixels, not yet decoded."""
    return read_header(path, max_megabytes, _PIXELS, pixels=True)


def count_frames(header: Dataset) -> int:
    """NumberOfFrames, 1 where it is absent."""
    (frames,) = numbers(header, "NumberOfFrames", 1) or (1.0,)
    if not 1 <= frames <= 1e6:
        raise BadInput(f"expected NumberOfFrames of at least 1, came {frames:g}")
    return int(frames)


def frame_numbers(header: Dataset, frame: int, keyword: str, count: int) -> Vector | None:
    """The `count` numbers of an element for one frame: its own, those shared by all frames, or the file's.

    Enhanced multi-frame files keep them in functional groups (PS3.3 C.7.6.16).
    """
    for group in _functional_groups(header, frame):
        for element in group:
            if element.VR == "SQ" and element.value and keyword in element.value[0]:
                return numbers(element.value[0], keyword, count)
    return numbers(header, keyword, count)


def numbers(header: Dataset, keyword: str, count: int) -> Vector | None:
    """The first `count` numbers of an element, None where it is absent; `BadInput` for what is no number.

    What came is not quoted: a broken header may have a patient's name there.
    """
    try:
        value: Any = header.get(keyword)
        if value is None or (isinstance(value, Sequence) and not len(value)):
            return None
        if isinstance(value, bytes):
            raise BadInput(f"{keyword}: expected {count} numbers, came bytes")
        values = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        found = tuple(float(item) for item in values[:count])
    except (ValueError, TypeError, OverflowError):
        raise BadInput(f"{keyword}: expected {count} numbers, came something else") from None
    if len(found) < count:
        raise BadInput(f"{keyword}: expected {count} numbers, came {len(found)}")
    if not all(math.isfinite(item) and abs(item) < _MOST for item in found):
        raise BadInput(f"{keyword}: expected {count} numbers below {_MOST:g}, came larger or infinite ones")
    return found


def pixel_spacing(header: Dataset, frame: int) -> tuple[float, float] | None:
    """Millimeters between rows and between columns, None where unknown."""
    spacing = frame_numbers(header, frame, "PixelSpacing", 2)
    if spacing is None:
        return None
    if not all(_LEAST_MM <= side <= _MOST_MM for side in spacing):
        raise BadInput(
            f"PixelSpacing: expected {_LEAST_MM:g} to {_MOST_MM:g} mm, came {spacing[0]:g} and {spacing[1]:g}"
        )
    return spacing[0], spacing[1]


def dot(first: Vector, second: Vector) -> float:
    """The scalar product of two vectors of one length."""
    return sum(a * b for a, b in zip(first, second, strict=True))


def read_header(path: Path, max_megabytes: int, tags: Sequence[str], *, pixels: bool) -> Dataset:
    """The named elements of a file. Raises `BadInput`, or whatever pydicom raises."""
    check_file(path, max_megabytes)
    with map_file(path) as content:
        _refuse_deflated(content)
        content.seek(0)
        return pydicom.dcmread(content, stop_before_pixels=not pixels, specific_tags=list(tags))


def _refuse_deflated(content: BinaryIO) -> None:
    """Reading a deflated file would inflate it, to any size; its meta group says that it is one."""
    content.seek(_PREAMBLE_BYTES)
    meta = read_dataset(content, False, True, stop_when=lambda tag, _vr, _length: tag >> 16 != _META_GROUP)
    if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        raise BadInput("expected pixels that are not deflated as a whole file, came the deflated syntax")


def find_normal(header: Dataset, frame: int) -> Vector | None:
    """Rows' direction times columns' (PS3.3 C.7.6.2.1.1); None if not at right angles."""
    directions = frame_numbers(header, frame, "ImageOrientationPatient", 6)
    if directions is None:
        return None
    (a, b, c), (d, e, f) = directions[:3], directions[3:]
    normal = (b * f - c * e, c * d - a * f, a * e - b * d)
    return normal if abs(math.hypot(*normal) - 1) < 0.01 else None


def _functional_groups(header: Dataset, frame: int) -> Iterator[Dataset]:
    own = header.get("PerFrameFunctionalGroupsSequence") or []
    yield from own[frame : frame + 1]
    yield from (header.get("SharedFunctionalGroupsSequence") or [])[:1]


def _text(header: Dataset, keyword: str) -> str | None:
    value = str(header.get(keyword) or "").strip()
    return value or None
