"""The numbers that a batch of pictures is rendered from: a column a quantity, a value a picture."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

Columns: TypeAlias = dict[str, NDArray[Any]]  # each (n,), numbers or bool


class Drawn:
    """Columns on a device, each as (n, 1, 1) to be combined with maps (n, rows, columns).

    The host keeps its own copy, so that choosing pictures by a column never waits for a GPU.
    """

    def __init__(self, host: Mapping[str, NDArray[np.float32]], device: torch.device) -> None:
        """All columns have one length, at least 1."""
        self._host = dict(host)
        self._place = {name: place for place, name in enumerate(self._host)}
        stacked = torch.from_numpy(np.stack(list(self._host.values())))
        self._values = stacked.to(device, non_blocking=True)[:, :, None, None]

    def __getitem__(self, name: str) -> torch.Tensor:
        """The column `name`, (n, 1, 1)."""
        return self._values[self._place[name]]

    def __len__(self) -> int:
        """The number of pictures."""
        return len(next(iter(self._host.values())))

    @property
    def device(self) -> torch.device:
        """Where the columns are."""
        return self._values.device

    def find(self, *names: str) -> NDArray[np.intp]:
        """Which pictures have none of these columns 0, in order; on the host."""
        return np.flatnonzero(np.prod([self._host[name] for name in names], axis=0))

    def take(self, rows: NDArray[np.intp]) -> "Drawn":
        """Those of some pictures."""
        return Drawn({name: column[rows] for name, column in self._host.items()}, self.device)
