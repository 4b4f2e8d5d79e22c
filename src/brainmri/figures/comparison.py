"""Arms and baselines beside one another: areas, and differences from the first arm, with intervals."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from brainmri.figures import canvas
from brainmri.figures.curves import UNDEFINED
from brainmri.scoring.comparison_table import list_rows

_TOP_IN: Final = 0.36
_ROW_IN: Final = 0.27
_NAMES_IN: Final = 2.35
_GAP_IN: Final = 0.3
_AXIS_IN: Final = 0.72


@canvas.house_style
def draw_comparison(report: Mapping[str, Any], source: str) -> Figure:
    """AUROC within folds of every row of the report, and its difference from the first arm's."""
    rows = list_rows(report)
    height_in = _TOP_IN + _ROW_IN * (len(rows) + 0.5) + _AXIS_IN
    figure = canvas.new_figure((canvas.WIDTH_IN, height_in), source)
    width_in = (canvas.WIDTH_IN - _NAMES_IN - _GAP_IN - 0.2) / 2
    areas, differences = (
        canvas.place(
            figure,
            (_NAMES_IN + place * (width_in + _GAP_IN), _TOP_IN),
            (width_in, _ROW_IN * (len(rows) + 0.5)),
        )
        for place in (0, 1)
    )
    colors = [canvas.VERMILION if "sees" in own else canvas.BLUE for own in rows.values()]
    values = [own.get("auroc_within_folds") for own in rows.values()]
    _draw_rows(areas, values, colors)
    lowest = min([0.5, *(own["low"] for own in values if own and "low" in own)])
    areas.axvline(0.5, color=canvas.GRAY, linewidth=1, linestyle="--", zorder=0)
    level = f"with {100 * report['confidence']:g} % interval"
    areas.set(title="AUROC within folds", xlabel=f"{level}\ndashed: chance", xlim=(lowest - 0.03, 1.02))
    found = [own.get("against_first", {}).get("auroc_difference") for own in rows.values()]
    _draw_rows(differences, found, colors, first=list(rows).index(report["first"]))
    differences.axvline(0, color=canvas.GRAY, linewidth=1, linestyle="--", zorder=0)
    differences.set(
        title=f"AUROC less that of {canvas.shorten(report['first'], 1.0, canvas.TEXT_PT)}",
        xlabel=f"{level}\nacross the dashed line: not separable",
    )
    names = [canvas.shorten(name, _NAMES_IN - 0.25, canvas.TEXT_PT) for name in rows]
    areas.set_yticks(range(len(rows)), names, fontsize=canvas.TEXT_PT)
    differences.set_yticks(range(len(rows)), [""] * len(rows))
    return figure


def _draw_rows(
    axes: Axes, values: Sequence[Mapping[str, float] | None], colors: Sequence[str], first: int | None = None
) -> None:
    axes.set(ylim=(len(values) - 0.25, -0.75))
    axes.tick_params(axis="y", length=0)
    axes.locator_params(axis="x", nbins=4)
    for row, (value, color) in enumerate(zip(values, colors, strict=True)):
        if row == first:
            axes.plot(0, row, marker="o", color=color, markersize=5.5)
        elif value is None:
            style: canvas.Style = {"va": "center", "color": canvas.GRAY, "fontsize": canvas.SMALL_PT}
            axes.text(0.02, row, UNDEFINED, transform=axes.get_yaxis_transform(), **style)
        else:
            if "low" in value:
                axes.hlines(row, value["low"], value["high"], color=color, linewidth=1.8)
            marker = "o" if color == canvas.BLUE else "D"
            axes.plot(value["value"], row, marker=marker, color=color, markersize=5.5, clip_on=False)
