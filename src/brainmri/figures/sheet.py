"""The contact sheet: what a set of prepared images looks like."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from brainmri.figures import canvas, tiles

_CAPTION_IN: Final = 0.3
_TEXT_PT: Final = canvas.SMALL_PT


@dataclass(frozen=True)
class Caption:
    """What stands above an image: its class, the patient or slice it is of, and on a third line what else."""

    label: str
    case: str
    more: str = ""


def choose_samples(labels: ArrayLike, count: int) -> NDArray[np.intp]:
    """The places of up to `count` cases, class by class in sorted order; classes are names or numbers.

    Every class gets its even share, spread evenly over its cases; a class with fewer leaves its
    places empty.
    """
    names = np.asarray(labels)
    classes = np.unique(names)
    chosen = [np.empty(0, dtype=np.intp)]
    for rank, label in enumerate(classes):
        cases = np.flatnonzero(names == label)
        share = min(len(cases), count // len(classes) + (rank < count % len(classes)))
        chosen.append(cases[np.arange(share) * len(cases) // max(1, share)])
    return np.concatenate(chosen)


@canvas.house_style
def draw_sheet(
    images: tiles.Image,
    captions: Sequence[Caption],
    source: str,
    masks: tiles.Mask | None = None,
    empty: str = "no images",
) -> Figure:
    """The images in reading order, each below its caption; without any the sheet says `empty`.

    `images` has one more axis in front than `tiles.Image`, `masks` (images, size, size) is empty
    where there is none. Up to some 40 images stay legible.
    """
    grid = tiles.balance(len(images), measure_captions(captions))
    outlined = masks is not None and bool(np.any(masks))
    sheet = tiles.new_sheet(grid, source, outlined=outlined, empty=empty)
    for index, (image, caption) in enumerate(zip(images, captions, strict=True)):
        tiles.show(sheet, index, image, None if masks is None else masks[index])
        write_caption(sheet, index, caption)
    return sheet.figure


def measure_captions(captions: Sequence[Caption]) -> float:
    """The room above each image, in inches."""
    return _CAPTION_IN + (canvas.leading(_TEXT_PT) if any(caption.more for caption in captions) else 0)


def write_caption(sheet: tiles.Sheet, index: int, caption: Caption) -> None:
    """Writes the lines above an image, shortened to its width."""
    left_in, top_in = sheet.grid.corner(index)
    label = canvas.shorten(caption.label, sheet.grid.side_in, _TEXT_PT, bold=True)
    canvas.write(sheet.figure, (left_in, top_in), label, _TEXT_PT, fontweight="bold")
    for line in filter(None, (caption.case, caption.more)):
        top_in += canvas.leading(_TEXT_PT)
        shown = canvas.shorten(line, sheet.grid.side_in, _TEXT_PT)
        canvas.write(sheet.figure, (left_in, top_in), shown, _TEXT_PT, color=canvas.GRAY)
