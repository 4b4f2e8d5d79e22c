"""What every format is read into: an ordered stack of slices, loaded one at a time."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from brainmri.errors import BadInput
from brainmri.scans.files import FileKind
from brainmri.scans.sides import Sides

Pixels = NDArray[np.float32]  # (rows, columns) or (channels, rows, columns), the file's own intensities

# Thicker than this against the other side, a pixel is no measurement of a slice.
_MOST_ANISOTROPY: Final = 20.0
# Sets have up to a dozen (tumor, edema, necrosis, …).
_MOST_LABELS: Final = 16
# ITU-R 601 in the fixed point of Pillow, so that every format gives the same gray.
_RED, _GREEN, _BLUE, _ROUND, _SHIFT = 19595, 38470, 7471, 0x8000, 16


@dataclass(frozen=True)
class FileHeader:
    """What the file of a slice tells before its pixels are looked at.

    A slice that shares its file with others has its share of the bytes, and the digest of its own pixels.
    `width` and `height` are the stored ones, in pixels.
    """

    sha256: str
    bytes: int
    format: str
    mode: str
    width: int
    height: int
    jpeg_table_sum: int


@dataclass(frozen=True)
class RawSlice:
    """One slice with square pixels; `spacing_mm` is their side, where the file says it."""

    pixels: Pixels
    header: FileHeader
    spacing_mm: float | None


class Stack(ABC):
    """The slices of a scan in order; `notices` say what of the file is not read."""

    kind: FileKind
    count: int
    notices: Sequence[str] = ()

    @abstractmethod
    def load(self, index: int) -> RawSlice:
        """Slice `index`, counted from 0. Raises `BadInput`, or whatever its decoder raises."""

    def sides(self, index: int) -> Sides | None:  # noqa: ARG002 - a picture doesn't know
        """What lies at the edges of a slice; None where the file doesn't say."""
        return None


def to_mask(values: NDArray[Any]) -> Pixels:
    """1 where there is any label, whichever: tumor or not. Before any resampling, which mixes labels.

    Raises `BadInput` for more values than labels have: a map of probabilities or the scan itself have many,
    and to call each of them tumor would be wrong.
    """
    marked = values > 0
    if (found := len(np.unique(values[marked]))) > _MOST_LABELS:
        raise BadInput(
            f"expected a mask of at most {_MOST_LABELS} labels, came {found} gray values; save labels "
            "without compression or smoothing"
        )
    return np.asarray(marked, dtype=np.float32)


def to_luminance(colors: NDArray[Any]) -> NDArray[Any]:
    """The gray of whole numbers (rows, columns, 3) in the order red, green, blue; of the same type."""
    red, green, blue = (colors[:, :, channel].astype(np.int64) for channel in range(3))
    luminance = (red * _RED + green * _GREEN + blue * _BLUE + _ROUND) >> _SHIFT
    return np.asarray(luminance.astype(colors.dtype))


def digest(pixels: NDArray[np.generic]) -> str:
    """SHA-256 of an array's shape and values."""
    sha = hashlib.sha256(repr((pixels.shape, pixels.dtype.str)).encode())
    sha.update(np.ascontiguousarray(pixels).tobytes())
    return sha.hexdigest()


def check_size(width: int, height: int, max_megapixels: float) -> None:
    """Refuses a slice of no or too many pixels, before anything is decoded."""
    if width < 1 or height < 1 or width * height > max_megapixels * 1e6:
        raise BadInput(f"expected at most {max_megapixels:g} megapixels, came {width}x{height}")


def make_square(
    pixels: Pixels, spacing_mm: tuple[float, float], max_megapixels: float
) -> tuple[Pixels, float]:
    """A slice whose pixels become square, and the side (mm) of those.

    `spacing_mm` is between rows and between columns. The finer side decides, so nothing is lost.
    Raises `BadInput` for pixels that are no measurement.
    """
    between_rows, between_columns = spacing_mm
    side = min(spacing_mm)
    if max(spacing_mm) > _MOST_ANISOTROPY * side:
        raise BadInput(
            f"expected pixels at most {_MOST_ANISOTROPY:g} times as long as wide, "
            f"came {between_rows:g} x {between_columns:g} mm"
        )
    rows, columns = pixels.shape
    height, width = round(rows * between_rows / side), round(columns * between_columns / side)
    check_size(width, height, max_megapixels)
    if (height, width) == (rows, columns):
        return pixels, side
    resized = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(resized, dtype=np.float32), side
