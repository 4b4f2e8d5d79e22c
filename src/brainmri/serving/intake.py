"""Strangers' files -> prepared images, decoded in processes of their own."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from brainmri.compute import find_cluster
from brainmri.confinement import Failure
from brainmri.dataset.prepared import RejectedRow
from brainmri.dataset.scan_preparation import (
    PreparationRule,
    PreparedScan,
    batch_size,
    list_files,
    prepare_scan,
)
from brainmri.errors import BadInput
from brainmri.scans.folder import RawFolder, Scan, list_unknown
from brainmri.scans.series import gather_scans
from brainmri.serving.answers import ScanAnswer
from brainmri.workers import Isolate


@dataclass(frozen=True)
class Taken:
    """A scan by the name that it was asked for, its patient as numbered here, and its prepared slices.

    `files` are in the order of its slices; one file may have all of them.
    """

    scan: str
    patient: str | None
    files: Sequence[Path]
    prepared: PreparedScan


Watch = Callable[[Sequence[Taken], Sequence[ScanAnswer], NDArray[np.uint8]], None]
"""Is told of scans and their answers, and of all their prepared slices in order."""

Prepare = Callable[[Path, PreparationRule, Scan], PreparedScan]
"""What a process does with a scan below a folder: `prepare_scan`, or more."""


def show_path(path: Path) -> str:
    """From here, where it lies below; else in full."""
    here = Path.cwd()
    return escape((path.relative_to(here) if path.is_relative_to(here) else path).as_posix())


def escape(name: str) -> str:
    """What could command a terminal, forge a line or is no text at all, as its code."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in name)


def take_scans(
    paths: Sequence[Path],
    rule: PreparationRule,
    isolate: Isolate,
    prepare: Prepare = prepare_scan,
    show: Callable[[Path], str] = show_path,
) -> Iterator[Taken | RejectedRow]:
    """Every scan in `paths`, in the order of their names, those that can't be read last."""
    found, rejected = _find(paths)
    if find_cluster() is not None and found.root.is_relative_to(Path.cwd()):
        # The name by which nodes find it, too.
        found = replace(found, root=found.root.relative_to(Path.cwd()))
    gathered = gather_scans(found, rule, isolate)
    rejected += [_reject(show(found.root / scan.path), reason) for scan, reason in gathered.failures]
    numbers: dict[str, str] = {}
    outcomes = isolate(
        partial(prepare, found.root, rule),
        gathered.scans,
        "predict",
        batch_size(gathered.scans),
        partial(list_files, found.root, rule),
    )
    for scan, outcome in zip(gathered.scans, outcomes, strict=True):
        name = show(found.root / scan.path)
        if isinstance(outcome, Failure):
            rejected.append(_reject(name, outcome.reason))
        else:
            files = [found.root / file for file in scan.files]
            yield Taken(name, _number(scan, numbers), files, outcome)
    yield from sorted(rejected, key=lambda item: item.scan)


def _find(paths: Sequence[Path]) -> tuple[RawFolder, list[RejectedRow]]:
    """All files below `paths`, each once, relative to a folder that holds them all."""
    rejected: list[RejectedRow] = []
    files: dict[str, Scan] = {}
    for path in paths:
        try:
            found = list_unknown(path)
        except (BadInput, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            rejected.append(_reject(escape(str(path)), reason or "can't be read"))
            continue
        if not found.scans:
            rejected.append(_reject(escape(str(path)), "no file in this folder"))
        files |= {os.path.abspath(found.root / scan.path): scan for scan in found.scans}  # noqa: PTH100 - keeps links
    root = Path(os.path.commonpath([Path(name).parent for name in files])) if files else Path.cwd()
    scans = [replace(scan, path=Path(name).relative_to(root).as_posix()) for name, scan in files.items()]
    return RawFolder(root, sorted(scans, key=lambda scan: scan.path), ()), rejected


def _number(scan: Scan, numbers: dict[str, str]) -> str | None:
    """P0001 … in the order of first scans: what a header calls the patient is told to nobody."""
    return None if scan.patient is None else numbers.setdefault(scan.patient, f"P{len(numbers) + 1:04d}")


def _reject(scan: str, reason: str) -> RejectedRow:
    return RejectedRow(scan=scan, reason=reason)
