"""What phantoms look like: some of each kind of tumor, and some without."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from brainmri.dataset.phantoms import SYNTHETIC, PhantomRow
from brainmri.dataset.prepared import PreparedSet
from brainmri.figures import canvas
from brainmri.figures.sheet import Caption, draw_sheet

_OF_EACH: Final = 2
_WITHOUT: Final = 8
_NONE: Final = "none"


def show_unseen(prepared: PreparedSet, phantoms: Sequence[PhantomRow], path: Path) -> None:
    """Writes the sheet: some without a tumor, then of each kind some of its larger half."""
    chosen = choose_kinds(phantoms)
    captions = [_caption(phantoms[place]) for place in chosen]
    images = np.asarray(prepared.images[chosen])
    canvas.save(draw_sheet(images, captions, f"unseen phantoms; {SYNTHETIC}"), path)


def choose_kinds(phantoms: Sequence[PhantomRow]) -> NDArray[np.intp]:
    """Their places, kind by kind in sorted order, those without a tumor first."""
    kinds = np.array([row.kind for row in phantoms])
    areas = np.array([row.area for row in phantoms])
    chosen = [np.flatnonzero(kinds == _NONE)[:_WITHOUT]]
    for kind in sorted(set(kinds.tolist()) - {_NONE}):
        places = np.flatnonzero(kinds == kind)
        chosen.append(places[areas[places] >= np.median(areas[places])][:_OF_EACH])
    return np.concatenate(chosen)


def _caption(row: PhantomRow) -> Caption:
    if row.kind == _NONE:
        return Caption("no tumor", "")
    return Caption(row.kind.replace("_", " "), f"covers {100 * row.area:.1f} %")
