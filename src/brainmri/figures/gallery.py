"""Pictures of a prepared set's slices."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from posixpath import commonpath

import numpy as np

from brainmri.dataset.prepared import PreparedSet
from brainmri.figures.canvas import save
from brainmri.figures.sheet import Caption, choose_samples, draw_sheet

_SAMPLES = 24


def show_prepared(data: PreparedSet, path: Path) -> None:
    """A contact sheet of both classes, tumors outlined where masks exist."""
    places = choose_samples([row.label for row in data.slices], _SAMPLES).tolist()
    names = name_slices(data)
    captions = [
        Caption(data.slices[place].label, data.slices[place].patient or names[place]) for place in places
    ]
    show_slices(data, places, captions, path)


def name_slices(data: PreparedSet) -> list[str]:
    """The slices' ids without the folders that all of them lie in: what a caption has room for."""
    paths = [PurePosixPath(row.slice_id) for row in data.slices]
    common = commonpath([path.parent for path in paths])
    return [str(path.relative_to(common)) for path in paths]


def show_slices(
    data: PreparedSet,
    places: Sequence[int],
    captions: Sequence[Caption],
    path: Path,
    empty: str = "no images",
) -> None:
    """A contact sheet of the slices at `places`; without any it says `empty`."""
    shown = f"{len(places)} of " if places else ""
    source = f"{shown}{len(data.slices)} prepared slices, data set {data.name}"
    masks = None if data.masks is None else np.asarray(data.masks[places])
    save(draw_sheet(np.asarray(data.images[places]), captions, source, masks, empty), path)
