"""Which files make one scan: the DICOM files of a series in a folder, in the order of their position."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath

from brainmri.compute import look_at_each
from brainmri.confinement import Failure
from brainmri.scans.dicom_header import DicomIdentity, dot, read_identity
from brainmri.scans.dicom_places import PARALLEL
from brainmri.scans.files import FileKind, check_file, detect_kind
from brainmri.scans.folder import RawFolder, Scan
from brainmri.scans.settings import ReadingRule
from brainmri.workers import Isolate

# Headers that are read by a process at once.
_TOGETHER = 16


@dataclass(frozen=True)
class Gathered:
    """Scans sorted by the ids of their slices, and those whose header could not be read, with the reason."""

    scans: Sequence[Scan]
    failures: Sequence[tuple[Scan, str]]


def gather_scans(found: RawFolder, rule: ReadingRule, isolate: Isolate) -> Gathered:
    """Joins what belongs together and numbers the slices of what has several.

    A series is the DICOM files of one folder with the same SeriesInstanceUID, and the same label,
    patient, mask and subset where a table gives them. The patient is the header's unless a table names one.
    """
    kinds = look_at_each(detect_kind, [found.root / scan.path for scan in found.scans])
    dicom = [scan for scan, kind in zip(found.scans, kinds, strict=True) if kind is FileKind.DICOM]
    reader = partial(_identify, found.root, rule.max_volume_megabytes)
    scans = [
        replace(scan, numbered=kind is FileKind.NIFTI)
        for scan, kind in zip(found.scans, kinds, strict=True)
        if kind is not FileKind.DICOM
    ]
    failures: list[tuple[Scan, str]] = []
    files: list[tuple[Scan, DicomIdentity]] = []
    outcomes = isolate(
        reader, [scan.path for scan in dicom], "headers", _TOGETHER, partial(_list_file, found.root, rule)
    )
    for scan, outcome in zip(dicom, outcomes, strict=True):
        if isinstance(outcome, Failure):
            failures.append((scan, outcome.reason))
        else:
            files.append((replace(scan, patient=scan.patient or outcome.patient), outcome))
    scans += _join(files)
    return Gathered(sorted(scans, key=lambda scan: scan.slice_prefix), failures)


def _list_file(root: Path, rule: ReadingRule, path: str) -> list[Path]:
    check_file(root / path, rule.max_volume_megabytes)
    return [root / path]


def _identify(root: Path, max_megabytes: int, path: str) -> DicomIdentity:
    return read_identity(root / path, max_megabytes)


def _join(files: Sequence[tuple[Scan, DicomIdentity]]) -> list[Scan]:
    groups: dict[object, list[tuple[Scan, DicomIdentity]]] = {}
    for scan, identity in files:
        alone = identity.series is None or identity.frames > 1
        series = scan.path if alone else (PurePosixPath(scan.path).parent, identity.series)
        key = (series, scan.label, scan.patient, scan.mask, scan.subset)
        groups.setdefault(key, []).append((scan, identity))
    return [_to_scan(members) for members in groups.values()]


def _to_scan(members: Sequence[tuple[Scan, DicomIdentity]]) -> Scan:
    """One scan of the files of a series, named by the first by name."""
    first = min((scan for scan, _ in members), key=lambda scan: scan.path)
    if len(members) == 1:
        return replace(first, numbered=members[0][1].frames > 1)
    return replace(first, series=tuple(order_files(members)), numbered=True)


def order_files(members: Sequence[tuple[Scan, DicomIdentity]]) -> list[str]:
    """Paths by position along the slices' normal; else by InstanceNumber; else by name."""
    identities = [identity for _, identity in members]
    by_position = _are_parallel(identities)
    by_instance = all(identity.instance is not None for identity in identities)

    def place(member: tuple[Scan, DicomIdentity]) -> tuple[float, int, str]:
        scan, identity = member
        position = identity.position if by_position and identity.position is not None else 0.0
        instance = identity.instance if by_instance and identity.instance is not None else 0
        return position, instance, scan.path

    return [scan.path for scan, _ in sorted(members, key=place)]


def _are_parallel(identities: Sequence[DicomIdentity]) -> bool:
    """Whether all have a position, along one normal."""
    normal = identities[0].normal
    return normal is not None and all(
        identity.normal is not None
        and identity.position is not None
        and dot(normal, identity.normal) > 1 - PARALLEL
        for identity in identities
    )
