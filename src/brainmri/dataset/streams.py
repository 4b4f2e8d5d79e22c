"""Arrays written as they come, so that memory doesn't grow with the set."""

import math
import os
from collections.abc import Sequence
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

    def skip(self) -> None:
        """An item of zeros more, a hole in the file where its system keeps such."""
        self._file.seek(math.prod(self._shape), os.SEEK_CUR)
        self._count += 1

    def __enter__(self) -> Self:
        """The stream itself; leaving writes the count and closes the file."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Writes the header that says how many came."""
        with self._file:
            self._file.truncate()  # up to here, also where the last items were skipped
            self._file.seek(0)
            self._write_header()

    def _write_header(self) -> None:
        shape = (self._count, *self._shape)
        npy.write_array_header_1_0(self._file, {"descr": "|u1", "fortran_order": False, "shape": shape})
