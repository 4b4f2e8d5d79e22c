"""Pictures of a prepared set's slices."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from brainmri.dataset.prepared import PreparedSet
from brainmri.figures.canvas import save
from brainmri.figures.sheet import Caption, choose_samples, draw_sheet

_SAMPLES = 24


def show_prepared(data: PreparedSet, path: Path) -> None:
    """A contact sheet of both classes, tumors outlined where masks exist."""
    places = choose_samples([row.label for row in data.slices], _SAMPLES).tolist()
    rows = [data.slices[place] for place in places]
    show_slices(data, places, [Caption(row.label, row.patient or row.slice_id) for row in rows], path)


def show_slices(data: PreparedSet, places: Sequence[int], captions: Sequence[Caption], path: Path) -> None:
    """A contact sheet of the slices at `places`."""
    source = f"{len(places)} of {len(data.slices)} prepared slices, data set {data.name}"
    masks = None if data.masks is None else np.asarray(data.masks[places])
    save(draw_sheet(np.asarray(data.images[places]), captions, source, masks), path)
