"""Every mode of a picture gives the same gray, and what is no picture gives a reason."""

import io
import re
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from brainmri.scans.pictures import Picture
from brainmri.scans.settings import Channel
from brainmri.scans.slices import FileHeader, Pixels
from tests.pictures import draw_head
from tests.rules import RULE
from tests.scans.samples import reason

GRAY = draw_head(1, tumor=True)


def _read(path: Path, channel: Channel = Channel.GRAY) -> tuple[Pixels, FileHeader]:
    raw = Picture(path, RULE.model_copy(update={"channel": channel}), is_mask=False).load(0)
    return raw.pixels, raw.header


def _save(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "LA", "I;16", "I", "F"])
def test_every_mode_gives_the_same_gray(tmp_path: Path, mode: str) -> None:
    deep = Image.fromarray(GRAY.astype(np.uint16))
    image = deep if mode == "I;16" else Image.fromarray(GRAY).convert(mode)
    path = _save(tmp_path / "x.tif", image)
    pixels, header = _read(path)
    np.testing.assert_array_equal(GRAY.astype(np.float32), pixels)
    assert (header.width, header.height, header.format) == (64, 64, "TIFF")


def test_sixteen_bits_are_kept(tmp_path: Path) -> None:
    deep = GRAY.astype(np.uint16) * 257
    pixels, _ = _read(_save(tmp_path / "x.png", Image.fromarray(deep)))
    assert deep.max() == pixels.max()


def test_transparency_is_black(tmp_path: Path) -> None:
    image = Image.fromarray(GRAY).convert("RGBA")
    image.putalpha(0)
    pixels, _ = _read(_save(tmp_path / "x.png", image))
    assert pixels.max() == 0


def test_the_content_decides_not_the_name(tmp_path: Path) -> None:
    _, header = _read(_save(tmp_path / "x.jpg", Image.fromarray(GRAY), format="PNG"))
    assert (header.format, header.jpeg_table_sum) == ("PNG", 0)


def test_the_header_of_a_jpeg_has_its_tables_and_is_no_function_of_the_path(tmp_path: Path) -> None:
    path = _save(tmp_path / "x.jpg", Image.fromarray(GRAY), quality=50)
    first = _read(path)[1]
    assert first.jpeg_table_sum > 0
    assert first == _read(path.rename(tmp_path / "other.jpg"))[1]


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    path = _save(tmp_path / "x.png", Image.fromarray(GRAY[:, :40]), exif=exif)
    assert _read(path)[0].shape == (40, 64)


def _jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(GRAY).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file has no bytes"),
        (b"only some text", "expected PNG, JPEG, TIFF, BMP, DICOM or NIfTI content"),
        (b"GIF89a" + bytes(100), "expected PNG, JPEG, TIFF, BMP, DICOM or NIfTI content"),
        (_jpeg()[: len(_jpeg()) // 2], "can't be decoded"),
    ],
)
def test_what_is_no_picture_gives_a_reason_in_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "x.png").write_bytes(content)
    assert said in reason(tmp_path / "x.png")


def test_a_missing_file_gives_a_reason(tmp_path: Path) -> None:
    assert "can't be read (No such file or directory)" == reason(tmp_path / "gone.png")


@pytest.mark.parametrize("side", [8000, 16000])
def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path, side: int) -> None:
    path = _save(tmp_path / "x.png", Image.new("1", (side, side)))
    assert re.search("megapixels|DecompressionBomb", reason(path))


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_an_animation_and_several_pages_are_refused(tmp_path: Path, suffix: str) -> None:
    pages = [Image.fromarray(draw_head(number, tumor=True)) for number in range(3)]
    path = _save(tmp_path / f"x.{suffix}", pages[0], save_all=True, append_images=pages[1:])
    assert "expected one picture a file, came 3 (an animation or several pages)" == reason(path)


def test_print_colors_are_refused(tmp_path: Path) -> None:
    path = _save(tmp_path / "x.jpg", Image.fromarray(GRAY).convert("CMYK"))
    assert "expected gray or RGB pixels, came CMYK; convert the file" == reason(path)


def test_channels_that_carry_sequences_are_read_one_by_one_or_all(tmp_path: Path) -> None:
    channels = np.stack([GRAY, GRAY // 2, GRAY // 3])
    path = _save(tmp_path / "x.tif", Image.fromarray(channels.transpose(1, 2, 0)))
    np.testing.assert_array_equal(channels.astype(np.float32), _read(path, Channel.ALL)[0])
    for number, channel in enumerate((Channel.FIRST, Channel.SECOND, Channel.THIRD)):
        np.testing.assert_array_equal(channels[number].astype(np.float32), _read(path, channel)[0])


def test_a_gray_picture_has_no_channels_to_choose(tmp_path: Path) -> None:
    path = _save(tmp_path / "x.png", Image.fromarray(GRAY))
    rule = RULE.model_copy(update={"channel": Channel.ALL})
    expected = "expected a picture with three channels (prepare.channel: all), came a gray one"
    assert expected == reason(path, rule)


def test_one_bit_is_black_and_white(tmp_path: Path) -> None:
    path = _save(tmp_path / "x.tif", Image.fromarray(GRAY > 100))
    np.testing.assert_array_equal(np.where(GRAY > 100, np.float32(255), np.float32(0)), _read(path)[0])


@pytest.mark.parametrize(("dtype", "highest"), [(np.uint8, 255), (np.uint16, 65535), (np.float32, 255)])
def test_a_tiff_file_where_0_is_white_is_turned(tmp_path: Path, dtype: type, highest: int) -> None:
    shown = GRAY.copy()
    shown[0, :2] = 0, 255
    path = _save(tmp_path / "x.tif", Image.fromarray((highest - shown.astype(np.int64)).astype(dtype)))
    black_is_zero, white_is_zero = (struct.pack("<HHIH", 262, 3, 1, kind) for kind in (1, 0))
    content = path.read_bytes()
    assert 1 == content.count(black_is_zero)
    path.write_bytes(content.replace(black_is_zero, white_is_zero))
    np.testing.assert_array_equal(shown.astype(np.float32), _read(path)[0])


DEEP_COLOR = (draw_head(2, tumor=True)[:40, :, None] * np.array([257, 200, 31])).astype(np.uint16)


def _save_deep(path: Path, colors: NDArray[np.uint16]) -> Path:
    order = [2, 1, 0, 3][: colors.shape[2]]
    cv2.imwrite(str(path), colors[:, :, order])
    return path


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_color_of_sixteen_bits_keeps_them(tmp_path: Path, suffix: str) -> None:
    path = _save_deep(tmp_path / f"x.{suffix}", DEEP_COLOR)
    channels = DEEP_COLOR.transpose(2, 0, 1).astype(np.float32)
    np.testing.assert_array_equal(channels, _read(path, Channel.ALL)[0])
    np.testing.assert_array_equal(channels[1], _read(path, Channel.SECOND)[0])
    luminance = 0.299 * channels[0] + 0.587 * channels[1] + 0.114 * channels[2]
    np.testing.assert_allclose(luminance, _read(path)[0], atol=1)


def test_transparency_of_sixteen_bits_is_black(tmp_path: Path) -> None:
    alpha = np.zeros((40, 64, 1), np.uint16)
    alpha[20:] = 65535
    path = _save_deep(tmp_path / "x.png", np.concatenate([DEEP_COLOR, alpha], axis=2))
    expected = np.where(alpha > 0, DEEP_COLOR, 0).transpose(2, 0, 1).astype(np.float32)
    np.testing.assert_array_equal(expected, _read(path, Channel.ALL)[0])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_color_of_sixteen_bits_is_turned_as_that_of_eight(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    shallow = _save(tmp_path / "x.png", Image.fromarray((DEEP_COLOR >> 8).astype(np.uint8)), exif=exif)
    deep = _save_deep(tmp_path / "y.png", DEEP_COLOR >> 8)
    # The eXIf chunk of the one file goes into the other, behind its header.
    content, place = shallow.read_bytes(), shallow.read_bytes().index(b"eXIf") - 4
    chunk = content[place : place + 12 + struct.unpack(">I", content[place : place + 4])[0]]
    deep.write_bytes(deep.read_bytes()[:33] + chunk + deep.read_bytes()[33:])
    np.testing.assert_array_equal(_read(shallow, Channel.ALL)[0], _read(deep, Channel.ALL)[0])
