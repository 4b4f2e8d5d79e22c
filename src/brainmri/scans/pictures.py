"""PNG, JPEG, TIFF and BMP files -> gray pixels, and the facts that only the raw file knows."""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from brainmri.errors import BadInput

# What Pillow may try; everything else it can decode is a larger surface than brain MRI needs.
FORMATS = ("PNG", "JPEG", "TIFF", "BMP")

GrayImage = NDArray[np.float32]  # (rows, columns), the file's own intensities


@dataclass(frozen=True)
class FileHeader:
    """What a file tells before its pixels are looked at."""

    sha256: str
    bytes: int
    format: str
    mode: str
    width: int
    height: int
    jpeg_table_sum: int


def read_picture(path: Path, max_megapixels: float) -> tuple[GrayImage, FileHeader]:
    """The first picture of a file as gray float32 (rows, columns), with its header.

    Color becomes luminance (ITU-R 601), transparency black, EXIF orientation is applied.
    Raises `BadInput` with the reason; the caller names the file.
    """
    content = _read_bytes(path)
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            header = _read_header(image, content)
            if image.width * image.height > max_megapixels * 1e6:
                raise BadInput(
                    f"expected at most {max_megapixels:g} megapixels, came {image.width}x{image.height}"
                )
            image.load()
            return _to_gray(ImageOps.exif_transpose(image)), header
    except BadInput:
        raise
    except UnidentifiedImageError:
        raise BadInput(f"expected {', '.join(FORMATS)} content, came a file of another kind") from None
    except Exception as error:  # decoders of strangers' files raise nearly anything
        raise BadInput(f"can't be decoded ({type(error).__name__}: {' '.join(str(error).split())})") from None


def _read_bytes(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"can't be read ({error.strerror})") from None
    if not content:
        raise BadInput("the file has no bytes")
    return content


def _read_header(image: Image.Image, content: bytes) -> FileHeader:
    tables: dict[int, list[int]] = getattr(image, "quantization", None) or {}
    return FileHeader(
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        format=image.format or "",
        mode=image.mode,
        width=image.width,
        height=image.height,
        jpeg_table_sum=sum(sum(table) for table in tables.values()),
    )


def _to_gray(image: Image.Image) -> GrayImage:
    if image.mode in ("I;16", "I;16B", "I;16L", "I", "F", "L"):
        return np.asarray(image, dtype=np.float32)
    if image.mode in ("RGBA", "LA", "PA", "P", "La", "RGBa"):
        opaque = Image.new("RGBA", image.size, (0, 0, 0, 255))
        image = Image.alpha_composite(opaque, image.convert("RGBA"))
    return np.asarray(image.convert("L"), dtype=np.float32)
