"""Color of 16 bits a channel, of which Pillow would keep 8 without a word, read by OpenCV."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from brainmri.errors import BadInput

Colors = NDArray[np.uint16]  # (rows, columns, 3), red, green, blue

# By EXIF's orientation: what shows the picture upright.
_UPRIGHT: Final[dict[int, Callable[[Any], Any]]] = {
    2: np.fliplr,
    3: lambda pixels: np.rot90(pixels, 2),
    4: np.flipud,
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: np.rot90(pixels, 2).swapaxes(0, 1),
    8: np.rot90,
}


def is_deep_color(image: Image.Image) -> bool:
    """Whether a picture that is open and not yet loaded has several channels of 16 bits."""
    layouts = [tile[3] for tile in getattr(image, "tile", [])]
    words = [layout[0] if isinstance(layout, tuple) else layout for layout in layouts]
    return len(image.getbands()) > 1 and any(isinstance(word, str) and ";16" in word for word in words)


def read_deep_color(path: Path, image: Image.Image) -> Colors:
    """The colors, transparent ones on black, upright. `image` is the file, checked and not yet loaded."""
    if image.mode not in ("RGB", "RGBA"):
        raise BadInput(f"expected gray or RGB for pixels of 16 bits, came {image.mode}; convert the file")
    stored = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    expected = (image.height, image.width, len(image.getbands()))
    if stored is None or stored.shape != expected or stored.dtype != np.uint16:
        raise BadInput(
            "expected color of 16 bits as its header says, came data that don't fit; convert the file"
        )
    colors = np.asarray(stored[:, :, 2::-1], dtype=np.uint16)
    if stored.shape[2] == 4:
        opaque = stored[:, :, 3:].astype(np.uint32)
        colors = ((colors * opaque + 32767) // 65535).astype(np.uint16)
    upright = _UPRIGHT.get(image.getexif().get(ExifTags.Base.Orientation, 1), np.asarray)
    return np.ascontiguousarray(upright(colors))
