"""Strangers' files -> prepared images, decoded in processes of their own."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from brainmri.dataset.prepared import RejectedRow
from brainmri.dataset.scan_preparation import PreparationRule, PreparedScan, prepare_scans
from brainmri.errors import BadInput
from brainmri.isolation import Failure, Limits
from brainmri.scans.folder import RawFolder, Scan, list_unknown
from brainmri.scans.series import gather_scans


@dataclass(frozen=True)
class Taken:
    """A scan by the name that it was asked for, its patient as numbered here, and its prepared slices."""

    scan: str
    patient: str | None
    prepared: PreparedScan
    numbered: bool


def take_scans(paths: Sequence[Path], rule: PreparationRule) -> Iterator[Taken | RejectedRow]:
    """Every scan in `paths`, in the order of their names, those that can't be read last."""
    found, rejected = _find(paths)
    limits = Limits(rule.max_memory_megabytes, rule.max_seconds)
    gathered = gather_scans(found, rule, limits)
    rejected += [_reject(_shown(found.root, scan.path), reason) for scan, reason in gathered.failures]
    numbers: dict[str, str] = {}
    outcomes = prepare_scans(found.root, rule, gathered.scans, "predict")
    for scan, outcome in zip(gathered.scans, outcomes, strict=True):
        name = _shown(found.root, scan.path)
        if isinstance(outcome, Failure):
            rejected.append(_reject(name, outcome.reason))
        else:
            yield Taken(name, _number(scan, numbers), outcome, scan.numbered)
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
            rejected.append(_reject(_escape(str(path)), reason or "can't be read"))
            continue
        if not found.scans:
            rejected.append(_reject(_escape(str(path)), "no file in this folder"))
        files |= {os.path.abspath(found.root / scan.path): scan for scan in found.scans}  # noqa: PTH100 - keeps links
    root = Path(os.path.commonpath([Path(name).parent for name in files])) if files else Path.cwd()
    scans = [replace(scan, path=Path(name).relative_to(root).as_posix()) for name, scan in files.items()]
    return RawFolder(root, sorted(scans, key=lambda scan: scan.path), ()), rejected


def _shown(root: Path, path: str) -> str:
    """From here, where it lies below; else in full."""
    whole, here = root / path, Path.cwd()
    return _escape((whole.relative_to(here) if whole.is_relative_to(here) else whole).as_posix())


def _escape(name: str) -> str:
    """What could command a terminal, forge a line or is no text at all, as its code."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in name)


def _number(scan: Scan, numbers: dict[str, str]) -> str | None:
    """P0001 … in the order of first scans: what a header calls the patient is told to nobody."""
    return None if scan.patient is None else numbers.setdefault(scan.patient, f"P{len(numbers) + 1:04d}")


def _reject(scan: str, reason: str) -> RejectedRow:
    return RejectedRow(scan=scan, reason=reason)
