"""Files and folders that are replaced as a whole: a reader sees the old or the new, never half of one."""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from filelock import FileLock

# Held by the run that writes in a folder aside, from soon after it has made it.
_LOCK: Final = ".lock"
_BEGINNING_SECONDS: Final = 60.0


@contextmanager
def replacing_file(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; its file takes the place of `path` at the end, if all went well.

    It is synced before, so that what stands under `path` is whole even after a power cut.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    aside = Path(name)
    try:
        yield aside
        with aside.open("rb+") as file:
            os.fsync(file.fileno())
        aside.chmod(0o644)
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


@contextmanager
def replacing_folder(folder: Path, names: Sequence[str]) -> Iterator[Path]:
    """A folder aside to write in; what is in it replaces that of `folder` at the end, if all went well.

    Of `names`, what was not written aside is gone from `folder` then. What a killed run left aside is
    removed first, what a living one has there is not: of two, the one that ends last is what stands, and
    nothing is promised of two that end at the same moment.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_stale(folder)
    aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    lock = FileLock(aside / _LOCK, preserve_lock_file=True)
    try:
        with suppress(OSError, NotImplementedError):  # a file system without locks
            lock.acquire()
        yield aside
        folder.mkdir(exist_ok=True)
        for name in names:
            _replace(aside / name, folder / name)
    finally:
        lock.release()
        shutil.rmtree(aside, ignore_errors=True)


def _replace(new: Path, old: Path) -> None:
    if old.is_dir() and not old.is_symlink():
        shutil.rmtree(old)
    if not new.exists():
        old.unlink(missing_ok=True)
        return
    if new.is_file():
        new.chmod(0o644)
    new.replace(old)


def _remove_stale(folder: Path) -> None:
    """Removes folders whose names are of the pattern that `mkdtemp` gives for this one, but those of a run.

    A young one without a lock file may be of a run that has just made it.
    """
    aside = re.compile(re.escape(f".{folder.name}.") + "[a-z0-9_]{8}")
    for path in folder.parent.iterdir():
        if aside.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
            _remove_free(path)


def _remove_free(aside: Path) -> None:
    # Held by its run, just removed by another, or where there are no locks: then nobody can tell.
    with suppress(OSError, NotImplementedError):
        if (aside / _LOCK).exists():
            with FileLock(aside / _LOCK, timeout=0, preserve_lock_file=True):
                shutil.rmtree(aside)
        elif time.time() - aside.stat().st_mtime > _BEGINNING_SECONDS:
            shutil.rmtree(aside)
