"""The cases a classifier was most wrong about, as the paper shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.figure import Figure

from brainmri.figures import canvas, tiles

_TEXT_PT: Final = 8.0
_LINE_IN: Final = canvas.leading(_TEXT_PT)
_CAPTION_IN: Final = 5 * _LINE_IN + 0.05
_VALUE_IN: Final = 0.74  # where values stand, right of their names
# The word, its color, and the width of the frame, which tells them apart without color too.
_CORRECT: Final = ("✓ correct", canvas.BLUE, 1.0)
_WRONG: Final = ("✗ wrong", canvas.VERMILION, 3.0)


@dataclass(frozen=True)
class Case:
    """One image and what the classifier made of it.

    `name` is the patient or slice; `loss` is the cross-entropy, 0 or more; `probability` is that of
    the predicted class, 0 to 1.
    """

    image: tiles.Image
    mask: tiles.Mask | None
    name: str
    predicted: str
    actual: str
    loss: float
    probability: float


@canvas.house_style
def draw_top_losses(cases: Sequence[Case], source: str) -> Figure:
    """The cases in the order given: prediction, actual class, loss and probability above each image."""
    grid = tiles.balance(len(cases), _CAPTION_IN)
    outlined = any(case.mask is not None and case.mask.any() for case in cases)
    sheet = tiles.new_sheet(grid, source, outlined=outlined)
    for index, case in enumerate(cases):
        word, color, width_pt = _CORRECT if case.predicted == case.actual else _WRONG
        tiles.show(sheet, index, case.image, case.mask)
        tiles.frame(sheet, index, color, width_pt)
        canvas.write(sheet.figure, grid.corner(index), word, _TEXT_PT, fontweight="bold", color=color)
        _write_caption(sheet, index, case)
    return sheet.figure


def _write_caption(sheet: tiles.Sheet, index: int, case: Case) -> None:
    left_in, top_in = sheet.grid.corner(index)
    lines = {
        "": case.name,
        "prediction": case.predicted,
        "actual": case.actual,
        "loss": f"{case.loss:.2f}",
        "probability": f"{case.probability:.2f}",
    }
    for rank, (key, value) in enumerate(lines.items()):
        line_in = top_in + rank * _LINE_IN
        shown = canvas.shorten(value, sheet.grid.side_in - _VALUE_IN - 0.06, _TEXT_PT)
        canvas.write(sheet.figure, (left_in, line_in), key, _TEXT_PT, color=canvas.GRAY)
        canvas.write(sheet.figure, (left_in + _VALUE_IN, line_in), shown, _TEXT_PT)
