"""Heat maps of answers: a picture a scan, of the slice that decided."""

import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from brainmri.figures import canvas
from brainmri.figures import heat as pictures
from brainmri.figures.sheet import Caption
from brainmri.learning.explanation import explain, find_hottest
from brainmri.learning.model_folder import WEIGHTS
from brainmri.learning.prediction import read_classifier
from brainmri.serving.answers import UNLIKE, ZERO_SHOT, ScanAnswer, SliceAnswer
from brainmri.serving.intake import Taken
from brainmri.serving.model import CLASSIFIER, Model
from brainmri.serving.runtimes import Heat, HeatMap, check_place

SMALL_PRINT: Final = (
    "Left: the slice as the network sees it. Right: HiResCAM, what of it speaks for tumor to the network; a "
    "cross marks the hottest point where tumor is called. Colors are scaled within each picture and "
    "can't be compared; what speaks against tumor is not shown. It shows where the network looks, not where "
    "a tumor is."
)
_LONGEST_NAME: Final = 60


def open_heat(model: Model) -> Heat:
    """Maps by the weights of `model`. Raises `BadInput` where they can't be read."""
    classifier = read_classifier(model.folder / CLASSIFIER, WEIGHTS)

    def heat(images: NDArray[np.uint8]) -> Iterator[HeatMap]:
        for values in explain(classifier, images):
            yield HeatMap(values, find_hottest(values))

    return heat


@dataclass(frozen=True)
class Seen:
    """Of a scan the slice that decided, and its map: (size, size), at most 1, above 0 what speaks for tumor.

    `hottest` is the row and column of the map's largest value, where tumor is called.
    """

    piece: SliceAnswer
    image: NDArray[np.uint8]
    heat: NDArray[np.float32]
    hottest: tuple[int, int] | None


class Eye:
    """A classifier that says where it looks."""

    def __init__(self, model: Model) -> None:
        """Raises `BadInput` where the model has no weights for PyTorch."""
        self._heat = open_heat(model)
        self._threshold = model.point.threshold

    def see(self, scans: Sequence[ScanAnswer], images: Sequence[NDArray[np.uint8]]) -> Iterator[Seen]:
        """One for each scan, in order; `images` are the prepared slices of each, as `Network` has them."""
        places = [_find_deciding(scan) for scan in scans]
        chosen = np.stack([own[place] for own, place in zip(images, places, strict=True)])
        for scan, place, image, heat in zip(scans, places, chosen, self._heat(chosen), strict=True):
            called = scan.probability_max >= self._threshold
            yield Seen(scan.slices[place], image, heat.values, heat.hottest if called else None)


class Explainer:
    """Writes a picture for each scan to a folder, numbered in their order."""

    def __init__(self, model: Model, folder: Path) -> None:
        """Makes `folder` if it isn't there. Raises `BadInput` where the model has no weights for PyTorch."""
        self._eye = Eye(model)
        self._small_print = f"{SMALL_PRINT} {ZERO_SHOT}" if model.zero_shot else SMALL_PRINT
        self._folder, self._count = folder, 0
        make_folder(folder, "--explain")
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)

    def explain(
        self, _taken: Sequence[Taken], scans: Sequence[ScanAnswer], images: NDArray[np.uint8]
    ) -> None:
        """See `Watch`."""
        for scan, seen in zip(scans, self._eye.see(scans, split(scans, images)), strict=True):
            self._count += 1
            self._draw(scan, seen)

    def _draw(self, scan: ScanAnswer, seen: Seen) -> None:
        piece = seen.piece
        more = UNLIKE if piece.unlike else ""
        name = Path(scan.scan).name + (f", slice {piece.slice}" if len(scan.slices) > 1 else "")
        caption = Caption(f"{piece.decision}, p = {piece.probability:.2f}", name, more)
        figure = pictures.draw_heat(
            [pictures.Heat(seen.image, seen.heat, seen.hottest, caption)], self._small_print
        )
        canvas.save(figure, self._folder / f"{name_file(self._count, scan.scan)}.png", exact=True)


def make_folder(folder: Path, option: str) -> None:
    """Makes a folder for what `option` writes. Raises `BadInput` for one with anything in it."""
    check_place(folder, option)
    folder.mkdir(parents=True, exist_ok=True)


def split(scans: Sequence[ScanAnswer], images: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """The prepared slices of each scan, of those of all."""
    ends = np.cumsum([len(scan.slices) for scan in scans])
    return np.split(images, ends[:-1])


def name_file(number: int, scan: str) -> str:
    """A number, and of a scan's name what any file system takes, and no path."""
    return f"{number:04d}_{re.sub(r'[^A-Za-z0-9_-]+', '_', Path(scan).name)[:_LONGEST_NAME]}"


def _find_deciding(scan: ScanAnswer) -> int:
    """The place of the first slice with the highest probability."""
    return int(np.argmax([piece.probability for piece in scan.slices]))
