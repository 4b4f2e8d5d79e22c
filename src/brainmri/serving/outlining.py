"""Where the tumor is, by the segmenter of a model folder."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from brainmri.errors import BadInput
from brainmri.learning.segmenter import read_segmenter, segment
from brainmri.serving.model import SEGMENTER, Model

# Each map is the mean over the slice and its mirror image, as params.yaml has it for evaluation.
_FLIPS: Final = True
# Tumor is where it is likelier than not: nothing was tuned on what is scored.
_LIKELIER: Final = 0.5


class Outliner:
    """A loaded segmenter."""

    def __init__(self, model: Model) -> None:
        """Raises `BadInput` where `model` has none, or one that is for other images than its classifier."""
        folder, card = model.folder / SEGMENTER, model.card
        if not folder.is_dir():
            raise BadInput(f"{folder}: no such folder; run `dvc repro segmentation/dvc.yaml`")
        stacked = () if card.channels == 1 else (card.channels,)
        self._segmenter = read_segmenter(
            folder, np.zeros((1, *stacked, card.rule.size, card.rule.size), np.uint8)
        )

    def outline(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Prepared slices (n, size, size) or (n, channels, size, size) -> masks (n, size, size), 0 or 1."""
        maps = [found.maps for found in segment(self._segmenter, images, flips=_FLIPS)]
        masks: NDArray[np.uint8] = (np.concatenate(maps) >= _LIKELIER).astype(np.uint8)
        return masks
