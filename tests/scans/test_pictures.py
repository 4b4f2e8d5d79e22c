"""Every mode of a picture gives the same gray, and what is no picture gives a reason."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
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
