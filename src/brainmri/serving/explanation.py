"""Heat maps of answers: a picture a scan, of the slice that decided."""

import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from brainmri.errors import BadInput
from brainmri.figures import canvas
from brainmri.figures import heat as pictures
from brainmri.figures.sheet import Caption
from brainmri.learning.explanation import explain, find_hottest
from brainmri.learning.model_folder import WEIGHTS
from brainmri.learning.prediction import read_classifier
from brainmri.serving.answers import ScanAnswer
from brainmri.serving.backends import Heat, HeatMap
from brainmri.serving.intake import Taken
from brainmri.serving.model import CLASSIFIER, Model

_SMALL_PRINT: Final = (
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


class Explainer:
    """Writes a picture for each scan to a folder, numbered in their order."""

    def __init__(self, model: Model, folder: Path) -> None:
        """Makes `folder` if it isn't there. Raises `BadInput` where the model has no weights for PyTorch."""
        self._heat = open_heat(model)
        self._folder, self._count, self._threshold = folder, 0, model.point.threshold
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise BadInput(f"--explain {folder}: expected a new or empty folder, came another; name one")
        folder.mkdir(parents=True, exist_ok=True)
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)

    def explain(
        self, _taken: Sequence[Taken], scans: Sequence[ScanAnswer], images: NDArray[np.uint8]
    ) -> None:
        """See `Watch`."""
        ends = np.cumsum([len(scan.slices) for scan in scans])
        chosen = [
            end - len(scan.slices) + _deciding(scan) for end, scan in zip(ends.tolist(), scans, strict=True)
        ]
        for scan, place, heat in zip(scans, chosen, self._heat(images[chosen]), strict=True):
            self._count += 1
            self._draw(scan, images[place], heat)

    def _draw(self, scan: ScanAnswer, image: NDArray[np.uint8], heat: HeatMap) -> None:
        piece = scan.slices[_deciding(scan)]
        more = "unlike the training images" if piece.unlike else ""
        name = Path(scan.scan).name + (f", slice {piece.slice}" if len(scan.slices) > 1 else "")
        caption = Caption(f"{piece.decision}, p = {piece.probability:.2f}", name, more)
        hottest = heat.hottest if scan.probability_max >= self._threshold else None
        figure = pictures.draw_heat([pictures.Heat(image, heat.values, hottest, caption)], _SMALL_PRINT)
        canvas.save(figure, self._folder / f"{self._count:04d}_{_plain(scan.scan)}.png", exact=True)


def _deciding(scan: ScanAnswer) -> int:
    """The place of the first slice with the highest probability."""
    return int(np.argmax([piece.probability for piece in scan.slices]))


def _plain(scan: str) -> str:
    """Of a scan's name what any file system takes, and no path."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", Path(scan).name)[:_LONGEST_NAME]
