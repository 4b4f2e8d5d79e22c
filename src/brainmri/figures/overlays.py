"""Predicted and reference masks on their slices: what was found, missed and made up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from brainmri.figures import canvas, sheet, tiles

_OPACITY: Final = 0.6
_LEGEND_IN: Final = 0.26
# Of a row.
_PAIRS: Final = 3
# Of other lightness each, so that they differ in gray too.
FOUND, MISSED, FALSE = canvas.BLUE, canvas.YELLOW, canvas.VERMILION


@dataclass(frozen=True)
class Overlay:
    """A slice with both masks (size, size), and what stands above it."""

    image: tiles.Image
    reference: NDArray[np.bool_]
    predicted: NDArray[np.bool_]
    caption: sheet.Caption


def color(overlay: Overlay) -> NDArray[np.uint8]:
    """The slice in gray with the areas in color; (3, size, size)."""
    colored = np.repeat(_gray(overlay.image)[None] / 255, 3, axis=0)
    areas = {
        FOUND: overlay.predicted & overlay.reference,
        MISSED: ~overlay.predicted & overlay.reference,
        FALSE: overlay.predicted & ~overlay.reference,
    }
    for name, area in areas.items():
        tint = np.array(to_rgb(name))[:, None]
        colored[:, area] = (1 - _OPACITY) * colored[:, area] + _OPACITY * tint
    return np.rint(colored * 255).astype(np.uint8)


@canvas.house_style
def draw_overlays(overlays: Sequence[Overlay], source: str) -> Figure:
    """Each slice twice, plain and with its areas in color, below its caption; three pairs a row."""
    captions = [overlay.caption for overlay in overlays]
    columns = 2 * min(_PAIRS, max(1, len(overlays)))
    grid = tiles.Grid(2 * len(overlays), columns, sheet.measure_captions(captions), _LEGEND_IN)
    drawn = tiles.new_sheet(grid, source, outlined=False, empty="no slice with tumor")
    for number, overlay in enumerate(overlays):
        tiles.show(drawn, 2 * number, _gray(overlay.image), None)
        tiles.show(drawn, 2 * number + 1, color(overlay), None)
        sheet.write_caption(drawn, 2 * number, overlay.caption)
    _explain(drawn)
    return drawn.figure


def _explain(drawn: tiles.Sheet) -> None:
    """The legend, in a row of its own at the top."""
    names = {FOUND: "tumor, found", MISSED: "tumor, missed", FALSE: "no tumor, but called"}
    patches = [Patch(facecolor=name, edgecolor=canvas.INK, label=text) for name, text in names.items()]
    drawn.figure.legend(handles=patches, loc="upper left", ncols=3, borderaxespad=0.4)


def _gray(image: tiles.Image) -> NDArray[np.uint8]:
    """One channel (size, size) of an image of one or several."""
    return image if image.ndim == 2 else np.rint(image.mean(axis=0)).astype(np.uint8)
