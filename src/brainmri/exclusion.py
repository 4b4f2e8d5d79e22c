"""One process at a time: a lock that says who holds it."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from brainmri.tables import write_bytes


@contextmanager
def hold_alone(path: Path, work: str) -> Iterator[None]:
    """Holds the lock `path` of the system's; waits, and prints for whom, while another process does.

    The lock ends with its process, however that ends. `path` with `.pid` added says who holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    owner = path.with_name(f"{path.name}.pid")
    lock = FileLock(path, preserve_lock_file=True)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"{work}: process {_read_owner(owner)} is at it already; waiting for its end")
        lock.acquire(poll_interval=0.2)
    try:
        write_bytes(owner, f"{os.getpid()} on {platform.node()}\n".encode())
        yield
    finally:
        with suppress(OSError):  # what happens meanwhile matters more
            owner.unlink(missing_ok=True)
        lock.release()


@contextmanager
def hold_if_free(path: Path) -> Iterator[bool]:
    """Holds the lock `path` if no other process does; says whether it does."""
    lock = FileLock(path, preserve_lock_file=True)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _read_owner(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:  # it has just begun
        return "unknown"
