"""Prepared images as small thumbnails: what copies are searched and compared by."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn

from brainmri.dataset.twins import Mirror

Thumbnails = NDArray[np.uint8]
"""(images, SIZE_PX, SIZE_PX), 0 black to 255 white."""
Stack = NDArray[np.float32]
"""(images, rows, columns)."""

SIZE_PX: Final = 64
# The coarse picture: this many cosines each way (an even number), without the mean and the two slowest, which
# tell brightness and shading rather than content.
_COSINES: Final = 10


def shrink_images(images: NDArray[np.uint8]) -> Thumbnails:
    """(images, size, size) or (images, channels, size, size) by area means; channels become their mean."""
    thumbnails = np.empty((len(images), SIZE_PX, SIZE_PX), np.uint8)
    for place, image in enumerate(images):  # one at a time: `images` may be mapped from a large file
        gray = image if image.ndim == 2 else image.mean(axis=0)
        small = cv2.resize(
            gray.astype(np.float32), (SIZE_PX, SIZE_PX), interpolation=_interpolation(gray.shape[0])
        )
        thumbnails[place] = np.rint(small)
    return thumbnails


def mirror_images(images: Stack, mirrors: NDArray[np.intp]) -> Stack:
    """Each image mirrored in its own way; `mirrors` holds values of `Mirror`, (images,)."""
    mirrored = images.copy()
    left_right = (mirrors & Mirror.LEFT_RIGHT) > 0
    mirrored[left_right] = mirrored[left_right][:, :, ::-1]
    up_down = (mirrors & Mirror.UP_DOWN) > 0
    mirrored[up_down] = mirrored[up_down][:, ::-1]
    return mirrored


def describe_coarsely(images: Stack) -> NDArray[np.float32]:
    """The slow cosines of each image (DCT-II) with norm 1, by their parity: (4, images, features).

    The dot product over all features is the correlation of two smoothed images without their shading. A
    mirror changes the sign of the cosines that are odd across, down, or both: of the parities
    1 and 3, 2 and 3, 1 and 2.
    """
    cosines = dctn(images, axes=(1, 2), norm="ortho")[:, :_COSINES, :_COSINES]
    shading = np.add.outer(np.arange(_COSINES), np.arange(_COSINES)) < 2
    cosines = np.where(shading, 0, cosines)
    cosines /= np.maximum(np.linalg.norm(cosines, axis=(1, 2), keepdims=True), 1e-6)
    parities = [cosines[:, down::2, across::2] for down in (0, 1) for across in (0, 1)]
    return np.stack(parities).reshape(4, len(images), -1).astype(np.float32)


def _interpolation(size: int) -> int:
    return int(cv2.INTER_AREA if size > SIZE_PX else cv2.INTER_LINEAR)
