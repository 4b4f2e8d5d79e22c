"""Files and folders that are replaced as a whole: a reader sees the old or the new, never half of one."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


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
    removed first, so only one at a time may replace a folder.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_stale(folder)
    aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        yield aside
        folder.mkdir(exist_ok=True)
        for name in names:
            _replace(aside / name, folder / name)
    finally:
        shutil.rmtree(aside)


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
    """Removes folders whose names are of the pattern that `mkdtemp` gives for this one."""
    aside = re.compile(re.escape(f".{folder.name}.") + "[a-z0-9_]{8}")
    for path in folder.parent.iterdir():
        if aside.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
