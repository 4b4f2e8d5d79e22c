"""Images in a grid, each below its caption; what every sheet of images is made of."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import Normal, Stroke
from numpy.typing import NDArray

from brainmri.figures import canvas

Image = NDArray[np.uint8]
"""(size, size) or (channels, size, size), 0 black to 255 white."""
Mask = NDArray[np.uint8]
"""(size, size), 1 inside."""

_GAP_IN: Final = 0.1
_WIDEST_IN: Final = 2.26
_MOST_PIXELS: Final = 400_000  # of all images together: noise hardly compresses, and a sheet is to stay small
_DPI: Final = 150


@dataclass(frozen=True)
class Grid:
    """Where the images of a sheet stand; lengths in inches."""

    count: int
    columns: int
    caption_in: float
    # Above all images.
    top_in: float = 0.0

    @property
    def rows(self) -> int:
        """At least one, so that an empty sheet has room to say so."""
        return max(1, math.ceil(self.count / self.columns))

    @property
    def side_in(self) -> float:
        """The side of one image."""
        width_in = canvas.WIDTH_IN - 2 * canvas.MARGIN_IN - (self.columns - 1) * _GAP_IN
        return min(_WIDEST_IN, width_in / self.columns)

    @property
    def size_in(self) -> tuple[float, float]:
        """Width and height of the whole."""
        height_in = self.rows * (self.caption_in + self.side_in + _GAP_IN)
        return canvas.WIDTH_IN, canvas.MARGIN_IN + self.top_in + height_in

    @property
    def dpi(self) -> float:
        """Few enough that all images together keep within their budget of pixels."""
        return min(_DPI, math.sqrt(_MOST_PIXELS / max(1, self.count)) / self.side_in)

    def corner(self, index: int) -> tuple[float, float]:
        """The upper left corner of an image's caption."""
        row, column = divmod(index, self.columns)
        step_in = self.side_in + _GAP_IN
        left_in = (canvas.WIDTH_IN - self.columns * step_in + _GAP_IN) / 2
        top_in = canvas.MARGIN_IN + self.top_in
        return left_in + column * step_in, top_in + row * (step_in + self.caption_in)

    def extent(self, index: int) -> tuple[float, float, float, float]:
        """The left, right, bottom and top of an image, below its caption."""
        left_in, top_in = self.corner(index)
        top_in += self.caption_in
        return left_in, left_in + self.side_in, top_in + self.side_in, top_in


def balance(count: int, caption_in: float) -> Grid:
    """A grid about half again as wide as high, with few empty places; up to four images stand in one row."""
    usual = max(3, math.ceil(math.sqrt(1.5 * count)))
    columns = min(
        (usual, usual - 1, usual + 1), key=lambda columns: (max(columns, 3) != columns, -count % columns)
    )
    return Grid(count, min(columns, max(1, count)), caption_in)


@dataclass(frozen=True)
class Sheet:
    """A figure with one panel over all of it, whose unit is the inch, counted from the upper left."""

    figure: Figure
    axes: Axes
    grid: Grid


def new_sheet(grid: Grid, source: str, *, outlined: bool, empty: str = "no images") -> Sheet:
    """A sheet to show images on, with the warning that each carries; without images it says `empty`."""
    small_print = f"{source.rstrip('.')}. Outline: reference mask." if outlined else source
    figure = canvas.new_figure(grid.size_in, small_print, warning=canvas.NOT_FOR_DIAGNOSIS, dpi=grid.dpi)
    width_in, height_in = figure.get_size_inches()
    axes = canvas.place(figure, (0, 0), (width_in, height_in))
    axes.set(xlim=(0, width_in), ylim=(height_in, 0))
    axes.set_axis_off()
    if grid.count == 0:
        canvas.say_instead(axes, empty)
    return Sheet(figure, axes, grid)


def show(sheet: Sheet, index: int, image: Image, mask: Mask | None) -> None:
    """Puts an image at its place, below its caption: three channels as colors, else the first as gray."""
    left, right, bottom, top = sheet.grid.extent(index)
    style: canvas.Style = {"extent": (left, right, bottom, top), "aspect": "auto"}
    if image.ndim == 3 and len(image) == 3:
        sheet.axes.imshow(image.transpose(1, 2, 0), **style)
    else:
        sheet.axes.imshow(image if image.ndim == 2 else image[0], cmap="gray", vmin=0, vmax=255, **style)
    if mask is not None and mask.any():
        _outline(sheet, index, mask)


def mark(sheet: Sheet, index: int, point: tuple[int, int], side: int) -> None:
    """A cross on the pixel in `point` (row, column) of an image of `side` pixels: light on dark."""
    left, right, bottom, top = sheet.grid.extent(index)
    row, column = point
    across = left + (column + 0.5) * (right - left) / side
    down = top + (row + 0.5) * (bottom - top) / side
    (cross,) = sheet.axes.plot([across], [down], marker="+", markersize=9, markeredgewidth=1.2, color="white")
    cross.set_path_effects([Stroke(linewidth=3, foreground="black"), Normal()])


def frame(sheet: Sheet, index: int, color: str, width_pt: float) -> None:
    """A line of some width around an image, inside its edge."""
    left, right, bottom, top = sheet.grid.extent(index)
    inset = (width_pt / 2 - 0.4) / canvas.POINTS_AN_INCH  # a little beyond, so that no edge shows
    size_in = (right - left - 2 * inset, bottom - top - 2 * inset)
    style: canvas.Style = {"edgecolor": color, "linewidth": width_pt, "joinstyle": "miter"}
    sheet.axes.add_patch(Rectangle((left + inset, top + inset), *size_in, fill=False, **style))


def _outline(sheet: Sheet, index: int, mask: Mask) -> None:
    """A light line on a dark one, seen on every gray; zeros around the mask close it at the image's edge."""
    left, right, bottom, top = sheet.grid.extent(index)
    height, width = mask.shape
    across = left + (np.arange(-1, width + 1) + 0.5) * (right - left) / width
    down = top + (np.arange(-1, height + 1) + 0.5) * (bottom - top) / height
    style: canvas.Style = {"levels": [0.5], "colors": [canvas.YELLOW], "linewidths": 1.0}
    lines = sheet.axes.contour(across.clip(left, right), down.clip(top, bottom), np.pad(mask > 0, 1), **style)
    lines.set_path_effects([Stroke(linewidth=2.2, foreground="black"), Normal()])
