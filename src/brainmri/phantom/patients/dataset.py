"""Writing the synthetic data set: pictures, masks and the table of scans."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Final

import cv2

from brainmri.compute import map_each
from brainmri.errors import BadInput
from brainmri.phantom.patients.picture import Image, Picture
from brainmri.phantom.patients.settings import PhantomParams
from brainmri.replacement import replacing_folder
from brainmri.tables import Row, write_rows

TUMOR, NO_TUMOR = "tumor", "no tumor"
_FOLDERS: Final = ("images", "masks")
_TABLE: Final = "scans.csv"


class ScanRow(Row):
    """One picture; `path` and `mask` are relative to the table's folder, `mask` is empty without tumor."""

    path: str
    label: str
    patient: str
    mask: str | None


@dataclass(frozen=True)
class DataSetCount:
    """How much a data set holds."""

    patients: int
    slices: int
    tumor_slices: int


def make_data_set(params: PhantomParams, folder: Path) -> DataSetCount:
    """Writes `images/`, `masks/` and `scans.csv` below `folder`, in place of an earlier run's."""
    try:
        with replacing_folder(folder, (*_FOLDERS, _TABLE)) as aside:
            return _make(params, aside)
    except (FileExistsError, NotADirectoryError) as error:
        raise BadInput(
            f"{folder}: expected a folder to write to, came {error.strerror}; name another"
        ) from None


def _make(params: PhantomParams, folder: Path) -> DataSetCount:
    for name in _FOLDERS:
        (folder / name).mkdir()
    rows = []
    made = map_each(partial(_draw_patient, params), range(params.patients), "phantom")
    for scan in chain.from_iterable(made):
        rows.append(scan.row)
        for path, content in scan.files.items():
            (folder / path).write_bytes(content)
    write_rows(folder / _TABLE, rows, ScanRow)
    return DataSetCount(params.patients, len(rows), sum(row.label == TUMOR for row in rows))


def name_patient(number: int) -> str:
    """What patient `number` (from 0) is called."""
    return f"P{number + 1:03d}"


def render_patient(params: PhantomParams, number: int) -> list[Picture]:
    """The pictures of all slices of patient `number` (from 0), from low to high."""
    # Brings torch, which takes seconds.
    from brainmri.phantom.patients import rendering  # noqa: PLC0415

    return rendering.render_patient(params, number)


@dataclass(frozen=True)
class _DrawnScan:
    """A picture's row of the table, and its files by their paths."""

    row: ScanRow
    files: Mapping[str, bytes]


def _draw_patient(params: PhantomParams, number: int) -> list[_DrawnScan]:
    name = name_patient(number)
    return [
        _encode_scan(name, index, picture) for index, picture in enumerate(render_patient(params, number), 1)
    ]


def _encode_scan(patient: str, index: int, picture: Picture) -> _DrawnScan:
    path = f"images/{patient}_{index}.png"
    files = {path: _encode_png(picture.image)}
    if not picture.shows_tumor:
        return _DrawnScan(ScanRow(path=path, label=NO_TUMOR, patient=patient, mask=None), files)
    mask = f"masks/{patient}_{index}.png"
    row = ScanRow(path=path, label=TUMOR, patient=patient, mask=mask)
    return _DrawnScan(row, files | {mask: _encode_png(picture.mask * 255)})


def _encode_png(image: Image) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()
