"""Every mode of a picture gives the same gray, and what is no picture gives a reason."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from brainmri.errors import BadInput
from brainmri.scans.pictures import read_picture
from tests.pictures import draw_head

GRAY = draw_head(1, tumor=True)


def _save(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "LA", "I;16", "I", "F"])
def test_every_mode_gives_the_same_gray(tmp_path: Path, mode: str) -> None:
    deep = Image.fromarray(GRAY.astype(np.uint16))
    image = deep if mode == "I;16" else Image.fromarray(GRAY).convert(mode)
    path = _save(tmp_path / "x.tif", image)
    pixels, header = read_picture(path, 40)
    np.testing.assert_array_equal(GRAY.astype(np.float32), pixels)
    assert (header.width, header.height, header.format) == (64, 64, "TIFF")


def test_sixteen_bits_are_kept(tmp_path: Path) -> None:
    deep = GRAY.astype(np.uint16) * 257
    pixels, _ = read_picture(_save(tmp_path / "x.png", Image.fromarray(deep)), 40)
    assert deep.max() == pixels.max()


def test_transparency_is_black(tmp_path: Path) -> None:
    image = Image.fromarray(GRAY).convert("RGBA")
    image.putalpha(0)
    pixels, _ = read_picture(_save(tmp_path / "x.png", image), 40)
    assert pixels.max() == 0


def test_the_content_decides_not_the_name(tmp_path: Path) -> None:
    _, header = read_picture(_save(tmp_path / "x.jpg", Image.fromarray(GRAY), format="PNG"), 40)
    assert (header.format, header.jpeg_table_sum) == ("PNG", 0)


def test_the_header_of_a_jpeg_has_its_tables_and_is_no_function_of_the_path(tmp_path: Path) -> None:
    path = _save(tmp_path / "x.jpg", Image.fromarray(GRAY), quality=50)
    first = read_picture(path, 40)[1]
    assert first.jpeg_table_sum > 0
    assert first == read_picture(path.rename(tmp_path / "other.jpg"), 40)[1]


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    path = _save(tmp_path / "x.png", Image.fromarray(GRAY[:, :40]), exif=exif)
    assert read_picture(path, 40)[0].shape == (40, 64)


def _jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(GRAY).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file has no bytes"),
        (b"only some text", "expected PNG, JPEG, TIFF, BMP content"),
        (b"GIF89a" + bytes(100), "expected PNG, JPEG, TIFF, BMP content"),
        (_jpeg()[: len(_jpeg()) // 2], "can't be decoded"),
    ],
)
def test_what_is_no_picture_gives_a_reason_in_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(BadInput, match=said) as caught:
        read_picture(tmp_path / "x.png", 40)
    assert "\n" not in str(caught.value)


def test_a_missing_file_gives_a_reason(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="can't be read"):
        read_picture(tmp_path / "gone.png", 40)


@pytest.mark.parametrize("side", [8000, 16000])
def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path, side: int) -> None:
    path = _save(tmp_path / "x.png", Image.new("1", (side, side)))
    with pytest.raises(BadInput, match=r"megapixels|DecompressionBomb"):
        read_picture(path, 40)
