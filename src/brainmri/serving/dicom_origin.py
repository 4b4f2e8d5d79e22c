"""What any DICOM object of a model's answer says of itself, and how it is written.

The same sources, network and content give the same bytes: UIDs are made of these, and no time of making is
kept.
"""

import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final
from uuid import UUID, uuid5

from highdicom.base import SOPClass
from highdicom.enum import ContentQualificationValues
from pydicom import dcmwrite
from pydicom.dataset import Dataset

from brainmri.serving.answers import ZERO_SHOT
from brainmri.serving.dicom_sources import IDENTITY, Source

NAME: Final = "brainmri"
WARNING: Final = "NOT FOR DIAGNOSIS - research only"

# What UIDs are made in; drawn once.
_NAMESPACE: Final = UUID("5d0a3f0e-7c52-4c1b-9a53-0f1c6f1b7c7e")
_SERIAL_SIGNS: Final = 16
_MOST_SERIES: Final = 1_000_000
_DATES: Final = (("ContentDate", "ContentTime"), ("SeriesDate", "SeriesTime"), ("StudyDate", "StudyTime"))
# Where a header has no date at all; a Segmentation must have one.
_NO_DATE, _NO_TIME = "19000101", "000000"
_UNICODE: Final = "ISO_IR 192"
_NOW: Final = (
    "InstanceCreationDate",
    "InstanceCreationTime",
    "DateOfSecondaryCapture",
    "TimeOfSecondaryCapture",
)


@dataclass(frozen=True)
class Maker:
    """The network that an object's content is of: its task, its architecture, the SHA-256 of its weights.

    `zero_shot`: it has seen synthetic MRI alone.
    """

    task: str
    architecture: str
    sha256: str
    zero_shot: bool = False

    @property
    def name(self) -> str:
        """In a line."""
        return f"{NAME} {'zero-shot ' if self.zero_shot else ''}{self.task}, {self.architecture}"

    @property
    def warning(self) -> str:
        """What its pictures are headed by."""
        return f"{WARNING} - zero-shot" if self.zero_shot else WARNING

    @property
    def remark(self) -> str:
        """What a reader of its content is to know; empty, or begun by a space."""
        return f" {ZERO_SHOT}" if self.zero_shot else ""


@dataclass(frozen=True)
class Origin:
    """What an object is made of: slices of one scan, by a network, and the digest of what it shows."""

    sources: Sequence[Source]
    maker: Maker
    content: str

    def make_uid(self, kind: str) -> str:
        """A UID of the form that PS3.5 B.2 has for UUIDs: the same for the same, and of no patient's name."""
        images = [f"{item.texts.get('SOPInstanceUID')} {item.frame} {item.place}" for item in self.sources]
        made = uuid5(_NAMESPACE, "\n".join((kind, self.maker.name, self.maker.sha256, self.content, *images)))
        return f"2.25.{made.int}"

    def identify(self) -> Dataset:
        """Patient and study of the sources, empty where unknown, a study's UID made; text in Unicode."""
        texts, header = self.sources[0].texts, Dataset()
        header.SpecificCharacterSet = _UNICODE
        for keyword in IDENTITY:
            setattr(header, keyword, texts.get(keyword))
        if "StudyInstanceUID" not in texts:
            header.StudyInstanceUID = self.make_uid("study")
        return header

    def describe(self, kind: str, series_beyond: int) -> dict[str, Any]:
        """What highdicom is told of the series, the equipment and the use of any object; `kind` names it.

        The series' number is that of the source beyond one that scanners don't reach.
        """
        return {
            "series_instance_uid": self.make_uid(f"{kind} series"),
            "sop_instance_uid": self.make_uid(kind),
            "series_number": series_beyond + self._number_series(),
            "series_description": f"{WARNING}: {kind}",
            "instance_number": 1,
            "manufacturer": NAME,
            "manufacturer_model_name": self.maker.name,
            "device_serial_number": self.maker.sha256[:_SERIAL_SIGNS],
            "software_versions": version(NAME),
            "content_qualification": ContentQualificationValues.RESEARCH,
            **self._date(),
        }

    def _number_series(self) -> int:
        number = int(self.sources[0].texts.get("SeriesNumber", 0))
        return number if 0 < number < _MOST_SERIES else 0

    def _date(self) -> dict[str, str]:
        """That of the slice: with the time of now, the same content would be another file each time."""
        texts = self.sources[0].texts
        for date, time in _DATES:
            if date in texts:
                return {"content_date": texts[date], "content_time": texts.get(time, _NO_TIME)}
        return {"content_date": _NO_DATE, "content_time": _NO_TIME}


def to_bytes(made: SOPClass) -> bytes:
    """The file of an object, without the times that highdicom gave it."""
    for keyword in _NOW:
        if keyword in made:
            delattr(made, keyword)
    for item in made.get("ContributingEquipmentSequence", ()):
        item.pop("ContributionDateTime", None)
    buffer = io.BytesIO()
    dcmwrite(buffer, made, enforce_file_format=True)
    return buffer.getvalue()


@contextmanager
def quiet() -> Iterator[None]:
    """Libraries print nothing inside: what they say of a header may quote a patient."""
    loggers = [logging.getLogger(name) for name in ("highdicom", "pydicom")]
    levels = [logger.level for logger in loggers]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for logger in loggers:
                logger.setLevel(logging.CRITICAL + 1)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
