"""The numbers that a batch of pictures is rendered from: a column a quantity, a value a picture."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

Columns: TypeAlias = dict[str, NDArray[Any]]  # each (n,), numbers or bool


@dataclass(frozen=True)
class Drawn:
    """Columns on a device, each as (n, 1, 1) to be combined with maps (n, rows, columns).

    `places` says where a column is in `host` (columns, n) and `values` (columns, n, 1, 1). The host keeps its
    own copy, so that choosing pictures by a column never waits for a GPU.
    """

    places: Mapping[str, int]
    host: NDArray[np.float32]
    values: torch.Tensor

    @classmethod
    def send(cls, columns: Columns, device: torch.device) -> Self:
        """Puts columns of one length, at least 1, on a device."""
        host = np.stack([column.astype(np.float32) for column in columns.values()])
        values = torch.from_numpy(host).to(device, non_blocking=True)[:, :, None, None]
        return cls({name: place for place, name in enumerate(columns)}, host, values)

    def __getitem__(self, name: str) -> torch.Tensor:
        """The column `name`, (n, 1, 1)."""
        return self.values[self.places[name]]

    def __len__(self) -> int:
        """The number of pictures."""
        return int(self.host.shape[1])

    @property
    def device(self) -> torch.device:
        """Where the columns are."""
        return self.values.device

    def part(self, pictures: slice) -> Self:
        """Those of a range of pictures."""
        return type(self)(self.places, self.host[:, pictures], self.values[:, pictures])

    def find(self, *names: str) -> NDArray[np.intp]:
        """Which pictures have none of these columns 0, in order; on the host."""
        return np.flatnonzero(self.host[[self.places[name] for name in names]].all(axis=0))

    def take(self, chosen: NDArray[np.intp], places: torch.Tensor) -> Self:
        """Those of some pictures; `places` are `chosen` on the device."""
        return type(self)(self.places, self.host[:, chosen], self.values.index_select(1, places))
