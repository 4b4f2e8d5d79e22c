"""How scans are read: the settings, as data that imports no decoder."""

from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field

from brainmri.params import Section


class Channel(StrEnum):
    """What is read of a picture whose channels are sequences; `gray` is luminance."""

    GRAY = "gray"
    FIRST = "0"
    SECOND = "1"
    THIRD = "2"
    ALL = "all"


class Window(StrEnum):
    """Whether the intensity window that a DICOM header suggests is applied."""

    NONE = "none"
    HEADER = "header"


class SliceRule(Section):
    """Which slices of a volume are read."""

    most: Annotated[int, Field(ge=1, le=1000, description="a whole number of slices a volume, 1 to 1000")]
    least_brain: Annotated[
        float, Field(ge=0, lt=1, description="a share of a slice's pixels from 0 to below 1")
    ]


def _as_word(value: object) -> object:
    """YAML reads a bare 0, 1 or 2 as a number."""
    return str(value) if type(value) is int else value


class PixelRule(Section):
    """What a file's numbers become; it travels with the model."""

    channel: Annotated[
        Channel, Field(strict=False, description="gray, 0, 1, 2 or all"), BeforeValidator(_as_word)
    ]
    window: Annotated[Window, Field(strict=False, description="none or header")]


class ReadingLimits(Section):
    """What a stranger's file may take."""

    max_megapixels: Annotated[float, Field(gt=0, description="a number of megapixels above 0")]
    max_volume_megabytes: Annotated[int, Field(ge=1, description="a whole number of megabytes, at least 1")]
    max_memory_megabytes: Annotated[int, Field(ge=100, description="a whole number of at least 100")]
    max_seconds: Annotated[float, Field(gt=0, le=86_400, description="seconds, above 0 and up to 86400")]


class ReadingRule(PixelRule, ReadingLimits):
    """All that reading a scan needs to know: pixels, slices, and the limits of a stranger's file."""

    slices: SliceRule
