"""DICOM files -> slices as they are stored: of one file, the frames of one, or the files of a series."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pixel_array
from pydicom.uid import JPEGLSLossless, JPEGLSNearLossless

from brainmri.errors import BadInput
from brainmri.scans.dicom_header import (
    count_frames,
    find_normal,
    frame_numbers,
    numbers,
    pixel_spacing,
    read_image,
)
from brainmri.scans.dicom_places import Place, read_places
from brainmri.scans.files import FileKind, hash_file
from brainmri.scans.naming import naming
from brainmri.scans.settings import Channel, ReadingRule, Window
from brainmri.scans.sides import Sides, name_sides
from brainmri.scans.slices import (
    FileHeader,
    Pixels,
    RawSlice,
    Stack,
    check_size,
    digest,
    make_square,
    to_luminance,
    to_mask,
)

_JPEG_LS: Final = (JPEGLSLossless, JPEGLSNearLossless)
_FLOAT_BITS: Final = 24
_MEGABYTE: Final = 1_000_000
_PIXEL_ELEMENTS: Final = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_INVERTED: Final = "MONOCHROME1"
_GRAY: Final = (_INVERTED, "MONOCHROME2")
_COLOR: Final = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
_OTHER: Final = ("PALETTE COLOR", "HSV", "ARGB", "CMYK", "YBR_PARTIAL_420", "YBR_PARTIAL_422", "XYB")


class Series(Stack):
    """The files of a series in order, or the frames of a single file; only one file is held at a time.

    Values are rescaled by the header and, where the rule says so, windowed; MONOCHROME1 is turned so
    that high is bright.
    """

    kind = FileKind.DICOM

    def __init__(self, paths: Sequence[Path], rule: ReadingRule, *, is_mask: bool) -> None:
        """Opens a single file, to count its frames; those of a series are taken as one frame each."""
        self._paths = paths
        self._is_mask = is_mask
        self._rule = rule
        self._open: tuple[Path, Dataset] | None = None
        self._frames = count_frames(self._dataset(paths[0])) if len(paths) == 1 else 1
        self.count = self._frames * len(paths)
        self.notices: Sequence[str] = ()

    def load(self, index: int) -> RawSlice:
        """File or frame `index`. `BadInput` names the file of a series; pydicom may raise anything."""
        path = self._paths[index // self._frames]
        with naming(path.name) if len(self._paths) > 1 else nullcontext():
            return self._load(path, index)

    def sides(self, index: int) -> Sides | None:
        """See `Stack`."""
        dataset = self._dataset(self._paths[index // self._frames])
        try:
            if find_normal(dataset, index % self._frames) is None:
                return None
            directions = frame_numbers(dataset, index % self._frames, "ImageOrientationPatient", 6)
        except BadInput:  # a picture may be looked at whose directions are none
            return None
        return None if directions is None else name_sides(directions[:3], directions[3:])

    def places(self) -> list[Place | None]:
        """Where each slice lies; None where the header doesn't say."""
        return [place for path in self._paths for place in read_places(path, self._rule.max_volume_megabytes)]

    def _load(self, path: Path, index: int) -> RawSlice:
        dataset, frame = self._dataset(path), index % self._frames
        if self._frames == 1 and count_frames(dataset) > 1:
            raise BadInput("expected one frame a file in a series, came several")
        stored = _decode(dataset, frame, self._rule)
        header = self._header(path, stored, dataset)
        values = _to_values(dataset, frame, stored, self._rule.window)
        shown = to_mask(stored) if self._is_mask else values
        spacing_mm = pixel_spacing(dataset, frame)
        if spacing_mm is None:
            return RawSlice(shown, header, None)
        pixels, side_mm = make_square(shown, spacing_mm, self._rule.max_megapixels)
        return RawSlice(pixels, header, side_mm)

    def _dataset(self, path: Path) -> Dataset:
        if self._open is None or self._open[0] != path:
            self._open = None
            dataset = read_image(path, self._rule.max_volume_megabytes)
            _check(dataset, self._rule)
            self._open = path, dataset
        return self._open[1]

    def _header(self, path: Path, stored: NDArray[np.generic], dataset: Dataset) -> FileHeader:
        alone = self._frames == 1
        return FileHeader(
            sha256=hash_file(path) if alone else digest(stored),
            bytes=path.stat().st_size // self._frames,
            format=self.kind.value,
            mode=stored.dtype.name,
            width=int(dataset.Columns),
            height=int(dataset.Rows),
            jpeg_table_sum=0,
        )


def _check(dataset: Dataset, rule: ReadingRule) -> None:
    """Refuses what declares too much or something else than gray or color, before it is decoded."""
    if not any(element in dataset for element in _PIXEL_ELEMENTS):
        raise BadInput("expected a DICOM image, came a file without pixels")
    if rule.channel is not Channel.GRAY:
        raise BadInput(
            f"expected a picture with three channels (prepare.channel: {rule.channel}), came DICOM"
        )
    kind = str(dataset.get("PhotometricInterpretation", ""))
    if kind not in _GRAY + _COLOR:
        # Only the standard's own words are repeated: anything else may be of the patient.
        came = kind if kind in _OTHER else "that the standard doesn't name"
        raise BadInput(f"expected gray or RGB pixels, came a photometric interpretation {came}")
    ((rows,), (columns,), (bits,), (samples,)) = (
        numbers(dataset, keyword, 1) or (0.0,)
        for keyword in ("Rows", "Columns", "BitsAllocated", "SamplesPerPixel")
    )
    check_size(int(columns), int(rows), rule.max_megapixels)
    declared = rows * columns * samples * bits / 8 * count_frames(dataset)
    if not 0 < declared <= rule.max_volume_megabytes * _MEGABYTE:
        raise BadInput(
            f"expected at most {rule.max_volume_megabytes} megabytes a file (prepare.max_volume_megabytes), "
            f"came {count_frames(dataset)} frames of {columns:g}x{rows:g} pixels"
        )


def _decode(dataset: Dataset, frame: int, rule: ReadingRule) -> NDArray[np.generic]:
    """(rows, columns), color as luminance."""
    syntax = dataset.file_meta.TransferSyntaxUID
    # Given JPEG-LS of another size than the header's, GDCM aborts the process.
    stored = pixel_array(dataset, index=frame, decoding_plugin="pyjpegls" if syntax in _JPEG_LS else "")
    if stored.ndim == 3 and stored.shape[2] == 3:
        stored = to_luminance(stored)
    if stored.ndim != 2:
        raise BadInput(f"expected rows and columns of pixels, came an array of shape {stored.shape}")
    check_size(stored.shape[1], stored.shape[0], rule.max_megapixels)
    return np.asarray(stored)


def _to_values(dataset: Dataset, frame: int, stored: NDArray[np.generic], window: Window) -> Pixels:
    (slope,) = frame_numbers(dataset, frame, "RescaleSlope", 1) or (1.0,)
    (intercept,) = frame_numbers(dataset, frame, "RescaleIntercept", 1) or (0.0,)
    if slope == 0:
        raise BadInput("RescaleSlope: expected a number other than 0, came 0")
    values = stored.astype(np.float64) * slope + intercept
    (bits,) = numbers(dataset, "BitsStored", 1) or (0.0,)
    # Beyond 24 bits a distance from the highest possible value leaves a float32 no room for contrast.
    brightest = slope * (2.0**bits - 1) + intercept if bits <= _FLOAT_BITS else float(values.max())
    limits = _window(dataset, frame) if window is Window.HEADER else None
    if limits is not None:
        low, high = limits
        values, brightest = np.clip((values - low) / (high - low), 0, 1), 1.0
    if dataset.PhotometricInterpretation == _INVERTED:
        values = brightest - values
    return values.astype(np.float32)


def _window(dataset: Dataset, frame: int) -> tuple[float, float] | None:
    """What the header's first window shows as black and white (linear function, PS3.3 C.11.2.1.2.1)."""
    center = frame_numbers(dataset, frame, "WindowCenter", 1)
    width = frame_numbers(dataset, frame, "WindowWidth", 1)
    if center is None or width is None:
        return None
    if width[0] <= 1:
        raise BadInput(f"WindowWidth: expected a number above 1, came {width[0]:g}")
    half = (width[0] - 1) / 2
    return center[0] - 0.5 - half, center[0] - 0.5 + half
