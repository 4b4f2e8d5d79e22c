"""How a detector does on unseen phantoms: by size and kind of tumor, and while it learnt."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from brainmri.dataset.phantoms import SYNTHETIC
from brainmri.figures import canvas
from brainmri.learning.pretraining.records import PretrainRow
from brainmri.scoring.phantoms import Division, PhantomReport, TumorGroupRow

_TOP_IN: Final = 0.36
_AXIS_IN: Final = 0.5  # ticks and label below a panel
_LEFT_IN: Final = 0.6
_NAME_IN: Final = 1.9  # of a group, before its row
_ROW_IN: Final = 0.24
_PANEL_IN: Final = 2.4  # high
_LOSSES: Final = (
    ("cross_entropy", "tumor or none", canvas.BLUE, "-"),
    ("map_loss_eighth", "maps at 1/8", canvas.VERMILION, "--"),
    ("map_loss_sixteenth", "maps at 1/16", canvas.GRAY, ":"),
)


def draw_pretraining(
    report: PhantomReport, history: Sequence[PretrainRow], source: str, folder: Path
) -> None:
    """Both pictures, as PNG below `folder`; `source` is what of, in the small print."""
    figures = report.metrics["slice"]
    tested = (
        f"{figures['n']} unseen phantoms; each group, sizes as shares of the picture, against all without "
        f"tumor; {100 * figures['confidence']:g} % intervals. {source}"
    )
    canvas.save(draw_groups(report.groups, tested), folder / "groups.png")
    canvas.save(
        draw_course(history, f"means between two points; AUROC of unseen phantoms. {source}"),
        folder / "course.png",
    )


@canvas.house_style
def draw_groups(groups: Sequence[TumorGroupRow], source: str) -> Figure:
    """AUROC, and beside it sensitivity, of each group of tumors: a point and its interval a row."""
    rows_in = _ROW_IN * (len(groups) + 1)
    figure = canvas.new_figure((canvas.WIDTH_IN, _TOP_IN + rows_in + _AXIS_IN), source, warning=SYNTHETIC)
    width_in = (canvas.WIDTH_IN - _NAME_IN - 0.5) / 2
    panels = (("AUROC", "auroc", _NAME_IN), ("Sensitivity", "sensitivity", _NAME_IN + width_in + 0.25))
    places = _place_rows(groups)
    for title, name, left_in in panels:
        axes = canvas.place(figure, (left_in, _TOP_IN), (width_in, rows_in))
        axes.set(title=title, xlabel=title, ylim=(max(places, default=0.0) + 0.7, -0.7), yticks=[])
        _draw_points(axes, groups, name, places)
        if name == "auroc":
            axes.set_yticks(places, [_name(row) for row in groups])
    return figure


@canvas.house_style
def draw_course(history: Sequence[PretrainRow], source: str) -> Figure:
    """The losses, and beside them AUROC, against the pictures that were seen."""
    size_in = canvas.WIDTH_IN, _TOP_IN + _PANEL_IN + _AXIS_IN + 0.6
    figure = canvas.new_figure(size_in, source, warning=SYNTHETIC)
    width_in = (canvas.WIDTH_IN - 2 * _LEFT_IN - 0.2) / 2
    pictures = np.array([row.pictures for row in history])
    losses = canvas.place(figure, (_LEFT_IN, _TOP_IN), (width_in, _PANEL_IN))
    for name, title, color, stroke in _LOSSES:
        values = [getattr(row, name) for row in history]
        losses.plot(pictures, values, label=title, color=color, linestyle=stroke, linewidth=1.8)
    losses.set(title="Loss", ylabel="Mean loss of a picture", ylim=(0, None))
    watched = canvas.place(figure, (2 * _LEFT_IN + width_in, _TOP_IN), (width_in, _PANEL_IN))
    scored = [(row.pictures, row.valid_auroc) for row in history if row.valid_auroc is not None]
    watched.plot(*zip(*scored, strict=True), color=canvas.BLUE, marker="o", linewidth=1.8, markersize=3.5)
    watched.set(title="Unseen phantoms", ylabel="AUROC", ylim=(0.48, 1.01))
    for axes in (losses, watched):
        axes.set(xlabel="Pictures seen", xlim=(0, None))
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.xaxis.set_major_formatter(FuncFormatter(_count))
        canvas.explain(figure, axes, _AXIS_IN)
    return figure


def _place_rows(groups: Sequence[TumorGroupRow]) -> list[float]:
    """From the top, with a gap between the divisions."""
    return [number + 0.8 * (row.division is Division.KIND) for number, row in enumerate(groups)]


def _draw_points(axes: Axes, groups: Sequence[TumorGroupRow], name: str, places: Sequence[float]) -> None:
    ends: list[float] = []
    for row, place in zip(groups, places, strict=True):
        value, low, high = (getattr(row, f"{name}{part}") for part in ("", "_low", "_high"))
        color = canvas.BLUE if row.division is Division.SIZE else canvas.VERMILION
        if low is not None:
            axes.plot([low, high], [place, place], color=color, linewidth=1.6)
        axes.plot(value, place, color=color, marker="o", markersize=4.5, linestyle="none", clip_on=False)
        ends += [end for end in (value, low) if end is not None]
    axes.set_xlim(min([0.8, *ends]) - 0.02, 1.005)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.grid(axis="x", color=canvas.FAINT, linewidth=0.8)


def _name(row: TumorGroupRow) -> str:
    if row.division is Division.KIND:
        return f"{row.group.replace('_', ' ')} (n = {row.tumors})"
    return f"{100 * row.smallest_share:.1f} to {100 * row.largest_share:.1f} % (n = {row.tumors})"


def _count(value: float, _: int) -> str:
    """Of pictures, in thousands or millions."""
    if value < 1000:
        return f"{value:g}"
    return f"{value / 1e6:g} M" if value >= 1e6 else f"{value / 1e3:g} k"
