"""What pictures without a head look like: some of each kind."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from brainmri.dataset.phantoms import SYNTHETIC
from brainmri.figures import canvas
from brainmri.figures.sheet import Caption, draw_sheet
from brainmri.figures.tiles import Image

_OF_EACH: Final = 4


def show_outliers(images: Image, kinds: Sequence[str], path: Path) -> None:
    """Writes the sheet of the first ones (n, size, size), of which there is one of each kind in turn."""
    many = len(kinds)
    places = [place for kind in range(many) for place in range(kind, len(images), many)[:_OF_EACH]]
    captions = [Caption(kinds[place % many], "") for place in places]
    canvas.save(draw_sheet(images[places], captions, f"pictures without a head; {SYNTHETIC}"), path)
