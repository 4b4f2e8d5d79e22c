"""The numbers that a batch of pictures is rendered from: a column a quantity, a value a picture."""

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

Column: TypeAlias = NDArray[np.float32]  # (n,)
Columns: TypeAlias = dict[str, Column]


class Drawn:
    """Columns on a device, each as (n, 1, 1) to be combined with maps (n, rows, columns).

    The host keeps its own copy, so that choosing pictures by a column never waits for a GPU.
    """

    def __init__(self, columns: Mapping[str, Column], device: torch.device) -> None:
        """All columns have one length, at least 1."""
        self.host = dict(columns)
        self._place = {name: place for place, name in enumerate(self.host)}
        stacked = np.stack([np.asarray(column, np.float32) for column in self.host.values()])
        self._values = torch.from_numpy(stacked).to(device, non_blocking=True)[:, :, None, None]

    def __getitem__(self, name: str) -> torch.Tensor:
        """The column `name`, (n, 1, 1)."""
        return self._values[self._place[name]]

    def __len__(self) -> int:
        """The number of pictures."""
        return len(next(iter(self.host.values())))

    @property
    def device(self) -> torch.device:
        """Where the columns are."""
        return self._values.device

    def vector(self, *names: str) -> torch.Tensor:
        """Several columns side by side, (n, len(names), 1, 1)."""
        return torch.stack([self[name] for name in names], dim=1)

    def take(self, rows: NDArray[np.intp]) -> "Drawn":
        """Those of some pictures."""
        return Drawn({name: column[rows] for name, column in self.host.items()}, self.device)

    def rows(self, name: str) -> NDArray[np.intp]:
        """The pictures whose `name` is not 0."""
        return np.flatnonzero(self.host[name])
