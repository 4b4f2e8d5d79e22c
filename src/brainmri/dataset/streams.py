"""Arrays and tables written as they come, so that memory doesn't grow with the set."""

import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray


class ArrayStream:
    """A .npy file of uint8 items of one shape; the same bytes as `numpy.save` of them all, stacked."""

    def __init__(self, path: Path, item_shape: Sequence[int]) -> None:
        """Opens the file and keeps room for its header, whose length doesn't depend on the count."""
        self._shape = tuple(item_shape)
        self._count = 0
        self._file = path.open("wb")
        self._write_header()

    def append(self, item: NDArray[np.uint8]) -> None:
        """One item more; `ValueError` for one of another shape or type."""
        if item.shape != self._shape or item.dtype != np.uint8:
            raise ValueError(f"expected uint8 of shape {self._shape}, came {item.dtype} of {item.shape}")
        self._file.write(np.ascontiguousarray(item).data)
        self._count += 1

    def zeros(self) -> NDArray[np.uint8]:
        """An item of zeros."""
        return np.zeros(self._shape, np.uint8)

    def __enter__(self) -> Self:
        """The stream itself; leaving writes the count and closes the file."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Writes the header that says how many came."""
        with self._file:
            self._file.seek(0)
            self._write_header()

    def _write_header(self) -> None:
        shape = (self._count, *self._shape)
        npy.write_array_header_1_0(self._file, {"descr": "|u1", "fortran_order": False, "shape": shape})


@contextmanager
def replacing_folder(folder: Path, names: Sequence[str]) -> Iterator[Path]:
    """A folder aside to write in; its files replace those of `folder` at the end, and only if all went well.

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
            if (aside / name).exists():
                (aside / name).chmod(0o644)
                (aside / name).replace(folder / name)
            else:
                (folder / name).unlink(missing_ok=True)
    finally:
        shutil.rmtree(aside)


def _remove_stale(folder: Path) -> None:
    """Removes folders whose names are of the pattern that `mkdtemp` gives for this one."""
    aside = re.compile(re.escape(f".{folder.name}.") + "[a-z0-9_]{8}")
    for path in folder.parent.iterdir():
        if aside.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
