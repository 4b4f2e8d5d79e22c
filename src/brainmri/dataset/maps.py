"""What a segmenter said of slices outside training: where learning and scoring meet, as a folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from brainmri.dataset.predictions import Prediction, read_predictions
from brainmri.errors import BadInput

MAPS, PLAIN, SCORES = "maps.npy", "plain.npy", "scores.csv"
# A pixel is called tumor where that is at least as likely as not.
CALLED: Final = 128


@dataclass(frozen=True)
class MaskMaps:
    """maps: uint8 (n, size, size), probability of tumor times 255; a pixel is called from `CALLED` on.

    plain: the same without the mirrored view, where there was one. `scores` hold, in the same order, each
    slice's own score, by its map.
    """

    scores: Sequence[Prediction]
    maps: NDArray[np.uint8]
    plain: NDArray[np.uint8] | None


def to_bytes(maps: NDArray[np.float32]) -> NDArray[np.uint8]:
    """0 to 1 -> 0 to 255; halves go to the even number, so 0.5 becomes `CALLED` and anything below less."""
    shortened: NDArray[np.uint8] = np.rint(maps * 255).astype(np.uint8)
    return shortened


def count_pixels(maps: NDArray[np.uint8], masks: NDArray[np.uint8]) -> dict[str, NDArray[np.int64]]:
    """tp, fp, fn and tn of each map (n, size, size) against its mask, each (n,)."""
    called, truth = maps >= CALLED, masks > 0
    areas = {
        "tp": called & truth,
        "fp": called & ~truth,
        "fn": ~called & truth,
        "tn": ~called & ~truth,
    }
    return {name: area.sum(axis=(1, 2), dtype=np.int64) for name, area in areas.items()}


def read_maps(folder: Path) -> MaskMaps:
    """The maps of `folder`, memory-mapped; `BadInput` where its parts disagree."""
    scores = read_predictions(folder / SCORES)
    maps = np.load(folder / MAPS, mmap_mode="r", allow_pickle=False)
    plain = folder / PLAIN
    found = MaskMaps(
        scores, maps, np.load(plain, mmap_mode="r", allow_pickle=False) if plain.exists() else None
    )
    if len(maps) != len(scores) or (found.plain is not None and found.plain.shape != maps.shape):
        raise BadInput(
            f"{folder}: expected {len(scores)} maps as {SCORES} lists, came {len(maps)}; "
            "run `dvc repro --force predict_masks segmentation/dvc.yaml`"
        )
    return found
