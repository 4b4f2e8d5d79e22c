"""A slice as a patient's scan shows it."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]  # (rows, columns)


@dataclass(frozen=True)
class Picture:
    """A slice as the scanner shows it, and where its tumor is (0 or 1, without the edema)."""

    image: Image
    mask: Image

    @property
    def shows_tumor(self) -> bool:
        """Whether any pixel is tumor."""
        return bool(self.mask.any())
