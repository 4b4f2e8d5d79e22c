"""The house style: sizes, colors, fitting text, the small print and the bytes of every figure.

Places are given in inches from a figure's upper left corner, so that text and panels keep their
size whatever a figure holds. Nothing global changes: the style holds while a figure is drawn or saved.
"""

import io
from bisect import bisect_right
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from PIL import Image

from brainmri.tables import write_bytes

Style = dict[str, Any]
"""Keyword arguments of matplotlib's artists."""

WIDTH_IN: Final = 7.2  # two columns of a journal; a README shows it at 830 pixels or more
MARGIN_IN: Final = 0.12
DPI: Final = 200
_MOST_BYTES: Final = 320_000

TITLE_PT: Final = 10.0
TEXT_PT: Final = 9.0
SMALL_PT: Final = 7.5
POINTS_AN_INCH: Final = 72.0

INK: Final = "#1A1A1A"
GRAY: Final = "#595959"
FAINT: Final = "#D9D9D9"
# Okabe & Ito's palette: told apart with every kind of color vision, and each of another lightness in gray.
BLUE: Final = "#0072B2"
VERMILION: Final = "#D55E00"
YELLOW: Final = "#F0E442"

NOT_FOR_DIAGNOSIS: Final = "not for diagnosis"

_FONT: Final = "DejaVu Sans"  # in matplotlib's wheel
_STYLE: Final[Style] = {
    "font.family": _FONT,
    "font.size": TEXT_PT,
    "text.color": INK,
    "text.parse_math": False,  # a `$` in a file's name is a `$`
    "figure.facecolor": "white",
    "axes.edgecolor": GRAY,
    "axes.labelcolor": INK,
    "axes.labelsize": TEXT_PT,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": TITLE_PT,
    "axes.titleweight": "bold",
    "axes.titlepad": 7.0,
    "axes.axisbelow": True,
    "xtick.color": GRAY,
    "ytick.color": GRAY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "legend.fontsize": 8.0,
    "legend.frameon": False,
    "legend.handlelength": 2.2,
    "legend.columnspacing": 1.5,
    "lines.solid_capstyle": "round",
}
_DEFAULTS: Final[dict[Any, Any]] = {
    key: value for key, value in mpl.rcParamsDefault.items() if not key.startswith("backend")
}

house_style: Final = mpl.rc_context(_DEFAULTS | _STYLE)
"""Decorates what draws: the user's own matplotlibrc has no say in a tracked file."""


def new_figure(size_in: tuple[float, float], source: str, *, warning: str = "", dpi: float = DPI) -> Figure:
    """An empty figure: `size_in` (width, height) to draw on, and below it the small print.

    `source` says what was computed on which cases; `warning` stands apart from it, in bold.
    """
    width_in, height_in = size_in
    apart_in = measure(warning, SMALL_PT, bold=True) + 0.2 if warning else 0.0
    lines = wrap(source, width_in - 2 * MARGIN_IN - apart_in, SMALL_PT)
    line_in = leading(SMALL_PT)
    figure = Figure(figsize=(width_in, height_in + len(lines) * line_in + MARGIN_IN), dpi=dpi)
    for rank, line in enumerate(lines):
        write(figure, (MARGIN_IN, height_in + rank * line_in), line, SMALL_PT, color=GRAY)
    if warning:
        write(figure, (width_in - MARGIN_IN, height_in), warning, SMALL_PT, fontweight="bold", ha="right")
    return figure


def place(figure: Figure, corner_in: tuple[float, float], size_in: tuple[float, float]) -> Axes:
    """A panel whose upper left corner and size are given in inches."""
    (left, top), (width, height) = corner_in, size_in
    whole_width, whole_height = figure.get_size_inches()
    bottom = whole_height - top - height
    fractions = (left / whole_width, bottom / whole_height, width / whole_width, height / whole_height)
    return figure.add_axes(fractions)


def write(figure: Figure, corner_in: tuple[float, float], text: str, size_pt: float, **style: Any) -> None:
    """One line of text whose upper left corner (upper right, with ha="right") is given in inches."""
    width_in, height_in = figure.get_size_inches()
    left, top = corner_in
    baseline = top + 0.85 * size_pt / POINTS_AN_INCH
    figure.text(left / width_in, 1 - baseline / height_in, text, fontsize=size_pt, **style)


def leading(size_pt: float) -> float:
    """From one line to the next, in inches."""
    return 1.35 * size_pt / POINTS_AN_INCH


def say_instead(axes: Axes, reason: str) -> None:
    """Writes into a panel why there is nothing to draw in it."""
    axes.set(xticks=[], yticks=[])
    axes.text(0.5, 0.5, reason, transform=axes.transAxes, ha="center", va="center", color=GRAY)


def explain(figure: Figure, axes: Axes, below_in: float) -> None:
    """The legend, below the panel where it can't cover anything; nothing named, no legend."""
    if not axes.get_legend_handles_labels()[0]:
        return
    height_in = axes.get_position().height * figure.get_size_inches()[1]
    place_in_axes = (0, -below_in / height_in)
    axes.legend(loc="upper left", bbox_to_anchor=place_in_axes, borderaxespad=0)


def measure(text: str, size_pt: float, *, bold: bool = False) -> float:
    """The width in inches of one line of text."""
    font = FontProperties(family=_FONT, size=size_pt, weight="bold" if bold else "normal")
    width_pt, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width_pt) / POINTS_AN_INCH


def shorten(text: str, width_in: float, size_pt: float, *, bold: bool = False) -> str:
    """The text on one line, with its middle left out until it fits the width."""
    text = " ".join(text.split())
    if measure(text, size_pt, bold=bold) <= width_in:
        return text
    cuts = [f"{text[: kept // 2]}…{text[len(text) - (kept - kept // 2) :]}" for kept in range(1, len(text))]
    fitting = bisect_right(cuts, width_in, key=lambda cut: measure(cut, size_pt, bold=bold))
    return cuts[max(0, fitting - 1)] if cuts else text


def wrap(text: str, width_in: float, size_pt: float) -> list[str]:
    """The text in lines that fit the width; a single word that doesn't is shortened."""
    lines = [""]
    for word in (shorten(word, width_in, size_pt) for word in text.split()):
        longer = f"{lines[-1]} {word}".strip()
        if measure(longer, size_pt) <= width_in:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


@house_style
def save(figure: Figure, path: Path, *, exact: bool = False) -> None:
    """Writes the figure as PNG: the same figure gives the same bytes, without date and software version.

    `exact` keeps every color, for pictures whose colors have a meaning of their own on gray images: a palette
    would give a few pixels of one meaning the color of another.
    """
    drawn = FigureCanvasAgg(figure)
    drawn.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(drawn.buffer_rgba())  # type: ignore[no-untyped-call]
    picture = Image.fromarray(pixels).convert("RGB")
    write_bytes(path, _encode_exactly(picture) if exact else _encode(picture))


def _encode_exactly(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _encode(picture: Image.Image) -> bytes:
    """PNG with a palette, of fewer colors only where noisy images would make it large."""
    content = b""
    for colors in (256, 192, 128, 64):
        buffer = io.BytesIO()
        picture.quantize(colors, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(buffer, "PNG")
        content = buffer.getvalue()
        if len(content) <= _MOST_BYTES:
            break
    return content
