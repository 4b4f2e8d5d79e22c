"""Where the tumor is, by the segmenter of a model folder."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from brainmri.errors import BadInput
from brainmri.learning.segmenter import Segmenter, read_segmenter, segment
from brainmri.serving.model import SEGMENTER, Model

# Each map is the mean over the slice and its mirror image, as params.yaml has it for evaluation.
_FLIPS: Final = True
# Tumor is where it is likelier than not: nothing was tuned on what is scored.
_LIKELIER: Final = 0.5


class Outliner:
    """A segmenter that is loaded with the first images."""

    def __init__(self, model: Model) -> None:
        """Raises `BadInput` where `model` has none."""
        self._folder = model.folder / SEGMENTER
        if not self._folder.is_dir():
            raise BadInput(f"{self._folder}: no such folder; run `dvc repro segmentation/dvc.yaml`")
        self._segmenter: Segmenter | None = None

    def outline(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Prepared slices (n, size, size) or (n, channels, size, size) -> masks (n, size, size), 0 or 1."""
        self._segmenter = self._segmenter or read_segmenter(self._folder, images)
        maps = [found.maps for found in segment(self._segmenter, images, flips=_FLIPS)]
        masks: NDArray[np.uint8] = (np.concatenate(maps) >= _LIKELIER).astype(np.uint8)
        return masks
