"""How training went: the search for a learning rate, and the losses epoch by epoch."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator
from numpy.typing import NDArray

from brainmri.figures import canvas

Floats = NDArray[np.floating]

_LEFT_IN: Final = 0.6
_TOP_IN: Final = 0.36
_AXIS_IN: Final = 0.5  # ticks and label below a panel
_PANEL_IN: Final = 2.4  # high


@dataclass(frozen=True)
class Suggestion:
    """The learning rate that a rule, named as the reader knows it, read off the curve."""

    rule: str
    lr: float


@dataclass(frozen=True)
class History:
    """One figure an epoch, each (epochs,); NaN where none was taken.

    `epoch` as the tables count it; `train_size` the pixels a side of what was trained on; `watched` 0 to 1,
    of the validation set, and `watched_name` and `watched_unit` what it is; `best` is one of `epoch`, None
    where none was chosen.
    """

    epoch: NDArray[np.integer]
    train_size: NDArray[np.integer]
    train_loss: Floats
    valid_loss: Floats
    watched: Floats
    watched_name: str
    watched_unit: str
    best: int | None


@canvas.house_style
def draw_lr_search(lr: Floats, loss: Floats, suggestion: Suggestion | None, source: str) -> Figure:
    """Loss (steps,) against learning rate (steps,) on a log axis, with the suggestion marked and named."""
    figure = _new_figure(source, legend_in=0.28)
    axes = canvas.place(figure, (_LEFT_IN, _TOP_IN), (canvas.WIDTH_IN - _LEFT_IN - 0.2, _PANEL_IN))
    axes.set(title="Learning-rate search", xlabel="Learning rate (log scale)", ylabel="Training loss")
    shown = np.isfinite(loss) & np.isfinite(lr) & (lr > 0)
    if not shown.any():
        canvas.say_instead(axes, "no finite loss")
        return figure
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(numticks=12))
    axes.xaxis.set_major_formatter(FuncFormatter(_power_of_ten))
    axes.plot(
        lr[shown], loss[shown], color=canvas.BLUE, linewidth=1.8, marker="o" if shown.sum() == 1 else ""
    )
    _limit(axes, loss[shown])
    if suggestion:
        at = float(np.interp(suggestion.lr, lr[shown], loss[shown]))
        _mark(axes, suggestion.lr, at, f"{suggestion.rule}: learning rate {suggestion.lr:.2g}")
    canvas.explain(figure, axes, _AXIS_IN)
    return figure


@canvas.house_style
def draw_history(history: History, source: str) -> Figure:
    """Losses and, beside them, what is watched against the epoch, with the best epoch marked."""
    figure = _new_figure(source, legend_in=0.84)
    width_in = (canvas.WIDTH_IN - 2 * _LEFT_IN - 0.2) / 2
    losses = canvas.place(figure, (_LEFT_IN, _TOP_IN), (width_in, _PANEL_IN))
    losses.set(title="Loss", ylabel="Mean loss of a case")
    training = _Line("training (running average)", canvas.VERMILION, "--", "s")
    _draw_line(losses, history.epoch, history.train_loss, training)
    _draw_line(losses, history.epoch, history.valid_loss, _Line("validation", canvas.BLUE, "-", "o"))
    watched = canvas.place(figure, (2 * _LEFT_IN + width_in, _TOP_IN), (width_in, _PANEL_IN))
    watched.set(title=history.watched_name, ylabel=history.watched_unit)
    _draw_line(watched, history.epoch, history.watched, _Line("validation", canvas.BLUE, "-", "o"))
    for axes, values in ((losses, history.valid_loss), (watched, history.watched)):
        axes.set(xlabel="Epoch", xlim=_reach(history.epoch))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        _shade_small(axes, history)
        _mark_best(axes, history, values)
        canvas.explain(figure, axes, _AXIS_IN)
    losses.set_ylim(0, 1.04 * losses.get_ylim()[1])
    watched.set_ylim(0, 1.02)
    return figure


@dataclass(frozen=True)
class _Line:
    name: str
    color: str
    stroke: str
    marker: str


def _new_figure(source: str, legend_in: float) -> Figure:
    return canvas.new_figure((canvas.WIDTH_IN, _TOP_IN + _PANEL_IN + _AXIS_IN + legend_in), source)


def _draw_line(axes: Axes, epoch: NDArray[np.integer], values: Floats, line: _Line) -> None:
    taken = np.isfinite(values)
    if not taken.any():
        return
    style: canvas.Style = {"color": line.color, "linestyle": line.stroke, "marker": line.marker}
    axes.plot(epoch[taken], values[taken], linewidth=1.8, markersize=3.5, label=line.name, **style)


def _reach(epoch: NDArray[np.integer]) -> tuple[float, float]:
    """A little wider than the epochs, also where there is one or none."""
    low, high = (float(epoch.min()), float(epoch.max())) if len(epoch) else (0.0, 0.0)
    margin = max(0.5, 0.03 * (high - low))
    return low - margin, high + margin


def _shade_small(axes: Axes, history: History) -> None:
    """The epochs that trained on smaller images than the last: a training loss there is of another task."""
    small = history.epoch[history.train_size < history.train_size[-1:]]
    if len(small):
        name = f"trained on {history.train_size[0]} px, then on {history.train_size[-1]} px"
        axes.axvspan(
            small[0] - 0.5, small[-1] + 0.5, color=canvas.FAINT, alpha=0.5, linewidth=0, zorder=0, label=name
        )


def _mark_best(axes: Axes, history: History, values: Floats) -> None:
    reached = values[(history.epoch == history.best) & np.isfinite(values)]
    if history.best is not None and len(reached):
        _mark(axes, history.best, float(reached[0]), f"best epoch {history.best}: {reached[0]:.2f}")
    if not axes.lines:
        canvas.say_instead(axes, "no finite values")


def _mark(axes: Axes, x: float, y: float, name: str) -> None:
    axes.axvline(x, color=canvas.GRAY, linewidth=1, linestyle=":")
    style: canvas.Style = {"marker": "D", "markeredgecolor": canvas.INK, "markeredgewidth": 1.5}
    axes.plot(x, y, linestyle="none", color="white", markersize=7, zorder=3, label=name, **style)


def _limit(axes: Axes, loss: Floats) -> None:
    """From 0 to twice the usual loss: what diverges beyond runs out of the frame, and that is said."""
    top = min(float(loss.max()), 2 * float(np.median(loss)))
    axes.set_ylim(0, 1.08 * top if top > 0 else 1)
    if loss.max() > top:
        note = f"runs out of the frame, up to {loss.max():.3g}"
        style: canvas.Style = {"fontsize": canvas.SMALL_PT, "color": canvas.GRAY}
        axes.text(1, 1.02, note, transform=axes.transAxes, ha="right", va="bottom", **style)


def _power_of_ten(value: float, _: int) -> str:
    exponent = f"{np.log10(value):.0f}"
    return "10" + exponent.translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
