"""Pictures of a prepared set's slices."""

from collections.abc import Sequence
from dataclasses import astuple
from functools import reduce
from pathlib import Path, PurePosixPath
from posixpath import commonpath, dirname

import numpy as np

from brainmri.dataset.prepared import (
    SLICES,
    PreparedSet,
    SliceRow,
    read_arrays,
    read_classes,
    read_name,
)
from brainmri.figures.canvas import save
from brainmri.figures.sheet import Caption, choose_samples, draw_sheet
from brainmri.tables import iterate_rows

_SAMPLES = 24


def show_prepared(folder: Path, path: Path) -> None:
    """A contact sheet of both classes of a prepared set, tumors outlined where masks exist.

    Of its table only what is shown lies in memory, however many slices it lists.
    """
    images, masks = read_arrays(folder)
    classes = sorted(astuple(read_classes(folder)))
    labels, common = bytearray(), None
    for row in iterate_rows(folder / SLICES, SliceRow):
        labels.append(classes.index(row.label))
        common = _share_folder(common, row.slice_id)
    places = choose_samples(np.frombuffer(labels, np.uint8), _SAMPLES).tolist()
    rows = enumerate(iterate_rows(folder / SLICES, SliceRow))
    chosen = {place: row for place, row in rows if place in places}
    captions = [
        Caption(row.label, row.patient or _shorten(row.slice_id, common))
        for row in (chosen[place] for place in places)
    ]
    source = _describe(len(places), len(labels), read_name(folder))
    outlines = None if masks is None else np.asarray(masks[places])
    save(draw_sheet(np.asarray(images[places]), captions, source, outlines), path)


def name_slices(data: PreparedSet) -> list[str]:
    """The slices' ids without the folders that all of them lie in: what a caption has room for."""
    common = reduce(_share_folder, (row.slice_id for row in data.slices), None)
    return [_shorten(row.slice_id, common) for row in data.slices]


def show_slices(
    data: PreparedSet,
    places: Sequence[int],
    captions: Sequence[Caption],
    path: Path,
    empty: str = "no images",
) -> None:
    """A contact sheet of the slices at `places`; without any it says `empty`."""
    source = _describe(len(places), len(data.slices), data.name)
    masks = None if data.masks is None else np.asarray(data.masks[places])
    save(draw_sheet(np.asarray(data.images[places]), captions, source, masks, empty), path)


def _describe(shown: int, slices: int, name: str) -> str:
    part = f"{shown} of " if shown else ""
    return f"{part}{slices} prepared slices, data set {name}"


def _share_folder(common: str | None, path: str) -> str:
    """The deepest folder that holds both `common` and what `path` lies in."""
    folder = dirname(path)
    return folder if common is None else commonpath([common, folder])


def _shorten(path: str, common: str | None) -> str:
    return str(PurePosixPath(path).relative_to(common or "."))
