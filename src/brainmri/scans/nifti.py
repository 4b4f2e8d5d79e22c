"""NIfTI volumes -> axial slices."""

import gzip
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import nibabel
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform

from brainmri.errors import BadInput
from brainmri.scans.axial import Shape, lay_out
from brainmri.scans.files import NIFTI_HEADER_BYTES, FileKind, check_file, is_gzipped, read_head
from brainmri.scans.settings import ReadingRule
from brainmri.scans.sides import AXIAL, Sides
from brainmri.scans.slices import FileHeader, RawSlice, Stack, check_size, digest, make_square, to_mask

_MEGABYTE: Final = 1_000_000


class Volume(Stack):
    """The first volume of a NIfTI file; axial slices run from the feet to the head.

    Axes off the scanner's are resampled: linearly, a mask by the nearest voxel. Everything that the
    header declares is checked before data is read. Intensities are scaled by the header.
    """

    kind = FileKind.NIFTI

    def __init__(self, path: Path, rule: ReadingRule, *, is_mask: bool) -> None:
        """Reads header and data. Raises `BadInput`, or whatever nibabel raises."""
        self._file_bytes = check_file(path, rule.max_volume_megabytes)
        self._max_megapixels = rule.max_megapixels
        self._is_mask = is_mask
        header = _read_header(path)
        shape = _volume_shape(header)
        self.grid = lay_out(header.get_best_affine(), shape)
        columns, rows, self.count = self.grid.shape
        check_size(columns, rows, rule.max_megapixels)
        self._oriented = bool(header["sform_code"] > 0 or header["qform_code"] > 0)
        self.notices: Sequence[str] = ()
        if math.prod(header.get_data_shape()[3:]) > 1:
            self.notices = ("more than three axes: its first volume is read",)
        self._slope, self._intercept = _scaling(header)
        self._data = _read_data(path, header, shape, rule.max_volume_megabytes)

    def load(self, index: int) -> RawSlice:
        """Axial slice `index` from below."""
        columns, rows, _ = self.grid.shape
        stored = self._resample(index) if self.grid.oblique else self._pick(index)
        values = (stored.astype(np.float64) * self._slope + self._intercept).astype(np.float32).T
        if not np.isfinite(values).all():
            raise BadInput("expected numbers for voxels, came some that are none (NaN or infinite)")
        width_mm, height_mm, _ = self.grid.sizes_mm
        shown = to_mask(values) if self._is_mask else values
        pixels, spacing_mm = make_square(shown, (height_mm, width_mm), self._max_megapixels)
        header = FileHeader(
            sha256=digest(values),
            bytes=self._file_bytes // self.count,
            format=self.kind.value,
            mode=self._data.dtype.name,
            width=columns,
            height=rows,
            jpeg_table_sum=0,
        )
        return RawSlice(np.ascontiguousarray(pixels), header, spacing_mm)

    def sides(self, index: int) -> Sides | None:  # noqa: ARG002 - all alike
        """See `Stack`; a header without a form code has invented axes."""
        return AXIAL if self._oriented else None

    def _pick(self, index: int) -> NDArray[np.generic]:
        """(columns, rows) where the axes are the stored ones, reordered and turned."""
        turn = self.grid.to_stored[:3, :3].astype(int)
        order = np.abs(turn).argmax(axis=0)
        columns, rows, slices = (slice(None, None, turn[order[shown], shown]) for shown in range(3))
        turned: NDArray[np.generic] = self._data.transpose(*order)[columns, rows, slices]
        return turned[:, :, index]

    def _resample(self, index: int) -> NDArray[np.generic]:
        columns, rows, _ = self.grid.shape
        order = 0 if self._is_mask else 1
        matrix = self.grid.to_stored
        start = matrix[:3, 3] + matrix[:3, 2] * index
        shown = affine_transform(
            self._data, matrix[:3, :3], start, (columns, rows, 1), output=np.float32, order=order
        )
        return np.asarray(shown[:, :, 0])


def _read_header(path: Path) -> nibabel.Nifti1Header:
    """The fixed part alone: extensions of any length may follow it, and nothing needs them."""
    head = read_head(path, NIFTI_HEADER_BYTES)
    if b"ni1\0" in head[344:348] or b"ni2\0" in head[4:8]:
        raise BadInput("expected header and data in one .nii file, came a header alone")
    if head[344:348] == b"n+1\0":
        return nibabel.Nifti1Header(head[:348], check=True)
    return nibabel.Nifti2Header(head[:540], check=True)


def _volume_shape(header: nibabel.Nifti1Header) -> Shape:
    shape = [int(length) for length in header.get_data_shape()]
    if not 2 <= len(shape) <= 7 or min(shape) < 1:
        raise BadInput(f"expected a volume of three axes, came the shape {' x '.join(map(str, shape))}")
    columns, rows, slices = (*shape, 1)[:3]
    return columns, rows, slices


def _scaling(header: nibabel.Nifti1Header) -> tuple[float, float]:
    slope, intercept = header.get_slope_inter()
    return (1.0, 0.0) if slope is None else (float(slope), float(intercept))


def _read_data(
    path: Path, header: nibabel.Nifti1Header, shape: Shape, max_megabytes: int
) -> NDArray[np.generic]:
    dtype = header.get_data_dtype()
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise BadInput(f"expected real numbers of at most 64 bits, came the data type {dtype.name}")
    expected = math.prod(shape) * dtype.itemsize
    if expected > max_megabytes * _MEGABYTE:
        raise BadInput(
            f"expected at most {max_megabytes} megabytes a volume (prepare.max_volume_megabytes), "
            f"came {' x '.join(map(str, shape))} voxels of {dtype.name}"
        )
    with gzip.open(path) if is_gzipped(path) else path.open("rb") as file:
        file.seek(header.get_data_offset())
        content = file.read(expected)
    if len(content) < expected:
        raise BadInput(f"expected {expected} bytes of data as its header says, came {len(content)}")
    stored = np.frombuffer(content, dtype).reshape(shape, order="F")
    return np.asarray(stored, dtype=dtype.newbyteorder("="))
