"""A raw folder -> the prepared set."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from brainmri.compute import map_all
from brainmri.dataset.preparation import STRIP_SHARE, Image8, ImageRule, Mask, prepare_image
from brainmri.dataset.prepared import (
    IMAGES,
    MASKS,
    PREPARATION,
    RAW_FACTS,
    REJECTED,
    SLICES,
    RawFactRow,
    RejectedRow,
    SliceRow,
)
from brainmri.errors import BadInput
from brainmri.scans.folder import RawFolder, Scan, list_scans
from brainmri.scans.pictures import FileHeader, GrayImage, read_picture
from brainmri.tables import write_bytes, write_mapping, write_rows


class PrepareParams(ImageRule):
    """The section `prepare`."""

    positive: Annotated[str, Field(min_length=1, description="the name of the class that means tumor")]
    max_megapixels: Annotated[float, Field(gt=0, description="a number of megapixels above 0")]
    max_rejected: Annotated[float, Field(ge=0, le=1, description="a share of the scans from 0 to 1")]


@dataclass(frozen=True)
class PreparedCount:
    """What became of a raw folder's scans."""

    found: int
    slices: int
    rejected: int
    notices: Sequence[str]


@dataclass(frozen=True)
class _Prepared:
    scan: Scan
    image: Image8
    mask: Mask | None
    has_tumor: bool | None  # by the raw mask: a small tumor may be lost in the prepared one
    facts: RawFactRow


def prepare_folder(raw: Path, params: PrepareParams, folder: Path) -> PreparedCount:
    """Reads every scan below `raw` and writes the prepared set to `folder`.

    Raises `BadInput` if more than `max_rejected` of the scans can't be used, or if what is left is
    not two classes of which one is `positive`.
    """
    found = list_scans(raw)
    outcomes = map_all(partial(_prepare_scan, raw, params), found.scans, "prepare")
    prepared = [outcome for outcome in outcomes if isinstance(outcome, _Prepared)]
    rejected = [outcome for outcome in outcomes if isinstance(outcome, RejectedRow)]
    _check_rejected(found, rejected, params.max_rejected)
    labels = [_label(item, params.positive) for item in prepared]
    negative = _other_class(raw, labels, params.positive)
    _write(folder, prepared, labels)
    write_rows(folder / REJECTED, rejected, RejectedRow)
    rule = {name: getattr(params, name) for name in ImageRule.model_fields}
    classes = {"negative": negative, "positive": params.positive}
    write_mapping(
        folder / PREPARATION, {"name": raw.resolve().name, "classes": classes, "channels": 1, "rule": rule}
    )
    return PreparedCount(len(found.scans), len(prepared), len(rejected), found.notices)


def _prepare_scan(raw: Path, params: PrepareParams, scan: Scan) -> _Prepared | RejectedRow:
    cv2.setNumThreads(1)
    try:
        image, header = read_picture(raw / scan.path, params.max_megapixels)
        mask = None if scan.mask is None else _read_mask(raw / scan.mask, scan.mask, params)
        prepared, prepared_mask = prepare_image(image, mask, params)
    except BadInput as error:
        return RejectedRow(scan=scan.path, reason=str(error))
    has_tumor = None if mask is None else bool(mask.any())
    return _Prepared(scan, prepared, prepared_mask, has_tumor, _raw_facts(scan.path, image, header))


def _read_mask(path: Path, name: str, params: PrepareParams) -> Mask:
    try:
        mask, _ = read_picture(path, params.max_megapixels)
    except BadInput as error:
        raise BadInput(f"mask {name}: {error}") from None
    return (mask > 0).astype(np.uint8)


def _raw_facts(slice_id: str, image: GrayImage, header: FileHeader) -> RawFactRow:
    low, high = float(image.min()), float(image.max())
    scaled = (image - low) / (high - low)
    rows, columns = (max(1, round(STRIP_SHARE * length)) for length in image.shape)
    strips = (scaled[:rows], scaled[-rows:], scaled[:, :columns], scaled[:, -columns:])
    counts, _ = np.histogram(scaled, bins=16, range=(0, 1))
    return RawFactRow(
        slice_id=slice_id,
        **header.__dict__,
        frame=tuple(float(value) for strip in strips for value in (strip.mean(), strip.std())),
        histogram=tuple(float(count) for count in counts / scaled.size),
        thumbnail=tuple(float(value) for value in _thumbnail(scaled).ravel()),
    )


def _thumbnail(image: NDArray[np.float32]) -> NDArray[np.float32]:
    return cv2.resize(image, (8, 8), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _check_rejected(found: RawFolder, rejected: Sequence[RejectedRow], most: float) -> None:
    if len(rejected) > most * len(found.scans):
        first = rejected[0]
        raise BadInput(
            f"{found.root}: expected at most {most:.0%} of {len(found.scans)} scans to be rejected "
            f"(prepare.max_rejected), came {len(rejected)}; the first is {first.scan}: {first.reason}"
        )


def _label(item: _Prepared, positive: str) -> str:
    if item.scan.label is not None:
        return item.scan.label
    if item.has_tumor is None:
        raise BadInput(f"scans.csv: {item.scan.path}: expected a label or a mask, came neither; give one")
    return positive if item.has_tumor else f"no {positive}"


def _other_class(raw: Path, labels: Sequence[str], positive: str) -> str:
    classes = sorted(set(labels))
    shown = ", ".join(classes)
    if len(classes) < 2:
        raise BadInput(f"{raw}: expected two classes, came {shown or 'none'} alone; give a folder a class")
    if positive not in classes:
        raise BadInput(f"prepare.positive: expected one of {shown}, came {positive!r}; correct the value")
    if len(classes) > 2:
        raise BadInput(
            f"{raw}: expected two classes, came {shown}; join them by the label column of a scans.csv"
        )
    return next(label for label in classes if label != positive)


def _write(folder: Path, prepared: Sequence[_Prepared], labels: Sequence[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    _write_array(folder / IMAGES, np.stack([item.image for item in prepared]))
    if any(item.mask is not None for item in prepared):
        empty = np.zeros_like(prepared[0].image)
        _write_array(
            folder / MASKS, np.stack([empty if item.mask is None else item.mask for item in prepared])
        )
    patients = _number_patients([item.scan.patient for item in prepared])
    rows = [_slice_row(*columns) for columns in zip(prepared, labels, patients, strict=True)]
    write_rows(folder / SLICES, rows, SliceRow)
    write_rows(folder / RAW_FACTS, [item.facts for item in prepared], RawFactRow)


def _number_patients(names: Sequence[str | None]) -> list[str | None]:
    """P0001 … in the order of their first scan; the names themselves are written nowhere."""
    numbers: dict[str, str] = {}
    return [None if name is None else numbers.setdefault(name, f"P{len(numbers) + 1:04d}") for name in names]


def _slice_row(item: _Prepared, label: str, patient: str | None) -> SliceRow:
    return SliceRow(
        slice_id=item.scan.path,
        scan=item.scan.path,
        slice=0,
        patient=patient,
        label=label,
        has_mask=item.mask is not None,
        tumor_area=None if item.mask is None else int(item.mask.sum()),
        spacing_mm=None,
        given_subset=item.scan.subset,
    )


def _write_array(path: Path, array: NDArray[np.uint8]) -> None:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write_bytes(path, buffer.getvalue())
