"""Zip files -> the files in them, within limits; runs where strangers' files are decoded."""

import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from brainmri.errors import BadInput
from brainmri.serving.web.uploads import Upload, show_name

_MARKS: Final = (b"PK\x03\x04", b"PK\x05\x06")
_PIECE_BYTES: Final = 1 << 20
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED: Final = 0x1


@dataclass(frozen=True)
class Room:
    """What a zip file may unpack to: so many files and bytes, below a folder."""

    folder: Path
    files: int
    size: int


def is_zip(path: Path) -> bool:
    """By its first bytes."""
    with path.open("rb") as file:
        return file.read(4) in _MARKS


def unpack(room: Room, upload: Upload) -> Sequence[Upload]:
    """Writes the files in a zip file to numbered ones in a new folder below that of `room`.

    Names in it are shown and never used; bytes are counted as they come, whatever the file declares.
    Raises `BadInput`, or whatever zipfile raises.
    """
    folder = Path(tempfile.mkdtemp(dir=room.folder))
    with zipfile.ZipFile(upload.path) as archive:
        entries = list(_list_files(archive))
        if len(entries) > room.files:
            raise BadInput(
                f"expected at most {room.files} more files in this request, came {len(entries)} in a zip file"
            )
        left, found = room.size, []
        for number, entry in enumerate(entries):
            path = folder / f"{number:06d}"
            with archive.open(entry) as packed, path.open("xb") as file:
                left -= _copy(packed, file, left)  # type: ignore[arg-type]
            found.append(Upload(path, show_name(f"{upload.shown}/{entry.filename}")))
    if not found:
        raise BadInput("expected files in a zip file, came none")
    return found


def _list_files(archive: zipfile.ZipFile) -> Iterator[zipfile.ZipInfo]:
    """Files by name, without what systems add."""
    for entry in sorted(archive.infolist(), key=lambda each: each.filename):
        if entry.is_dir() or any(map(_is_hidden, entry.filename.split("/"))):
            continue
        if entry.flag_bits & _ENCRYPTED:
            raise BadInput("expected a zip file without a password, came an encrypted one")
        if entry.compress_type not in _METHODS:
            raise BadInput("expected a zip file of stored or deflated files, came another compression")
        yield entry


def _is_hidden(part: str) -> bool:
    return part == "__MACOSX" or (part.startswith(".") and part not in {".", ".."})


def _copy(packed: BinaryIO, file: BinaryIO, left: int) -> int:
    written = 0
    while piece := packed.read(_PIECE_BYTES):
        written += len(piece)
        if written > left:
            raise BadInput("expected no more in zip files than is left of the request's room, came more")
        file.write(piece)
    return written
