"""Slices as a person looks at them: the scan itself, and what the model made of it, for a canvas to draw."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from brainmri.dataset.preparation import Box
from brainmri.dataset.scan_preparation import PreparationRule, PreparedScan, prepare_slices
from brainmri.scans.folder import Scan
from brainmri.scans.reading import ReadSlice, open_scan
from brainmri.scans.sides import Sides
from brainmri.serving.answers import ScanAnswer
from brainmri.serving.intake import Taken
from brainmri.serving.runtimes import Heat, HeatMap, Outline

# Larger slices are shown shrunk to this many pixels on the longer side.
_LONGEST_SIDE: Final = 512
# Gray values between these percentiles of a scan's slices become 0 to 255.
_PERCENTILES: Final = (0.1, 99.9)
# Percentiles are those of every so many pixels.
_EVERY: Final = 7


@dataclass(frozen=True)
class View:
    """A slice, shrunk to what a screen shows; `box` is what its prepared image shows of it."""

    pixels: NDArray[np.float32]
    box: Box
    sides: Sides | None


@dataclass(frozen=True)
class ViewedScan(PreparedScan):
    """A scan with what a person looks at: a view for each prepared slice."""

    views: Sequence[NDArray[np.uint8]]
    boxes: Sequence[Box]
    sides: Sequence[Sides | None]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Edges(_Part):
    """The patient's sides at the edges of the picture."""

    left: str
    right: str
    top: str
    bottom: str


class Square(_Part):
    """Where the model's square picture lies on the slice, in its pixels; it may reach beyond."""

    top: float
    left: float
    side: float


class SliceView(_Part):
    """A slice: `pixels`, `heat` and `outline` are bytes by row, in base64.

    `pixels` are gray (height x width); `heat` (0 to 255) and `outline` (0 or 1) lie on `square`
    (size x size). `hottest` is a row and a column of it.
    """

    slice: int
    width: int
    height: int
    pixels: str
    square: Square
    edges: Edges | None
    size: int
    heat: str | None
    hottest: tuple[int, int] | None
    outline: str | None


class ScanView(_Part):
    """The slices of the scan at `place` (counted from 0) of the answer, in their order."""

    place: int
    slices: Annotated[tuple[SliceView, ...], Field(min_length=1)]


def view_scan(raw: Path, rule: PreparationRule, scan: Scan) -> ViewedScan:
    """As `prepare_scan`, with views."""
    opened = open_scan(raw, scan, rule)
    slices, shown, boxes, sides = [], [], [], []
    for piece, prepared in prepare_slices(opened, rule):
        pixels, box = _shrink(piece, prepared.box)
        slices.append(prepared)
        shown.append(pixels)
        boxes.append(box)
        sides.append(opened.stack.sides(piece.number))
    return ViewedScan(slices, opened.stack.notices, _to_gray(shown), boxes, sides)


def _shrink(piece: ReadSlice, box: Box) -> tuple[NDArray[np.float32], Box]:
    pixels = piece.raw.pixels if piece.raw.pixels.ndim == 2 else piece.raw.pixels.mean(axis=0)
    height, width = pixels.shape
    scale = min(1.0, _LONGEST_SIDE / max(height, width))
    if scale == 1:
        return pixels, box
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    top, left, high, wide = (round(side * scale) for side in (box.top, box.left, box.height, box.width))
    return np.asarray(small, np.float32), Box(top, left, max(1, high), max(1, wide))


def _to_gray(shown: Sequence[NDArray[np.float32]]) -> list[NDArray[np.uint8]]:
    """All slices by one scale, so that they can be compared."""
    low, high = np.percentile(np.concatenate([pixels.ravel()[::_EVERY] for pixels in shown]), _PERCENTILES)
    span = max(float(high - low), np.finfo(np.float32).tiny)
    return [np.rint(((pixels - low) / span).clip(0, 1) * 255).astype(np.uint8) for pixels in shown]


class Viewer:
    """Collects the views of a request; a `Watch`."""

    def __init__(self, heat: Heat | None, outline: Outline | None, threshold: float, most: int) -> None:
        """Without `heat` or `outline` there is none in the views; `threshold` is the model's.

        Scans are viewed as long as they have no more than `most` slices together.
        """
        self._heat, self._outline, self._threshold, self._left = heat, outline, threshold, most
        self._place = -1
        self.views: list[ScanView] = []

    def watch(self, taken: Sequence[Taken], scans: Sequence[ScanAnswer], images: NDArray[np.uint8]) -> None:
        """See `Watch`."""
        start = 0
        for item, answer in zip(taken, scans, strict=True):
            self._place += 1
            own = images[start : start + len(answer.slices)]
            start += len(own)
            if isinstance(item.prepared, ViewedScan) and len(own) <= self._left:
                self._left -= len(own)
                heats = [None] * len(own) if self._heat is None else list(self._heat(own))
                masks = [None] * len(own) if self._outline is None else list(self._outline(own))
                self.views.append(self._view(item.prepared, answer, heats, masks))

    def _view(
        self,
        seen: ViewedScan,
        answer: ScanAnswer,
        heats: Sequence[HeatMap | None],
        masks: Sequence[NDArray[np.uint8] | None],
    ) -> ScanView:
        slices = []
        for place, piece in enumerate(answer.slices):
            pixels, sides, heat = seen.views[place], seen.sides[place], heats[place]
            called = piece.probability >= self._threshold
            slices.append(
                SliceView(
                    slice=piece.slice,
                    width=pixels.shape[1],
                    height=pixels.shape[0],
                    pixels=_encode(pixels),
                    square=make_square_of(seen.boxes[place]),
                    edges=None if sides is None else Edges(**vars(sides)),
                    size=seen.slices[place].image.shape[-1],
                    heat=None if heat is None else _encode(_to_byte(heat.values)),
                    hottest=heat.hottest if heat is not None and called and heat.values.max() > 0 else None,
                    outline=None if (mask := masks[place]) is None else _encode(mask),
                )
            )
        return ScanView(place=self._place, slices=tuple(slices))


def make_square_of(box: Box) -> Square:
    """The box, padded in the middle, as preparation pads it."""
    side = max(box.height, box.width)
    top, left = box.top - (side - box.height) // 2, box.left - (side - box.width) // 2
    return Square(top=top, left=left, side=side)


def _to_byte(heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """What speaks for tumor, 0 to 255."""
    values: NDArray[np.uint8] = np.rint(heat.clip(0, 1) * 255).astype(np.uint8)
    return values


def _encode(values: NDArray[np.uint8]) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")
