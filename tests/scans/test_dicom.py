"""DICOM files give what a viewer shows: rescaled, windowed when asked, high is bright, pixels square."""

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless

from brainmri.errors import BadInput
from brainmri.scans.dicom import Series
from brainmri.scans.settings import Window
from brainmri.scans.slices import RawSlice
from tests.rules import RULE
from tests.scans.samples import HEAD, dicom, reason, save_dicom

DEEP = HEAD.astype(np.uint16) * 200
WINDOWED = RULE.model_copy(update={"window": Window.HEADER})


def _slice(path: Path, header: Dataset, index: int = 0, window: Window = Window.NONE) -> RawSlice:
    rule = RULE.model_copy(update={"window": window})
    return Series([save_dicom(path / "x.dcm", header)], rule, is_mask=False).load(index)


def test_slope_and_intercept_of_the_header_are_applied(tmp_path: Path) -> None:
    pixels = _slice(tmp_path, dicom(DEEP, RescaleSlope="2", RescaleIntercept="-7")).pixels
    np.testing.assert_array_equal(DEEP * 2.0 - 7, pixels)


def test_monochrome1_is_turned_so_that_high_is_bright(tmp_path: Path) -> None:
    pixels = _slice(tmp_path, dicom(65535 - DEEP, PhotometricInterpretation="MONOCHROME1")).pixels
    np.testing.assert_array_equal(DEEP.astype(np.float32), pixels)


@pytest.mark.parametrize("offset", [0, 2**32 - 70000])
def test_monochrome1_of_32_bits_keeps_its_contrast(tmp_path: Path, offset: int) -> None:
    stored = (65535 - DEEP).astype(np.uint32) + offset
    pixels = _slice(tmp_path, dicom(stored, PhotometricInterpretation="MONOCHROME1")).pixels
    np.testing.assert_array_equal(DEEP.astype(np.float32) - DEEP.min(), pixels)


def test_a_bad_file_of_a_series_is_named(tmp_path: Path) -> None:
    paths = [save_dicom(tmp_path / f"{name}.dcm", dicom(DEEP)) for name in "abc"]
    paths[1].write_bytes(paths[1].read_bytes()[:-1000])
    save_dicom(paths[2], dicom(DEEP, RescaleSlope="0"))
    series = Series(paths, RULE, is_mask=False)
    series.load(0)
    with pytest.raises(BadInput, match=r"^b\.dcm: can't be decoded \(ValueError\)$"):
        series.load(1)
    with pytest.raises(BadInput, match=r"^c\.dcm: RescaleSlope: expected a number other than 0"):
        series.load(2)


def test_signed_pixels_stay_signed(tmp_path: Path) -> None:
    signed = DEEP.astype(np.int16) - 900
    np.testing.assert_array_equal(signed.astype(np.float32), _slice(tmp_path, dicom(signed)).pixels)


def test_the_header_s_window_is_applied_when_asked_only(tmp_path: Path) -> None:
    header = dicom(DEEP, WindowCenter=["1000", "5"], WindowWidth=["401", "5"])
    pixels = _slice(tmp_path, header, window=Window.HEADER).pixels
    np.testing.assert_allclose(np.clip((DEEP - 799.5) / 400, 0, 1), pixels, atol=1e-6)
    np.testing.assert_array_equal(DEEP.astype(np.float32), _slice(tmp_path, header).pixels)


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless])
def test_compressed_pixels_are_the_stored_ones(tmp_path: Path, syntax: str) -> None:
    header = dicom(DEEP)
    header.compress(syntax, generate_instance_uid=False)
    np.testing.assert_array_equal(DEEP.astype(np.float32), _slice(tmp_path, header).pixels)


def test_jpeg_2000_is_read(tmp_path: Path) -> None:
    header, buffer = dicom(DEEP), io.BytesIO()
    Image.fromarray(DEEP).save(buffer, "JPEG2000", no_jp2=True)
    header.PixelData = encapsulate([buffer.getvalue()])
    header.file_meta.TransferSyntaxUID = JPEG2000Lossless
    np.testing.assert_array_equal(DEEP.astype(np.float32), _slice(tmp_path, header).pixels)


def test_frames_of_one_file_have_their_own_scale_where_it_says_so(tmp_path: Path) -> None:
    header = dicom(np.stack([DEEP, DEEP + 1]), RescaleSlope="9")
    for slope in ("1", "3"):
        scale, group = Dataset(), Dataset()
        scale.RescaleSlope, scale.RescaleIntercept, scale.RescaleType = slope, "0", "US"
        group.PixelValueTransformationSequence = Sequence([scale])
        groups = header.get("PerFrameFunctionalGroupsSequence", [])
        header.PerFrameFunctionalGroupsSequence = Sequence([*groups, group])
    np.testing.assert_array_equal(DEEP.astype(np.float32), _slice(tmp_path, header, 0).pixels)
    np.testing.assert_array_equal((DEEP + 1) * 3.0, _slice(tmp_path, header, 1).pixels)


def test_pixels_longer_than_wide_become_square(tmp_path: Path) -> None:
    raw = _slice(tmp_path, dicom(DEEP, PixelSpacing=["1.0", "0.5"]))
    assert ((128, 64), 0.5) == (raw.pixels.shape, raw.spacing_mm)


def test_color_is_luminance_as_of_a_picture(tmp_path: Path) -> None:
    header = dicom(HEAD, SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0)
    header.PixelData = np.stack([HEAD] * 3, axis=2).tobytes()
    np.testing.assert_array_equal(HEAD.astype(np.float32), _slice(tmp_path, header).pixels)


def _huge(**elements: int) -> Dataset:
    return dicom(HEAD, **elements)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (dicom(DEEP, PixelSpacing=["1e-30", "1"]), "PixelSpacing: expected 0.01 to 100 mm"),
        (dicom(DEEP, PixelSpacing=["50", "0.1"]), "at most 20 times as long as wide"),
        (dicom(DEEP, RescaleSlope="0"), "RescaleSlope: expected a number other than 0"),
        (dicom(DEEP, RescaleSlope="1e300"), "RescaleSlope: expected 1 numbers below 1e+12"),
        (
            dicom(DEEP, PhotometricInterpretation="PALETTE COLOR"),
            "came a photometric interpretation PALETTE COLOR",
        ),
        (_huge(Rows=65535, Columns=65535), "at most 40 megapixels"),
        (_huge(Rows=6000, Columns=6000, NumberOfFrames=900), "at most 64 megabytes a file"),
        (_huge(NumberOfFrames=0), "expected NumberOfFrames of at least 1"),
        (_huge(Rows=65), "can't be decoded"),
    ],
)
def test_a_header_that_can_not_be_is_refused(tmp_path: Path, header: Dataset, said: str) -> None:
    assert said in reason(save_dicom(tmp_path / "x.dcm", header))


def test_bytes_are_no_numbers(tmp_path: Path) -> None:
    header = dicom(DEEP)
    header.add_new("RescaleSlope", "OB", b"\x02\x03")
    said = reason(save_dicom(tmp_path / "x.dcm", header))
    assert "RescaleSlope: expected 1 numbers, came bytes" == said


def test_a_file_without_pixels_is_refused(tmp_path: Path) -> None:
    header = dicom(DEEP)
    del header.PixelData
    assert "came a file without pixels" in reason(save_dicom(tmp_path / "x.dcm", header))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path: Path, share: float) -> None:
    path = save_dicom(tmp_path / "x.dcm", dicom(DEEP))
    content: bytes = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert reason(path)


def test_a_window_without_width_is_refused(tmp_path: Path) -> None:
    path = save_dicom(tmp_path / "x.dcm", dicom(DEEP, WindowCenter="5", WindowWidth="0"))
    assert "WindowWidth: expected a number above 1" in reason(path, WINDOWED)


def test_color_of_other_shape_is_no_slice(tmp_path: Path) -> None:
    pixels: NDArray[np.uint8] = np.zeros((4, 4), np.uint8)
    header = dicom(pixels, SamplesPerPixel=2)
    header.PixelData = bytes(32)
    assert reason(save_dicom(tmp_path / "x.dcm", header))
