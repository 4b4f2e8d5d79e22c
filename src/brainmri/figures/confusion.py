"""The confusion matrix: how many cases of each class were called what."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from brainmri.figures import canvas

Counts = NDArray[np.integer]
"""(actual classes, predicted classes)."""

_TOP_IN: Final = 0.38
_SIDE_IN: Final = 3.2
_AXIS_IN: Final = 0.56
_MOST_NAME_IN: Final = 1.6
_SLANT: Final = 30.0  # degrees, of column names wider than their columns
_SLOPE: Final = 0.5  # its sine
_SHARES: Final = LinearSegmentedColormap.from_list("shares", ["white", canvas.BLUE])
_WHOLE: Final = Normalize(0, 1)
_NO_CASES: Final = "no cases"


@canvas.house_style
def draw_confusion(counts: Counts, classes: Sequence[str], source: str) -> Figure:
    """Each cell holds its count and its share of the row, and the share alone gives its color.

    `classes` names the rows and columns; up to six stay legible.
    """
    names = [canvas.shorten(name, _MOST_NAME_IN, canvas.TEXT_PT) for name in classes]
    longest_in = max([0.6, *(canvas.measure(name, canvas.TEXT_PT) for name in names)])
    slanted = longest_in > _SIDE_IN / max(1, len(names)) - 0.06
    left_in = longest_in + 0.45
    height_in = _TOP_IN + _SIDE_IN + _AXIS_IN + (longest_in * _SLOPE if slanted else 0)
    figure = canvas.new_figure((left_in + _SIDE_IN + 1.1, height_in), source)
    axes = canvas.place(figure, (left_in, _TOP_IN), (_SIDE_IN, _SIDE_IN))
    axes.set_title("Confusion matrix")
    if not names:
        canvas.say_instead(axes, _NO_CASES)
        return figure
    totals = counts.sum(axis=1)
    axes.imshow(counts / np.maximum(totals, 1)[:, None], cmap=_SHARES, norm=_WHOLE)
    _name_axes(axes, names, totals, slanted=slanted)
    for cell, count in np.ndenumerate(counts):
        _fill(axes, cell, int(count), int(totals[cell[0]]))
    _add_scale(figure, (left_in + _SIDE_IN + 0.15, _TOP_IN))
    return figure


def _name_axes(axes: Axes, names: Sequence[str], totals: Counts, *, slanted: bool) -> None:
    places = np.arange(len(names))
    rows = [f"{name}\nn = {total:,}" for name, total in zip(names, totals, strict=True)]
    slant: canvas.Style = {"rotation": _SLANT, "ha": "right", "rotation_mode": "anchor"} if slanted else {}
    axes.set_xticks(places, names, fontsize=canvas.TEXT_PT, **slant)
    axes.set_yticks(places, rows, fontsize=canvas.TEXT_PT)
    axes.set_xticks(places[1:] - 0.5, minor=True)
    axes.set_yticks(places[1:] - 0.5, minor=True)
    axes.grid(which="minor", color=canvas.GRAY, linewidth=0.8)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(True)
    axes.set_xlabel("Predicted", fontweight="bold")
    axes.set_ylabel("Actual", fontweight="bold")


def _fill(axes: Axes, cell: tuple[int, ...], count: int, total: int) -> None:
    row, column = cell
    color = "white" if count > 0.6 * total else canvas.INK
    style: canvas.Style = {"xycoords": "data", "textcoords": "offset points", "ha": "center", "color": color}
    classes = round(axes.get_ylim()[0] + 0.5)
    size_pt = {1: 18, 2: 18, 3: 15, 4: 12}.get(classes, 10)
    axes.annotate(f"{count:,}", (column, row), (0, 1), fontsize=size_pt, fontweight="bold", **style)
    whole = f" of {total:,}" if classes < 4 else ""
    rate = f"{_say_share(count, total)}{whole}" if total else _NO_CASES
    axes.annotate(rate, (column, row), (0, -12), fontsize=8, **style)


def _say_share(count: int, total: int) -> str:
    """A percentage that is 0 or 100 only where it is exact."""
    percent = f"{count / total:.0%}"
    if percent == "0%" and count:
        percent = "< 1%"
    elif percent == "100%" and count < total:
        percent = "> 99%"
    return percent.replace("%", " %")


def _add_scale(figure: Figure, corner_in: tuple[float, float]) -> None:
    axes = canvas.place(figure, corner_in, (0.12, _SIDE_IN))
    bar = figure.colorbar(ScalarMappable(_WHOLE, _SHARES), cax=axes, ticks=[0, 0.25, 0.5, 0.75, 1])
    bar.ax.set_yticklabels(["0 %", "25 %", "50 %", "75 %", "100 %"])
    bar.outline.set_linewidth(0.6)
    bar.set_label("Share of the row (actual class)")
