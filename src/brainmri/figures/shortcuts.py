"""The network beside the baselines that see headers, frames, thumbnails or histograms alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from brainmri.figures import canvas
from brainmri.figures.curves import UNDEFINED, Interval

_TOP_IN: Final = 0.36
_ROW_IN: Final = 0.24
_NAMES_IN: Final = 1.55
_GAP_IN: Final = 0.3
_AXIS_IN: Final = 0.66
_QUARTERS: Final = (0, 0.25, 0.5, 0.75, 1)


@dataclass(frozen=True)
class Contender:
    """What was scored on the same cases: the network or a baseline; None where a figure is undefined."""

    name: str
    auroc: Interval | None
    accuracy: Interval | None


@canvas.house_style
def draw_shortcuts(network: Contender, baselines: Sequence[Contender], source: str) -> Figure:
    """AUROC and accuracy with their intervals, the network on top."""
    rows = [network, *baselines]
    height_in = _TOP_IN + _ROW_IN * (len(rows) + 0.5) + _AXIS_IN
    figure = canvas.new_figure((canvas.WIDTH_IN, height_in), source)
    width_in = (canvas.WIDTH_IN - _NAMES_IN - _GAP_IN - 0.2) / 2
    areas, shares = (
        canvas.place(
            figure,
            (_NAMES_IN + place * (width_in + _GAP_IN), _TOP_IN),
            (width_in, _ROW_IN * (len(rows) + 0.5)),
        )
        for place in (0, 1)
    )
    _draw_panel(areas, [row.auroc for row in rows])
    _draw_panel(shares, [row.accuracy for row in rows])
    areas.axvline(0.5, color=canvas.GRAY, linewidth=1, linestyle="--", zorder=0)
    level = _name_level(rows)
    areas.set(title="AUROC", xlabel=f"{level}gray: the network's; dashed: chance")
    shares.set(title="Accuracy", xlabel=f"{level}gray: the network's")
    names = [canvas.shorten(row.name, _NAMES_IN - 0.25, canvas.TEXT_PT) for row in rows]
    areas.set_yticks(range(len(rows)), names, fontsize=canvas.TEXT_PT)
    areas.get_yticklabels()[0].set_fontweight("bold")
    shares.set_yticks(range(len(rows)), [""] * len(rows))
    return figure


def _name_level(rows: Sequence[Contender]) -> str:
    """That of the intervals, which all contenders share; nothing where there is no interval."""
    values = [value for row in rows for value in (row.auroc, row.accuracy) if value is not None]
    levels = [f"with {100 * value.confidence:g} % interval\n" for value in values if value.low is not None]
    return next(iter(levels), "")


def _draw_panel(axes: Axes, values: Sequence[Interval | None]) -> None:
    axes.set(xlim=(-0.02, 1.02), ylim=(len(values) - 0.25, -0.75), xticks=_QUARTERS)
    axes.tick_params(axis="y", length=0)
    for row, value in enumerate(values):
        color = canvas.VERMILION if row else canvas.BLUE
        if value is None:
            axes.text(0.02, row, UNDEFINED, va="center", color=canvas.GRAY, fontsize=canvas.SMALL_PT)
            continue
        if row == 0:
            axes.axvline(value.value, color=canvas.FAINT, linewidth=1, zorder=0)
        if value.low is not None and value.high is not None:
            axes.hlines(row, value.low, value.high, color=color, linewidth=1.8)
        marker = "D" if row else "o"
        axes.plot(value.value, row, marker=marker, color=color, markersize=5.5, clip_on=False)
