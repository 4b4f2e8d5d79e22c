"""What a network says of a slice, drawn for viewers of scans: light on black, all words in its pixels."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke
from numpy.typing import NDArray
from PIL import Image

from brainmri.figures import canvas
from brainmri.figures.heat import Heat, color
from brainmri.scans.sides import Sides

# All in pixels of the picture.
_SIDE_PX: Final = 512
_GAP_PX: Final = 16
_LINE_PX: Final = 30
_SMALL_LINE_PX: Final = 22
_WIDTH_PX: Final = 2 * _SIDE_PX + 3 * _GAP_PX

_DPI: Final = 100.0
# Of the width: letters that are fitted to pixels are a little wider than measured.
_FILLED: Final = 0.97
_TITLE_PT, _LINE_PT, _SMALL_PT = 20.0, 14.0, 10.5
_BLACK, _WHITE, _LIGHT = "#000000", "#FFFFFF", "#BFBFBF"


@dataclass(frozen=True)
class Words:
    """The warning on top, in capitals where it needs them, and the small print at the bottom."""

    warning: str
    source: str


@canvas.house_style
def draw_capture(item: Heat, sides: Sides | None, words: Words) -> NDArray[np.uint8]:
    """The slice and beside it the slice under its map, (rows, columns, 3), red, green and blue.

    Above them `words.warning` and the lines of the caption; `sides` are named at the edges where known.
    """
    above = [line for line in (item.caption.label, item.caption.case, item.caption.more) if line]
    width_in = _FILLED * (_WIDTH_PX - 2 * _GAP_PX) / _DPI
    below = canvas.wrap(words.source, width_in, _SMALL_PT)
    top = 2 * _GAP_PX + _LINE_PX * (1 + len(above))
    bottom = top + _SIDE_PX + _GAP_PX
    figure, axes = _open(bottom + _SMALL_LINE_PX * len(below) + _GAP_PX)
    _write(axes, _GAP_PX, words.warning, _TITLE_PT, color=canvas.YELLOW, fontweight="bold")
    for rank, line in enumerate(above):
        style = {"color": _WHITE} if line != item.caption.more else {"color": canvas.YELLOW}
        shown = canvas.shorten(line, width_in, _LINE_PT)
        _write(axes, _GAP_PX + _LINE_PX * (rank + 1) + _GAP_PX // 2, shown, _LINE_PT, **style)
    for rank, line in enumerate(below):
        _write(axes, bottom + _SMALL_LINE_PX * rank, line, _SMALL_PT, color=_LIGHT)
    _show_pair(axes, item, sides, top)
    return _paint(figure)


def _show_pair(axes: Axes, item: Heat, sides: Sides | None, top: int) -> None:
    gray = item.image if item.image.ndim == 2 else np.rint(item.image.mean(axis=0)).astype(np.uint8)
    large = _enlarge(gray, Image.Resampling.BICUBIC)
    heat = _enlarge(item.heat, Image.Resampling.BILINEAR)
    pictures = np.repeat(large[..., None], 3, axis=2), color(large, heat).transpose(1, 2, 0)
    for rank, picture in enumerate(pictures):
        left = _GAP_PX + rank * (_SIDE_PX + _GAP_PX)
        extent = (left, left + _SIDE_PX, top + _SIDE_PX, top)
        axes.imshow(picture, extent=extent, interpolation="nearest", aspect="auto")
        if sides is not None:
            _name_sides(axes, sides, left, top)
    if item.hottest is not None and item.heat.max() > 0:
        row, column = ((place + 0.5) * _SIDE_PX / len(gray) for place in item.hottest)
        _mark(axes, 2 * _GAP_PX + _SIDE_PX + column, top + row)


def _enlarge(image: NDArray[Any], method: Image.Resampling) -> NDArray[Any]:
    """(size, size) of whole or of real numbers, to the side of a panel."""
    return np.asarray(Image.fromarray(image).resize((_SIDE_PX, _SIDE_PX), method))


def _open(height: int) -> tuple[Figure, Axes]:
    """One panel over a black figure, whose unit is the pixel, counted from the upper left."""
    size_in = _WIDTH_PX / _DPI, height / _DPI
    figure = Figure(figsize=size_in, dpi=_DPI, facecolor=_BLACK)
    axes = canvas.place(figure, (0, 0), size_in)
    axes.set_axis_off()
    axes.set(xlim=(0, _WIDTH_PX), ylim=(height, 0), autoscale_on=False)
    return figure, axes


def _write(axes: Axes, top: int, text: str, size_pt: float, **style: Any) -> None:
    axes.text(_GAP_PX, top, text, fontsize=size_pt, va="top", **style)


def _name_sides(axes: Axes, sides: Sides, left: int, top: int) -> None:
    """A letter inside each edge."""
    middle, inside = _SIDE_PX / 2, _GAP_PX
    places = {
        sides.left: (inside, middle),
        sides.right: (_SIDE_PX - inside, middle),
        sides.top: (middle, inside),
        sides.bottom: (middle, _SIDE_PX - inside),
    }
    for letter, (across, down) in places.items():
        name = axes.text(left + across, top + down, letter, fontsize=_LINE_PT, color=_WHITE)
        name.set(ha="center", va="center", path_effects=[Stroke(linewidth=3, foreground=_BLACK), Normal()])


def _mark(axes: Axes, across: float, down: float) -> None:
    (cross,) = axes.plot([across], [down], marker="+", markersize=16, markeredgewidth=2, color=_WHITE)
    cross.set_path_effects([Stroke(linewidth=5, foreground=_BLACK), Normal()])


def _paint(figure: Figure) -> NDArray[np.uint8]:
    drawn = FigureCanvasAgg(figure)
    drawn.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(drawn.buffer_rgba())  # type: ignore[no-untyped-call]
    return np.ascontiguousarray(pixels[..., :3])
