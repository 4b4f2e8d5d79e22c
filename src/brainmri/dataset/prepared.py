"""The prepared set: two arrays and three tables in one folder, written by `prepare`, read by all else."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from brainmri.errors import BadInput
from brainmri.tables import Row, read_mapping, read_rows

IMAGES, MASKS = "images.npy", "masks.npy"
SLICES, RAW_FACTS, REJECTED, PREPARATION = "slices.csv", "raw_facts.csv", "rejected.csv", "preparation.json"


class SliceRow(Row):
    """One prepared image; the rows stand in the order of the arrays, sorted by `slice_id`.

    `slice_id` is the scan's relative POSIX path (and `#` and the slice number for volumes).
    `tumor_area` counts the mask's pixels in the prepared image; `spacing_mm` is the prepared
    image's pixel spacing; both are empty where unknown.
    """

    slice_id: str
    scan: str
    slice: int
    patient: str | None
    label: str
    has_mask: bool
    tumor_area: int | None
    spacing_mm: float | None
    given_subset: str | None


class RawFactRow(Row):
    """What only the raw file of an image knows: header, outer frame, histogram and thumbnail.

    `sha256` is the file's; a slice that shares its file with others has that of its own pixels, and its
    share of the bytes.
    `frame`: mean and standard deviation of the outer 4 % strips (top, bottom, left, right);
    `histogram`: shares of 16 equal bins between the raw minimum and maximum; `thumbnail`: 8×8
    area means; all of the raw gray picture (the channels' mean) scaled to 0..1.
    """

    slice_id: str
    sha256: str
    bytes: int
    format: str
    mode: str
    width: int
    height: int
    jpeg_table_sum: int
    frame: tuple[float, ...]
    histogram: tuple[float, ...]
    thumbnail: tuple[float, ...]


class RejectedRow(Row):
    """A scan that was found and could not be used."""

    scan: str
    reason: str


@dataclass(frozen=True)
class Classes:
    """The names of the two classes; `positive` means tumor."""

    positive: str
    negative: str


@dataclass(frozen=True)
class PreparedSet:
    """images: uint8 (slices, size, size) or (slices, channels, size, size).

    masks: uint8 0/1 (slices, size, size), or None without any mask.
    `name` is the raw folder's, for the small print of figures.
    """

    folder: Path
    name: str
    slices: Sequence[SliceRow]
    images: NDArray[np.uint8]
    masks: NDArray[np.uint8] | None
    classes: Classes

    def is_positive(self) -> NDArray[np.bool_]:
        """Whether each slice has the class that means tumor; (slices,)."""
        return np.array([row.label == self.classes.positive for row in self.slices])

    def measure_tumors(self) -> dict[str, float]:
        """The share of the prepared image that a tumor covers, by slice id, where a mask shows one."""
        pixels = self.images.shape[-1] ** 2
        return {row.slice_id: row.tumor_area / pixels for row in self.slices if row.tumor_area}


def read_prepared(folder: Path) -> PreparedSet:
    """The prepared set of `folder`, arrays memory-mapped; `BadInput` where its parts disagree."""
    slices = read_rows(folder / SLICES, SliceRow)
    images, masks = read_arrays(folder)
    if len(images) != len(slices) or (masks is not None and len(masks) != len(slices)):
        raise BadInput(
            f"{folder}: expected {len(slices)} images as {SLICES} lists, came {len(images)}; "
            "run `dvc repro --force prepare`"
        )
    return PreparedSet(folder, read_name(folder), slices, images, masks, read_classes(folder))


def read_arrays(folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Images and masks of `PreparedSet` alone, memory-mapped."""
    images = np.load(folder / IMAGES, mmap_mode="r", allow_pickle=False)
    masks_path = folder / MASKS
    masks = np.load(masks_path, mmap_mode="r", allow_pickle=False) if masks_path.exists() else None
    return images, masks


def read_name(folder: Path) -> str:
    """The name of the raw folder that the prepared set in `folder` was made of."""
    return str(read_mapping(folder / PREPARATION)["name"])


def read_classes(folder: Path) -> Classes:
    """The names of the two classes of the prepared set in `folder`."""
    return Classes(**read_mapping(folder / PREPARATION)["classes"])


def read_raw_facts(folder: Path) -> list[RawFactRow]:
    """The raw facts of the prepared set in `folder`, in the order of its slices."""
    return read_rows(folder / RAW_FACTS, RawFactRow)
