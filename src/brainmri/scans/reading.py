"""A scan of any format -> the slices that are used of it, each with its mask."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from brainmri.errors import BadInput
from brainmri.scans.choice import choose_slices
from brainmri.scans.dicom import Series
from brainmri.scans.dicom_places import are_same_places
from brainmri.scans.files import FileKind, detect_kind
from brainmri.scans.folder import Scan
from brainmri.scans.naming import naming
from brainmri.scans.nifti import Volume
from brainmri.scans.pictures import Picture
from brainmri.scans.settings import Channel, ReadingRule, Window
from brainmri.scans.slices import RawSlice, Stack

Mask = NDArray[np.uint8]  # (rows, columns), 0 or 1


@dataclass(frozen=True)
class ReadSlice:
    """A slice, its number (counted from 0) in its scan, and its mask where the scan has one."""

    number: int
    raw: RawSlice
    mask: Mask | None


@dataclass(frozen=True)
class OpenScan:
    """A scan whose header is read and found usable; its slices are decoded as they are asked for."""

    scan: Scan
    stack: Stack
    masks: Stack | None
    rule: ReadingRule

    def slices(self) -> Iterator[ReadSlice]:
        """The slices that the rule chooses, in order; one alone is always chosen."""
        chosen = choose_slices(self.stack, self.rule.slices) if self.scan.numbered else [0]
        for number in chosen:
            yield ReadSlice(number, self.stack.load(number), self._load_mask(number))

    def _load_mask(self, number: int) -> Mask | None:
        if self.masks is None:
            return None
        with naming(f"mask {self.scan.mask}"):
            # A resampled pixel is tumor where half of it or more is.
            return (self.masks.load(number).pixels >= 0.5).astype(np.uint8)


def open_scan(root: Path, scan: Scan, rule: ReadingRule) -> OpenScan:
    """Opens the files of a scan and of its mask. Raises `BadInput`, or whatever a decoder raises."""
    stack = _open([root / path for path in scan.files], rule, is_mask=False)
    if scan.mask is None:
        return OpenScan(scan, stack, None, rule)
    # Channels are of scans; a mask is read as gray.
    plain = rule.model_copy(update={"channel": Channel.GRAY, "window": Window.NONE})
    with naming(f"mask {scan.mask}"):
        masks = _open([root / scan.mask], plain, is_mask=True)
        _check_mask(stack, masks)
    return OpenScan(scan, stack, masks, rule)


def _open(paths: list[Path], rule: ReadingRule, *, is_mask: bool) -> Stack:
    match detect_kind(paths[0]):
        case FileKind.NIFTI:
            return Volume(paths[0], rule, is_mask=is_mask)
        case FileKind.DICOM:
            return Series(paths, rule, is_mask=is_mask)
        case FileKind.PICTURE:
            return Picture(paths[0], rule, is_mask=is_mask)


def _check_mask(stack: Stack, masks: Stack) -> None:
    """A mask shows the same places as its scan: only formats that lay slices out alike can say so."""
    if stack.count != masks.count:
        raise BadInput(f"expected {stack.count} slices as its scan has, came {masks.count}")
    if stack.count > 1 and stack.kind is not masks.kind:
        raise BadInput(f"expected a {stack.kind} file like its scan, came a {masks.kind} one")
    if isinstance(stack, Volume) and isinstance(masks, Volume) and not stack.grid.fits(masks.grid):
        raise BadInput("expected the shape and orientation of its scan, came others")
    if isinstance(stack, Series) and isinstance(masks, Series) and not _lie_alike(stack, masks):
        raise BadInput("expected the positions of its scan, came others or none")


def _lie_alike(stack: Series, masks: Series) -> bool:
    """Whether each slice of a mask lies where that of its scan does; a single slice needs no position."""
    return stack.count == 1 or are_same_places(stack.places(), masks.places())
