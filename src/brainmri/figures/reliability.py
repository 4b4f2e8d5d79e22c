"""The reliability diagram: whether 0.8 means eight of ten."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from brainmri.figures import canvas

Floats = NDArray[np.floating]

_LEFT_IN: Final = 0.7
_TOP_IN: Final = 0.36
_SIDE_IN: Final = 3.4
_GAP_IN: Final = 0.3
_COUNTS_IN: Final = 0.9
_AXIS_IN: Final = 0.5
_LEGEND_IN: Final = 1.0
_MOST_NUMBERS: Final = 12  # bins whose counts find room above their bars
_FIFTHS: Final = (0, 0.2, 0.4, 0.6, 0.8, 1)


_BEFORE: Final[canvas.Style] = {
    "color": canvas.VERMILION,
    "linestyle": "none",
    "marker": "x",
    "markersize": 5,
    "clip_on": False,
}


@dataclass(frozen=True)
class Bins:
    """Cases grouped by predicted probability.

    `edges` (bins + 1,) rise, 0 to 1; `count` (bins,). `predicted`, the mean probability, and
    `observed`, the share of positive cases, are (bins,), 0 to 1, and NaN where a bin is empty.
    `low` and `high` (bins,) are the interval of `observed` at the level `confidence`, NaN where there is
    none; `error` is the expected calibration error, None where undefined.
    """

    edges: Floats
    count: NDArray[np.integer]
    predicted: Floats
    observed: Floats
    low: Floats
    high: Floats
    confidence: float
    error: float | None


@dataclass(frozen=True)
class Before:
    """The filled bins of the same cases before calibration: mean probability and observed share (filled,)."""

    predicted: Floats
    observed: Floats
    error: float


@canvas.house_style
def draw_reliability(bins: Bins, before: Before, source: str) -> Figure:
    """Observed share against mean predicted probability, and below it the cases in each bin."""
    height_in = _TOP_IN + _SIDE_IN + _GAP_IN + _COUNTS_IN + _AXIS_IN + _LEGEND_IN
    figure = canvas.new_figure((_LEFT_IN + _SIDE_IN + 0.3, height_in), source)
    axes = canvas.place(figure, (_LEFT_IN, _TOP_IN), (_SIDE_IN, _SIDE_IN))
    axes.set(title="Reliability", ylabel="Observed share of positive cases")
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xticks=_FIFTHS, yticks=_FIFTHS)
    axes.tick_params(labelbottom=False)
    counts = canvas.place(figure, (_LEFT_IN, _TOP_IN + _SIDE_IN + _GAP_IN), (_SIDE_IN, _COUNTS_IN))
    counts.set(xlim=(-0.02, 1.02), xticks=_FIFTHS, xlabel="Mean predicted probability", ylabel="Cases")
    filled = bins.count > 0
    if not filled.any():
        canvas.say_instead(axes, "no cases")
        counts.set_yticks([])
        return figure
    axes.plot([0, 1], [0, 1], color=canvas.GRAY, linewidth=1.2, linestyle="--", label="perfect calibration")
    name = f"before calibration: error {before.error:.3f}"
    axes.plot(before.predicted, before.observed, label=name, **_BEFORE)
    _draw_points(axes, bins, filled)
    _draw_counts(counts, bins)
    canvas.explain(figure, axes, _GAP_IN + _COUNTS_IN + _AXIS_IN)
    return figure


def _draw_points(axes: Axes, bins: Bins, filled: NDArray[np.bool_]) -> None:
    """A point a bin with its interval; no line through them, as each is of other cases."""
    sure = filled & np.isfinite(bins.low) & np.isfinite(bins.high)
    error = "" if bins.error is None else f", expected calibration error {bins.error:.3f}"
    count = int(filled.sum())
    name = f"observed in {count} {'bin' if count == 1 else 'bins'}{error}"
    style: canvas.Style = {"color": canvas.BLUE, "linestyle": "none", "marker": "o", "clip_on": False}
    axes.plot(bins.predicted[filled], bins.observed[filled], label=name, **style)
    if sure.any():
        ends = bins.low[sure], bins.high[sure]
        level = f"{100 * bins.confidence:g} % interval"
        axes.vlines(bins.predicted[sure], *ends, color=canvas.BLUE, linewidth=1.4, label=level)
    alone = filled & ~sure
    if alone.any():
        style |= {"markerfacecolor": "white", "label": "of one group: no interval"}
        axes.plot(bins.predicted[alone], bins.observed[alone], **style)


def _draw_counts(axes: Axes, bins: Bins) -> None:
    style: canvas.Style = {"color": canvas.FAINT, "edgecolor": canvas.GRAY, "linewidth": 0.8}
    bars = axes.bar(bins.edges[:-1], bins.count, width=np.diff(bins.edges), align="edge", **style)
    if len(bins.count) <= _MOST_NUMBERS:
        axes.bar_label(bars, [f"{count:,}" for count in bins.count], fontsize=canvas.SMALL_PT, padding=1)
        axes.set_yticks([])
    axes.set_ylim(0, 1.3 * bins.count.max())
