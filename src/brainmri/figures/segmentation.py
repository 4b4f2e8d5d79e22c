"""How well tumors are outlined: Dice of each patient, and against the tumor's size."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from brainmri.figures import canvas
from brainmri.scoring.overlap import PatientOverlap

_LEFT_IN: Final = 0.6
_TOP_IN: Final = 0.36
_PANEL_IN: Final = 2.6
_AXIS_IN: Final = 0.5
_LEGEND_IN: Final = 0.45


@canvas.house_style
def draw_patients(patients: Sequence[PatientOverlap], figures: Mapping[str, Any], source: str) -> Figure:
    """Left each patient's Dice from worst to best, with mean and median; right against the tumor's size."""
    figure = canvas.new_figure((canvas.WIDTH_IN, _TOP_IN + _PANEL_IN + _AXIS_IN + _LEGEND_IN), source)
    width_in = (canvas.WIDTH_IN - 2 * _LEFT_IN - 0.2) / 2
    ranks, sizes = (
        canvas.place(figure, (_LEFT_IN + place * (_LEFT_IN + width_in), _TOP_IN), (width_in, _PANEL_IN))
        for place in (0, 1)
    )
    known = [row for row in patients if row.dice is not None]
    ranks.set(title="Dice per patient", xlabel="Patients, from worst to best", ylabel="Dice")
    sizes.set(title="Dice and size of the tumor", xlabel="Tumor, pixels a slice that shows it", ylabel="Dice")
    for axes in (ranks, sizes):
        axes.set_ylim(-0.02, 1.02)
    if not known:
        for axes in (ranks, sizes):
            canvas.say_instead(axes, "no patient with tumor")
        return figure
    dices = np.sort([row.dice or 0.0 for row in known])
    ranks.plot(
        np.arange(1, len(dices) + 1), dices, linestyle="none", marker="o", markersize=4.5, clip_on=False
    )
    ranks.lines[0].set_color(canvas.BLUE)
    ranks.locator_params(axis="x", integer=True)
    _mark(ranks, figures, "dice_per_patient_mean", "mean", "-")
    _mark(ranks, figures, "dice_per_patient_median", "median", "--")
    canvas.explain(figure, ranks, _AXIS_IN)
    size = [row.tumor_px / row.tumor_slices for row in known]
    sizes.set_xscale("log")
    for axis in (sizes.xaxis.set_major_formatter, sizes.xaxis.set_minor_formatter):
        axis(FuncFormatter(_write_number))
    style: canvas.Style = {"linestyle": "none", "marker": "o", "markersize": 4.5, "color": canvas.BLUE}
    sizes.plot(size, [row.dice or 0.0 for row in known], clip_on=False, **style)
    return figure


def _mark(axes: Axes, figures: Mapping[str, Any], key: str, name: str, stroke: str) -> None:
    found = figures.get(key)
    if found is None:
        return
    reach = f" ({found['low']:.2f} to {found['high']:.2f})" if "low" in found else ""
    label = f"{name} {found['value']:.2f}{reach}"
    axes.axhline(
        found["value"], color=canvas.VERMILION, linewidth=1.3, linestyle=stroke, label=label, zorder=0
    )


def _write_number(value: float, _: int) -> str:
    """1, 2 and 5 times a power of ten; others would run into one another."""
    digit = f"{value:.0e}"[0]
    return f"{value:,.0f}" if digit in "125" else ""
