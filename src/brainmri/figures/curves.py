"""How well scores rank the cases: ROC and precision-recall curves, side by side."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from brainmri.figures import canvas

Floats = NDArray[np.floating]

UNDEFINED: Final = "undefined: one class only"

_TOP_IN: Final = 0.36
_LEFT_IN: Final = 0.6
_SIDE_IN: Final = 2.85
_AXIS_IN: Final = 0.5
_LEGEND_IN: Final = 0.78


@dataclass(frozen=True)
class Interval:
    """A value, 0 to 1, with the ends of its interval at `confidence`, None where it has none."""

    value: float
    confidence: float
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        """As a legend says it."""
        ends = (
            ""
            if self.low is None or self.high is None
            else f" ({100 * self.confidence:g} % CI {self.low:.2f} to {self.high:.2f})"
        )
        return f"{self.value:.2f}{ends}"


@dataclass(frozen=True)
class Ranking:
    """Both curves of one set of scores; shares are 0 to 1.

    `false_positive_rate` and `sensitivity` (points,) rise from 0 to 1. `recall` and `precision`
    (points,) in scikit-learn's order, from recall 1 down to 0.
    """

    false_positive_rate: Floats
    sensitivity: Floats
    roc_area: Interval
    recall: Floats
    precision: Floats
    precision_recall_area: Interval
    prevalence: float


@dataclass(frozen=True)
class OperatingPoint:
    """Where decisions are made; shares are 0 to 1, `precision` is None where nothing was called positive."""

    threshold: float
    sensitivity: float
    specificity: float
    precision: float | None

    def __str__(self) -> str:
        """As a legend says it."""
        return f"operating point: threshold {self.threshold:.2f}"


@canvas.house_style
def draw_curves(ranking: Ranking | None, point: OperatingPoint | None, source: str) -> Figure:
    """The curves with area, chance and operating point; no ranking where all cases are of one class."""
    height_in = _TOP_IN + _SIDE_IN + _AXIS_IN + _LEGEND_IN
    figure = canvas.new_figure((canvas.WIDTH_IN, height_in), source)
    roc = canvas.place(figure, (_LEFT_IN, _TOP_IN), (_SIDE_IN, _SIDE_IN))
    roc.set(title="ROC curve", xlabel="1 − specificity", ylabel="Sensitivity")
    right_in = canvas.WIDTH_IN - 0.15 - _SIDE_IN
    precision = canvas.place(figure, (right_in, _TOP_IN), (_SIDE_IN, _SIDE_IN))
    precision.set(title="Precision-recall curve", xlabel="Recall (sensitivity)", ylabel="Precision")
    for axes in (roc, precision):
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xticks=_FIFTHS, yticks=_FIFTHS)
        if ranking is None:
            canvas.say_instead(axes, UNDEFINED)
    if ranking is not None:
        _draw_roc(figure, roc, ranking, point)
        _draw_precision(figure, precision, ranking, point)
    return figure


_FIFTHS: Final = (0, 0.2, 0.4, 0.6, 0.8, 1)
_CURVE: Final[canvas.Style] = {"color": canvas.BLUE, "linewidth": 1.8, "clip_on": False}
_CHANCE: Final[canvas.Style] = {"color": canvas.GRAY, "linewidth": 1.2, "linestyle": "--"}
_POINT: Final[canvas.Style] = {
    "color": canvas.VERMILION,
    "linestyle": "none",
    "marker": "D",
    "markersize": 7,
    "markeredgecolor": canvas.INK,
    "clip_on": False,
    "zorder": 3,
}


def _draw_roc(figure: Figure, axes: Axes, ranking: Ranking, point: OperatingPoint | None) -> None:
    axes.plot(ranking.false_positive_rate, ranking.sensitivity, label=f"area {ranking.roc_area}", **_CURVE)
    axes.plot([0, 1], [0, 1], label="chance: area 0.50", **_CHANCE)
    if point:
        name = f"{point}\nsensitivity {point.sensitivity:.2f}, specificity {point.specificity:.2f}"
        axes.plot(1 - point.specificity, point.sensitivity, label=name, **_POINT)
    canvas.explain(figure, axes, _AXIS_IN)


def _draw_precision(figure: Figure, axes: Axes, ranking: Ranking, point: OperatingPoint | None) -> None:
    name = f"area {ranking.precision_recall_area}"
    axes.plot(ranking.recall, ranking.precision, drawstyle="steps-post", label=name, **_CURVE)
    prevalence = ranking.prevalence
    axes.plot([0, 1], [prevalence, prevalence], label=f"chance: prevalence {prevalence:.2f}", **_CHANCE)
    if point and point.precision is not None:
        name = f"{point}\nrecall {point.sensitivity:.2f}, precision {point.precision:.2f}"
        axes.plot(point.sensitivity, point.precision, label=name, **_POINT)
    canvas.explain(figure, axes, _AXIS_IN)
