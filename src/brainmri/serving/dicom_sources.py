"""What the headers of a scan's files give to the objects that are made of it: checked, and nothing else.

Headers come from strangers. An element that breaks its own rules is left out; texts are decoded here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pydicom import config
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.valuerep import DA, TM, validate_value

from brainmri.errors import BadInput
from brainmri.scans.dicom_header import (
    Vector,
    count_frames,
    find_normal,
    frame_numbers,
    numbers,
    pixel_spacing,
    read_header,
)
from brainmri.scans.sides import Sides, name_sides

IDENTITY: Final = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyInstanceUID",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
)
"""All of the patient and the study that travels; PS3.3 wants each of them in any image, if only empty."""

_REFERENCE: Final = (
    "SOPClassUID",
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "SeriesNumber",
    "InstanceNumber",
    "FrameOfReferenceUID",
    "Modality",
    "LossyImageCompression",
    "ContentDate",
    "ContentTime",
    "SeriesDate",
    "SeriesTime",
)
_TEXTS: Final = (*IDENTITY, *_REFERENCE)
_FRAME_GROUPS: Final = "PerFrameFunctionalGroupsSequence"
_NUMBERS: Final = (
    "NumberOfFrames",
    "Rows",
    "Columns",
    "PixelSpacing",
    "SliceThickness",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "SharedFunctionalGroupsSequence",
    _FRAME_GROUPS,
)
_SEXES: Final = ("M", "F", "O")


@dataclass(frozen=True)
class Place:
    """Where a frame lies in the patient: its corner (mm), the directions of rows and columns."""

    position: Vector | None
    orientation: Vector | None


@dataclass(frozen=True)
class Source:
    """A slice's file, and which of its frames the slice is (from 0).

    `texts` are by keyword, without those that are empty or wrong; `places` of all frames of the file.
    `grouped`: whether its frames have places of their own. `spacing_mm` is between rows and columns.
    """

    texts: Mapping[str, str]
    frame: int
    grouped: bool
    stored: tuple[int, int]
    spacing_mm: tuple[float, float] | None
    thickness_mm: float | None
    places: Sequence[Place]

    @property
    def place(self) -> Place:
        """Of its frame."""
        return self.places[self.frame]

    @property
    def sides(self) -> Sides | None:
        """What lies at its edges, where the header says so."""
        directions = self.place.orientation
        return None if directions is None else name_sides(directions[:3], directions[3:])


def read_sources(files: Sequence[Path], chosen: Sequence[int], max_megabytes: int) -> list[Source]:
    """The sources of the `chosen` slices of a scan, whose files are in the order of its slices, or are one.

    Raises `BadInput`, or whatever pydicom raises.
    """
    if len(files) > 1:
        return [_describe(_read(files[number], max_megabytes), 0) for number in chosen]
    header = _read(files[0], max_megabytes)
    first = _describe(header, chosen[0])
    return [replace(first, frame=number, spacing_mm=pixel_spacing(header, number)) for number in chosen]


def _read(path: Path, max_megabytes: int) -> Dataset:
    tags = ["SpecificCharacterSet", *_TEXTS, *_NUMBERS]
    return read_header(path, max_megabytes, tags, pixels=False)


def _describe(header: Dataset, frame: int) -> Source:
    frames = count_frames(header)
    grouped = len(header.get(_FRAME_GROUPS) or ()) >= frames
    ((rows,), (columns,)) = (numbers(header, keyword, 1) or (0.0,) for keyword in ("Rows", "Columns"))
    (thickness,) = _find(header, frame, "SliceThickness", 1) or (None,)
    return Source(
        texts=_read_texts(header),
        frame=frame,
        grouped=grouped,
        stored=(int(rows), int(columns)),
        spacing_mm=pixel_spacing(header, frame),
        thickness_mm=thickness,
        # Frames without groups share the one position of the file, and so have none.
        places=[_find_place(header, each, known=grouped or frames == 1) for each in range(frames)],
    )


def _find_place(header: Dataset, frame: int, *, known: bool) -> Place:
    orientation = _find(header, frame, "ImageOrientationPatient", 6)
    return Place(
        position=_find(header, frame, "ImagePositionPatient", 3) if known else None,
        orientation=None if orientation is None or find_normal(header, frame) is None else orientation,
    )


def _find(header: Dataset, frame: int, keyword: str, count: int) -> Vector | None:
    """Numbers that a picture can do without; None for wrong ones too."""
    try:
        return frame_numbers(header, frame, keyword, count)
    except BadInput:
        return None


def _read_texts(header: Dataset) -> dict[str, str]:
    read = {keyword: _read_text(header, keyword) for keyword in _TEXTS}
    return {keyword: text for keyword, text in read.items() if text}


def _read_text(header: Dataset, keyword: str) -> str:
    """An element that has one value, and the right one; else an empty text."""
    try:
        value = header.get(keyword)
        if value is None or isinstance(value, MultiValue):
            return ""
        text = str(value).strip()
        _check(text, keyword)
    except Exception:  # whatever pydicom raises for what is no value of its kind
        return ""
    return text


def _check(text: str, keyword: str) -> None:
    """Raises what is not a text of the element's kind; PS3.5 6.2."""
    kind = dictionary_VR(keyword)
    validate_value(kind, text, config.RAISE)
    if kind == "DA":
        DA(text)
    elif kind == "TM":
        TM(text)
    wrong_sex = keyword == "PatientSex" and text not in _SEXES
    if wrong_sex or "\\" in text or not text.isprintable():
        raise BadInput(f"{keyword}: expected a value of its kind, came something else")
