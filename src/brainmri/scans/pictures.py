"""PNG, JPEG, TIFF and BMP files -> pixels, and the facts that only the raw file knows."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from brainmri.errors import BadInput
from brainmri.scans.deep_color import is_deep_color, read_deep_color
from brainmri.scans.files import FileKind, check_file, hash_file, map_file
from brainmri.scans.settings import Channel, ReadingRule
from brainmri.scans.slices import FileHeader, Pixels, RawSlice, Stack, check_size, to_luminance, to_mask

# What Pillow may try; everything else it can decode is a larger surface than brain MRI needs.
FORMATS: Final = ("PNG", "JPEG", "TIFF", "BMP")

_DEEP_GRAY_MODES: Final = ("I;16", "I;16B", "I;16L", "I;16N", "I", "F")
_GRAY_MODES: Final = (*_DEEP_GRAY_MODES, "L")
_TRANSPARENT_MODES: Final = ("RGBA", "LA", "PA", "P", "La", "RGBa")
_PRINT_MODES: Final = ("CMYK", "LAB")
# TIFF 6.0, PhotometricInterpretation.
_PHOTOMETRIC: Final = 262
_WHITE_IS_ZERO: Final = 0
_MOST_16_BITS: Final = 65535.0


class Picture(Stack):
    """A file with one picture, as a stack of one slice.

    Color becomes luminance (ITU-R 601) or, by the rule, one or all of its channels; transparency
    becomes black; EXIF orientation is applied.
    """

    kind = FileKind.PICTURE
    count = 1
    notices: Sequence[str] = ()

    def __init__(self, path: Path, rule: ReadingRule, *, is_mask: bool) -> None:
        """Only looks whether there is a file. A mask is gray, whatever channel of its picture is wanted."""
        self._size = check_file(path, rule.max_volume_megabytes)
        self._path = path
        self._rule = rule
        self._is_mask = is_mask

    def load(self, index: int) -> RawSlice:  # noqa: ARG002 - there is one
        """The picture. Raises `BadInput` with the reason; the caller names the file."""
        try:
            with map_file(self._path) as content, Image.open(content, formats=FORMATS) as image:
                header = _read_header(image, self._path, self._size)
                _check(image, self._rule)
                if self._is_mask and image.format == "JPEG":
                    raise BadInput("expected a mask without lossy compression, came JPEG; save it as PNG")
                channel = Channel.GRAY if self._is_mask else self._rule.channel
                pixels = self._read_deep(image, channel) if is_deep_color(image) else _read(image, channel)
                return RawSlice(to_mask(pixels) if self._is_mask else pixels, header, None)
        except UnidentifiedImageError:
            formats = ", ".join(FORMATS)
            raise BadInput(
                f"expected {formats}, DICOM or NIfTI content, came a file of another kind"
            ) from None

    def _read_deep(self, image: Image.Image, channel: Channel) -> Pixels:
        colors = read_deep_color(self._path, image)
        if channel is Channel.GRAY:
            return np.asarray(to_luminance(colors), dtype=np.float32)
        channels: NDArray[np.float32] = colors.transpose(2, 0, 1).astype(np.float32)
        return channels if channel is Channel.ALL else channels[int(channel.value)]


def _read(image: Image.Image, channel: Channel) -> Pixels:
    image.load()
    turned = ImageOps.exif_transpose(image)
    pixels = _to_pixels(turned, channel)
    return _turn(pixels, image.mode) if _is_negative(image) else pixels


def _is_negative(image: Image.Image) -> bool:
    """Whether 0 is white in a TIFF file and Pillow leaves it so: it turns 8 bits alone."""
    tags = getattr(image, "tag_v2", {})
    return image.mode in _DEEP_GRAY_MODES and tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO


def _turn(pixels: Pixels, mode: str) -> Pixels:
    """High becomes bright, about the values' own range where their type says no highest one."""
    brightest = _MOST_16_BITS if mode.startswith("I;16") else pixels.max() + pixels.min()
    return np.asarray(brightest - pixels, dtype=np.float32)


def _read_header(image: Image.Image, path: Path, size: int) -> FileHeader:
    tables: dict[int, list[int]] = getattr(image, "quantization", None) or {}
    return FileHeader(
        sha256=hash_file(path),
        bytes=size,
        format=image.format or "",
        mode=image.mode,
        width=image.width,
        height=image.height,
        jpeg_table_sum=sum(sum(table) for table in tables.values()),
    )


def _check(image: Image.Image, rule: ReadingRule) -> None:
    check_size(image.width, image.height, rule.max_megapixels)
    frames = getattr(image, "n_frames", 1)
    if frames != 1:
        raise BadInput(f"expected one picture a file, came {frames} (an animation or several pages)")
    if image.mode in _PRINT_MODES:
        raise BadInput(f"expected gray or RGB pixels, came {image.mode}; convert the file")


def _to_pixels(image: Image.Image, channel: Channel) -> Pixels:
    if channel is Channel.GRAY:
        return _to_gray(image)
    if image.mode in _GRAY_MODES:
        raise BadInput(
            f"expected a picture with three channels (prepare.channel: {channel}), came a gray one"
        )
    colors = _flatten(image).convert("RGB")
    channels: NDArray[np.float32] = np.asarray(colors, dtype=np.float32).transpose(2, 0, 1)
    return channels if channel is Channel.ALL else channels[int(channel.value)]


def _to_gray(image: Image.Image) -> Pixels:
    if image.mode in _GRAY_MODES:
        return np.asarray(image, dtype=np.float32)
    return np.asarray(_flatten(image).convert("L"), dtype=np.float32)


def _flatten(image: Image.Image) -> Image.Image:
    """Transparent pixels on black."""
    if image.mode not in _TRANSPARENT_MODES:
        return image
    opaque = Image.new("RGBA", image.size, (0, 0, 0, 255))
    return Image.alpha_composite(opaque, image.convert("RGBA"))
