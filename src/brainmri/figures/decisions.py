"""What decisions by the network are worth: the decision curve, and the error of those it is sure of."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from brainmri.figures import canvas
from brainmri.scoring.decisions import BenefitRow, CoverageRow

_TOP_IN: Final = 0.36
_LEFT_IN: Final = 0.68
_SIDE_IN: Final = 2.75
_HEIGHT_IN: Final = 2.4
_AXIS_IN: Final = 0.66
_LEGEND_IN: Final = 0.84


@canvas.house_style
def draw_decisions(
    benefits: Sequence[BenefitRow], coverages: Sequence[CoverageRow], confidence: float, source: str
) -> Figure:
    """Net benefit against that of calling all or none positive; error against the share decided."""
    height_in = _TOP_IN + _HEIGHT_IN + _AXIS_IN + _LEGEND_IN
    figure = canvas.new_figure((canvas.WIDTH_IN, height_in), source)
    left = canvas.place(figure, (_LEFT_IN, _TOP_IN), (_SIDE_IN, _HEIGHT_IN))
    right_in = canvas.WIDTH_IN - 0.15 - _SIDE_IN
    right = canvas.place(figure, (right_in, _TOP_IN), (_SIDE_IN, _HEIGHT_IN))
    level = f"{100 * confidence:g} % interval"
    _draw_benefit(left, benefits, level)
    _draw_coverage(right, coverages, level)
    for axes in (left, right):
        canvas.explain(figure, axes, _AXIS_IN)
    return figure


def _draw_benefit(axes: Axes, rows: Sequence[BenefitRow], level: str) -> None:
    threshold = np.array([row.threshold for row in rows])
    network, everyone = np.array([(row.network, row.call_all) for row in rows]).T
    if all(row.low is not None for row in rows):
        low, high = np.array([(row.low, row.high) for row in rows], np.float64).T
        axes.fill_between(threshold, low, high, color=canvas.BLUE, alpha=0.18, linewidth=0, label=level)
    axes.plot(threshold, network, color=canvas.BLUE, linewidth=1.8, label="network")
    axes.plot(
        threshold, everyone, color=canvas.VERMILION, linewidth=1.4, linestyle="-.", label="call all positive"
    )
    axes.axhline(0, color=canvas.GRAY, linewidth=1.2, linestyle="--", label="call none")
    top = max(float(network.max()), float(everyone.max()), 0.05, *(row.high or 0.0 for row in rows))
    axes.set(
        title="Decision curve",
        xlabel="Threshold probability\n(what a false alarm may cost)",
        ylabel="Net benefit a case",
        xlim=(0, 1),
        ylim=(-0.35 * top, 1.05 * top),
    )


def _draw_coverage(axes: Axes, rows: Sequence[CoverageRow], level: str) -> None:
    coverage, error = np.array([(row.coverage, row.error) for row in rows]).T
    sure = [row for row in rows if row.low is not None]
    if sure:
        ends = np.array([(row.coverage, row.low, row.high) for row in sure], np.float64).T
        axes.fill_between(*ends, color=canvas.BLUE, alpha=0.18, linewidth=0, label=level)
    axes.plot(coverage, error, color=canvas.BLUE, linewidth=1.8, marker="o", markersize=3, label="network")
    most = max([*error, *(row.high for row in sure if row.high is not None), 0.1])
    axes.set(
        title="Error of the surest decisions",
        xlabel="Share decided by the network\n(the rest is left to a person)",
        ylabel="Share of wrong decisions",
        xlim=(0, 1.02),
        ylim=(-0.02 * most, min(1.0, 1.05 * most)),
    )
