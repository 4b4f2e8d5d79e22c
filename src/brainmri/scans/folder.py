"""A folder of raw scans -> the scans in it, with what is known of each."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from brainmri.errors import BadInput
from brainmri.scans.files import hash_file
from brainmri.tables import Row, read_rows

TABLE_NAME = "scans.csv"


@dataclass(frozen=True)
class Scan:
    """One file of the raw folder, or a series of files in order; paths are POSIX and relative to it.

    `path` names the scan: of a series, its first file by name. `numbered` says that its slices carry numbers.
    """

    path: str
    label: str | None
    patient: str | None
    mask: str | None
    subset: str | None
    series: tuple[str, ...] = ()
    numbered: bool = False

    @property
    def files(self) -> tuple[str, ...]:
        """Its files, in the order of its slices."""
        return self.series or (self.path,)

    @property
    def slice_prefix(self) -> str:
        """What the ids of its slices begin with; scans sorted by it have their slices sorted by id."""
        return f"{self.path}#" if self.numbered else self.path


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


def list_unknown(path: Path) -> RawFolder:
    """Scans of which nothing is known: a file, or all files of a folder at any depth but a scans.csv.

    Raises `BadInput` for what is not there, and for names that can't stand in a line of text.
    """
    if path.is_dir():
        names = [name for name in _list_files(path, path) if PurePosixPath(name).name != TABLE_NAME]
        return RawFolder(path, [_unknown(name) for name in names], ())
    if not path.exists():
        raise BadInput("no such file or folder here")
    _check_letters(path.name, path.parent)
    return RawFolder(path.parent, [_unknown(path.name)], ())


def _unknown(path: str) -> Scan:
    return Scan(path, label=None, patient=None, mask=None, subset=None)


def _read_table(root: Path) -> list[Scan]:
    seen: set[str] = set()
    scans: list[Scan] = []
    for line, row in enumerate(read_rows(root / TABLE_NAME, ScanRow), start=2):
        place = f"{root / TABLE_NAME}: line {line}"
        for told in (row.label, row.patient, row.subset):
            _check_letters(told or "", place, "labels, patients and subsets")
        mask = None if row.mask is None else _inside(root, row.mask, place)
        for path in _expand(root, _inside(root, row.path, place)):
            if path in seen:
                raise BadInput(f"{place}: {path} stands there twice; remove one")
            seen.add(path)
            scans.append(Scan(path, row.label, row.patient, mask, row.subset))
    return sorted(scans, key=lambda scan: scan.path)


def _inside(root: Path, path: str, place: str) -> str:
    """A path of the table in its one spelling; `BadInput` if it leads out of `root`, by a link too."""
    _check_letters(path, place)
    pure = PurePosixPath(path)
    try:
        outside = pure.is_absolute() or ".." in pure.parts
        outside = outside or not (root / pure).resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):  # a link to itself: reading it says so
        outside = False
    if outside:
        raise BadInput(f"{place}: expected a path below {root}, came {path!r}")
    return pure.as_posix()


def _check_letters(name: str, place: object, what: str = "file names") -> None:
    """Refuses what can't stand in a line of a table or of text; odd spaces can (macOS puts them in names)."""
    kinds = {unicodedata.category(letter) for letter in name}
    if "Cs" in kinds:
        raise BadInput(f"{place}: expected {what} in UTF-8, came {name!r}; rename it")
    if "Cc" in kinds:
        raise BadInput(f"{place}: expected {what} without control characters, came {name!r}; rename it")


def _expand(root: Path, path: str) -> list[str]:
    """A folder stands for the files in it, as series are given; an empty one for itself, to be rejected."""
    try:
        if not (root / path).is_dir():
            return [path]
    except OSError:
        return [path]
    return [f"{path}/{name}" for name in _list_files(root / path, root)] or [path]


def _read_class_folders(root: Path) -> RawFolder:
    folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    for folder in folders:
        _check_letters(folder.name, root)
    listings = {folder.name: _list_files(folder, root) for folder in folders}
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


def _list_files(folder: Path, root: Path) -> list[str]:
    seen = {root.resolve(), folder.resolve()}
    return sorted(path.as_posix() for path in _walk(folder, PurePosixPath(), seen))


def _walk(folder: Path, below: PurePosixPath, seen: set[Path]) -> Iterator[PurePosixPath]:
    """Every file; a folder `seen` before, by a link, is listed as a file, to be rejected as none."""
    for entry in _entries(folder):
        if entry.name.startswith("."):
            continue
        _check_letters(entry.name, folder)
        if entry.is_dir() and (real := entry.resolve()) not in seen:
            seen.add(real)
            yield from _walk(entry, below / entry.name, seen)
        else:
            yield below / entry.name


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise BadInput(f"{folder}: can't be listed ({error.strerror}); change its permissions") from None


def _repeats_others(root: Path, name: str, listings: dict[str, list[str]]) -> bool:
    """Whether `name` holds the classes beside it once more, file for file (as Kaggle's archive does)."""
    others = {f"{label}/{path}" for label, paths in listings.items() if label != name for path in paths}
    own = listings[name]
    if not own or not others.issuperset(own):
        return False
    pairs = [(root / path, root / name / path) for path in own]
    try:
        # Sizes first: they cost nothing, and mostly tell.
        if any(first.stat().st_size != second.stat().st_size for first, second in pairs):
            return False
        return all(
            first.is_file() and second.is_file() and hash_file(first) == hash_file(second)
            for first, second in pairs
        )
    except OSError:  # a dangling link, or no permission: not known to repeat
        return False
