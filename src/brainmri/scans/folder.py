"""A folder of raw scans -> the scans in it, with what is known of each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from brainmri.errors import BadInput
from brainmri.tables import Row, read_rows

TABLE_NAME = "scans.csv"


@dataclass(frozen=True)
class Scan:
    """One file of the raw folder; paths are POSIX and relative to it."""

    path: str
    label: str | None
    patient: str | None
    mask: str | None
    subset: str | None


@dataclass(frozen=True)
class RawFolder:
    """What stands in a raw folder: its scans by path, and what was passed over and why."""

    root: Path
    scans: Sequence[Scan]
    notices: Sequence[str]


class ScanRow(Row):
    """A line of scans.csv; every column but `path` may be missing."""

    path: str
    label: str | None = None
    patient: str | None = None
    mask: str | None = None
    subset: str | None = None


def list_scans(root: Path) -> RawFolder:
    """The scans below `root`: by its scans.csv if it has one, else one class a folder, at any depth below.

    Files and folders whose names start with a dot are no scans. Raises `BadInput` for a folder that
    is missing, empty or holds neither.
    """
    if not root.is_dir():
        raise BadInput(f"raw: expected a folder of scans, came {root} (not a folder here); correct `raw`")
    if (root / TABLE_NAME).is_file():
        found = RawFolder(root, _read_table(root), ())
    else:
        found = _read_class_folders(root)
    if not found.scans:
        raise BadInput(f"{root}: expected a folder a class with scans in it, or a {TABLE_NAME}, came no scan")
    return found


def _read_table(root: Path) -> list[Scan]:
    rows = read_rows(root / TABLE_NAME, ScanRow)
    scans = [Scan(**dict(row)) for row in rows]
    seen: set[str] = set()
    for line, scan in enumerate(scans, start=2):
        for path in (scan.path, scan.mask):
            if path is not None and (PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts):
                raise BadInput(f"{root / TABLE_NAME}: line {line}: expected a path below {root}, came {path}")
        if scan.path in seen:
            raise BadInput(f"{root / TABLE_NAME}: line {line}: {scan.path} stands there twice; remove one")
        seen.add(scan.path)
    return sorted(scans, key=lambda scan: scan.path)


def _read_class_folders(root: Path) -> RawFolder:
    folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    listings = {folder.name: _list_files(folder) for folder in folders}
    notices = _notice_loose_files(root)
    for name in list(listings):
        if _repeats_others(root, name, listings):
            notices.append(
                f"{root / name} repeats the classes beside it; its {len(listings[name])} files are left out"
            )
            del listings[name]
    scans = [
        Scan(path=f"{label}/{path}", label=label, patient=None, mask=None, subset=None)
        for label, paths in listings.items()
        for path in paths
    ]
    return RawFolder(root, sorted(scans, key=lambda scan: scan.path), notices)


def _notice_loose_files(root: Path) -> list[str]:
    loose = [path for path in root.iterdir() if path.is_file() and not path.name.startswith(".")]
    return [f"{len(loose)} files lie in no class folder of {root} and are left out"] if loose else []


def _list_files(folder: Path) -> list[str]:
    return sorted(path.as_posix() for path in _walk(folder, PurePosixPath()))


def _walk(folder: Path, below: PurePosixPath) -> Iterator[PurePosixPath]:
    for entry in folder.iterdir():
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _walk(entry, below / entry.name)
        elif not entry.name.isprintable():
            raise BadInput(f"{folder}: expected file names in UTF-8, came {entry.name!r}; rename it")
        else:
            yield below / entry.name


def _repeats_others(root: Path, name: str, listings: dict[str, list[str]]) -> bool:
    """Whether `name` holds the classes beside it once more, file for file (as Kaggle's archive does)."""
    others = {f"{label}/{path}" for label, paths in listings.items() if label != name for path in paths}
    own = listings[name]
    return bool(own) and all(
        path in others and (root / path).stat().st_size == (root / name / path).stat().st_size for path in own
    )
