"""A hyperparameter search: how its trials did, one after the other, and which settings mattered."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from brainmri.figures import canvas
from brainmri.tuning.records import ImportanceRow, TrialRow

_TOP_IN: Final = 0.36
_HISTORY_IN: Final = 3.2
_BARS_IN: Final = 1.5
_NAMES_IN: Final = 1.35
_LEFT_IN: Final = 0.68
_HEIGHT_IN: Final = 2.3
_AXIS_IN: Final = 0.5
_LEGEND_IN: Final = 0.62


@canvas.house_style
def draw_search(trials: Sequence[TrialRow], importances: Sequence[ImportanceRow], source: str) -> Figure:
    """AUROC of each trial with the best so far, and the importance of each setting."""
    figure = canvas.new_figure((canvas.WIDTH_IN, _TOP_IN + _HEIGHT_IN + _AXIS_IN + _LEGEND_IN), source)
    history = canvas.place(figure, (_LEFT_IN, _TOP_IN), (_HISTORY_IN, _HEIGHT_IN))
    left_in = _LEFT_IN + _HISTORY_IN + 0.2 + _NAMES_IN
    bars = canvas.place(figure, (left_in, _TOP_IN), (_BARS_IN, _HEIGHT_IN))
    _draw_history(history, trials)
    _draw_importances(bars, importances)
    canvas.explain(figure, history, _AXIS_IN)
    return figure


def _draw_history(axes: Axes, trials: Sequence[TrialRow]) -> None:
    axes.set(title="Trials", xlabel="Trial", ylabel="Mean AUROC on its folds")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    scored = [row for row in trials if row.auroc is not None]
    complete = [row for row in scored if row.state == "complete"]
    pruned = [row for row in scored if row.state == "pruned"]
    if not scored:
        canvas.say_instead(axes, "no trial was scored")
        return
    for rows, color, marker, label in (
        (complete, canvas.BLUE, "o", "on all folds"),
        (pruned, canvas.VERMILION, "x", "pruned: on its first folds"),
    ):
        if rows:
            values = [row.auroc or 0.0 for row in rows]
            axes.plot([row.trial for row in rows], values, marker, color=color, markersize=5, label=label)
    if complete:
        best = list(accumulate((row.auroc or 0.0 for row in complete), max))
        numbers = [row.trial for row in complete]
        axes.step(numbers, best, where="post", color=canvas.INK, linewidth=1.2, label="best so far")


def _draw_importances(axes: Axes, importances: Sequence[ImportanceRow]) -> None:
    axes.set_title("What mattered")
    if not importances:
        canvas.say_instead(axes, "too few trials to say")
        return
    names = [canvas.shorten(row.setting, _NAMES_IN - 0.1, 8.0) for row in importances]
    axes.barh(range(len(names)), [row.importance for row in importances], color=canvas.BLUE, height=0.6)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlim=(0, 1), xlabel="Share of the differences\nexplained (fANOVA)")
    axes.invert_yaxis()
