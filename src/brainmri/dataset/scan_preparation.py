"""One raw scan -> its prepared slices, each with what only the raw file knows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2

from brainmri.dataset.preparation import Image8, ImageRule, Mask, prepare_image
from brainmri.dataset.prepared import RawFactRow
from brainmri.dataset.raw_facts import describe_raw
from brainmri.isolation import Failure, Limits, map_isolated
from brainmri.scans.folder import Scan
from brainmri.scans.reading import ReadSlice, open_scan
from brainmri.scans.settings import ReadingRule

# Pictures that go to a process at once.
_TOGETHER = 8


class PreparationRule(ImageRule, ReadingRule):
    """All that turns a scan into prepared slices."""


@dataclass(frozen=True)
class PreparedSlice:
    """A slice, its number in its scan, its mask and what that says, where the scan has one.

    `has_tumor` is by the raw mask: a prepared one may lose small tumors. `spacing_mm` is of prepared pixels.
    """

    number: int
    image: Image8
    mask: Mask | None
    has_tumor: bool | None
    spacing_mm: float | None
    facts: RawFactRow


@dataclass(frozen=True)
class PreparedScan:
    """The slices that are used of a scan, and what of it is not."""

    slices: Sequence[PreparedSlice]
    notices: Sequence[str]


def prepare_scans(
    raw: Path, rule: PreparationRule, scans: Sequence[Scan], title: str
) -> Iterator[PreparedScan | Failure]:
    """Scans below `raw`, in their order, in processes of their own with the limits of `rule`."""
    # Single pictures are quick, and small to send; a volume is neither.
    together = 1 if any(scan.numbered for scan in scans) else _TOGETHER
    limits = Limits(rule.max_memory_megabytes, rule.max_seconds)
    return map_isolated(partial(prepare_scan, raw, rule), scans, limits, title, together)


def prepare_scan(raw: Path, rule: PreparationRule, scan: Scan) -> PreparedScan:
    """A scan below `raw`, in one thread. Raises `BadInput`, or whatever a decoder raises."""
    cv2.setNumThreads(1)
    opened = open_scan(raw, scan, rule)
    slices = [_prepare_slice(scan, piece, rule) for piece in opened.slices()]
    return PreparedScan(slices, opened.stack.notices)


def _prepare_slice(scan: Scan, piece: ReadSlice, rule: PreparationRule) -> PreparedSlice:
    prepared = prepare_image(piece.raw.pixels, piece.mask, rule)
    slice_id = f"{scan.slice_prefix}{piece.number:04d}" if scan.numbered else scan.path
    spacing_mm = piece.raw.spacing_mm
    return PreparedSlice(
        number=piece.number,
        image=prepared.image,
        mask=prepared.mask,
        has_tumor=None if piece.mask is None else bool(piece.mask.any()),
        spacing_mm=None if spacing_mm is None else spacing_mm * prepared.pixel_scale,
        facts=describe_raw(slice_id, piece.raw),
    )
