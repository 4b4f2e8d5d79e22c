"""What a file is, by its first bytes and never by its name."""

import hashlib
import mmap
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final, cast

from brainmri.errors import BadInput

NIFTI_HEADER_BYTES: Final = 540  # of NIfTI-2, the longer one
_GZIP: Final = b"\x1f\x8b"
_MEGABYTE: Final = 1_000_000


class FileKind(StrEnum):
    """The readers there are."""

    PICTURE = "picture"
    DICOM = "DICOM"
    NIFTI = "NIFTI"


def detect_kind(path: Path) -> FileKind:
    """DICOM and NIfTI by their marks (DICOM PS3.10 7.1; nifti1.h, nifti2.h), else a picture."""
    try:
        head = read_head(path, NIFTI_HEADER_BYTES)
    except (BadInput, zlib.error):
        return FileKind.PICTURE
    if head[128:132] == b"DICM":
        return FileKind.DICOM
    if head[344:348] in (b"n+1\0", b"ni1\0") or head[4:8] in (b"n+2\0", b"ni2\0"):
        return FileKind.NIFTI
    return FileKind.PICTURE


def read_head(path: Path, count: int) -> bytes:
    """The first `count` bytes, of what is inside where the file is gzipped."""
    check_regular(path)
    with path.open("rb") as file:
        head = file.read(2 * count)
    return zlib.decompressobj(wbits=31).decompress(head, count) if head.startswith(_GZIP) else head[:count]


def is_gzipped(path: Path) -> bool:
    """Whether the file begins as gzip does."""
    with path.open("rb") as file:
        return file.read(2) == _GZIP


def check_regular(path: Path) -> int:
    """The size of a file in bytes; `BadInput` for what is none (a pipe would be waited for without end)."""
    try:
        status = path.stat()
    except OSError as error:
        raise BadInput(f"can't be read ({error.strerror})") from None
    if not stat.S_ISREG(status.st_mode):
        raise BadInput("expected a file, came a folder, pipe or device")
    if not os.access(path, os.R_OK):
        raise BadInput("can't be read (Permission denied)")
    if status.st_size == 0:
        raise BadInput("the file has no bytes")
    return status.st_size


def check_file(path: Path, max_megabytes: int) -> int:
    """The size of a file in bytes; `BadInput` for one that is too large to be held in memory."""
    size = check_regular(path)
    if size > max_megabytes * _MEGABYTE:
        raise BadInput(
            f"expected at most {max_megabytes} megabytes (prepare.max_volume_megabytes), "
            f"came {size / _MEGABYTE:.0f}"
        )
    return size


def hash_file(path: Path) -> str:
    """SHA-256 of the file's bytes, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def map_file(path: Path) -> Iterator[BinaryIO]:
    """A file as mapped bytes: an open one, asked for the length in a broken header, takes that memory."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        yield cast(BinaryIO, content)
