"""One raw scan -> its prepared slices, each with what only the raw file knows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2

from brainmri.confinement import Failure
from brainmri.dataset.preparation import Box, Image8, ImageRule, Mask, prepare_image
from brainmri.dataset.prepared import RawFactRow
from brainmri.dataset.raw_facts import describe_raw
from brainmri.scans.files import check_file
from brainmri.scans.folder import Scan
from brainmri.scans.reading import OpenScan, ReadSlice, open_scan
from brainmri.scans.settings import ReadingRule
from brainmri.workers import Isolate

# Pictures that go to a process at once.
_TOGETHER = 8


class PreparationRule(ImageRule, ReadingRule):
    """All that turns a scan into prepared slices."""


@dataclass(frozen=True)
class PreparedSlice:
    """A slice, its number in its scan, its mask and what that says, where the scan has one.

    `has_tumor` is by the raw mask: a prepared one may lose small tumors. `spacing_mm` is of prepared pixels.
    `box` is what the image shows of the slice with square pixels.
    """

    number: int
    image: Image8
    mask: Mask | None
    has_tumor: bool | None
    spacing_mm: float | None
    box: Box
    facts: RawFactRow


@dataclass(frozen=True)
class PreparedScan:
    """The slices that are used of a scan, and what of it is not."""

    slices: Sequence[PreparedSlice]
    notices: Sequence[str]


def prepare_scans(
    raw: Path, rule: PreparationRule, scans: Sequence[Scan], isolate: Isolate, title: str
) -> Iterator[PreparedScan | Failure]:
    """Scans below `raw`, in their order, in processes of their own."""
    return isolate(
        partial(prepare_scan, raw, rule), scans, title, batch_size(scans), partial(list_files, raw, rule)
    )


def list_files(raw: Path, rule: ReadingRule, scan: Scan) -> list[Path]:
    """All that a scan below `raw` is read from, its mask too. `BadInput` for what can't be read whole."""
    files = [raw / name for name in (*scan.files, *([scan.mask] if scan.mask else []))]
    for file in files:
        check_file(file, rule.max_volume_megabytes)
    return files


def batch_size(scans: Sequence[Scan]) -> int:
    """How many go to a process at once: single pictures are quick, and small to send; a volume is neither."""
    return 1 if any(scan.numbered for scan in scans) else _TOGETHER


def prepare_scan(raw: Path, rule: PreparationRule, scan: Scan) -> PreparedScan:
    """A scan below `raw`, in one thread. Raises `BadInput`, or whatever a decoder raises."""
    opened = open_scan(raw, scan, rule)
    return PreparedScan([prepared for _, prepared in prepare_slices(opened, rule)], opened.stack.notices)


def prepare_slices(opened: OpenScan, rule: ImageRule) -> Iterator[tuple[ReadSlice, PreparedSlice]]:
    """The slices that are used of a scan, as they are read and as they are prepared."""
    cv2.setNumThreads(1)
    for piece in opened.slices():
        yield piece, _prepare_slice(opened.scan, piece, rule)


def _prepare_slice(scan: Scan, piece: ReadSlice, rule: ImageRule) -> PreparedSlice:
    prepared = prepare_image(piece.raw.pixels, piece.mask, rule)
    slice_id = f"{scan.slice_prefix}{piece.number:04d}" if scan.numbered else scan.path
    spacing_mm = piece.raw.spacing_mm
    return PreparedSlice(
        number=piece.number,
        image=prepared.image,
        mask=prepared.mask,
        has_tumor=None if piece.mask is None else bool(piece.mask.any()),
        spacing_mm=None if spacing_mm is None else spacing_mm * prepared.pixel_scale,
        box=prepared.box,
        facts=describe_raw(slice_id, piece.raw),
    )
