"""Where a network looks, over the slice that it looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from brainmri.figures import canvas, sheet, tiles

# Of the hottest place; colder ones let more of the slice through.
_OPACITY: Final = 0.65
# Rises evenly in lightness: read with every kind of color vision, and in gray.
_COLORS: Final = "inferno"
_PAIRS: Final = 3


@dataclass(frozen=True)
class Heat:
    """A slice, its map (size, size) of at most 1, its hottest point (row, column), and what stands above."""

    image: tiles.Image
    heat: NDArray[np.float32]
    hottest: tuple[int, int] | None
    caption: sheet.Caption


def color(image: tiles.Image, heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The slice in gray under the colors of what is above 0 in its map; (3, size, size)."""
    heat = heat.clip(0)
    gray = image if image.ndim == 2 else image.mean(axis=0)
    colors = mpl.colormaps[_COLORS](heat)[..., :3].transpose(2, 0, 1)
    opacity = _OPACITY * heat
    mixed: NDArray[np.uint8] = np.rint((1 - opacity) * gray + 255 * opacity * colors).astype(np.uint8)
    return mixed


@canvas.house_style
def draw_heat(heats: Sequence[Heat], source: str) -> Figure:
    """Each slice twice, plain and under its map, a cross on its hottest point if given."""
    captions = [item.caption for item in heats]
    columns = 2 * min(_PAIRS, max(1, len(heats)))
    drawn = tiles.new_sheet(
        tiles.Grid(2 * len(heats), columns, sheet.measure_captions(captions)), source, outlined=False
    )
    for number, item in enumerate(heats):
        tiles.show(drawn, 2 * number, item.image, None)
        tiles.show(drawn, 2 * number + 1, color(item.image, item.heat), None)
        if item.hottest is not None and item.heat.max() > 0:
            tiles.mark(drawn, 2 * number + 1, item.hottest, item.heat.shape[-1])
        sheet.write_caption(drawn, 2 * number, item.caption)
    return drawn.figure
