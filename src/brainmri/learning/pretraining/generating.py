"""What pretraining needs of phantoms, whoever draws them."""

from typing import Protocol

import torch


class Phantoms(Protocol):
    """A batch; shapes and ranges are those of `PhantomBatch`."""

    @property
    def images(self) -> torch.Tensor:
        """uint8 (n, 1, size, size)."""

    @property
    def tumor(self) -> torch.Tensor:
        """bool (n,)."""

    @property
    def clear(self) -> torch.Tensor:
        """bool (n,): False where the tumor can't be seen."""

    @property
    def maps(self) -> torch.Tensor:
        """float32 (n, 4, size // 8, size // 8), 0 to 1."""

    def part(self, rows: slice) -> "Phantoms":
        """Some of them."""


class Generator(Protocol):
    """What draws phantoms, on the device where the network learns."""

    device: torch.device

    def render(self, seed: int, index: int, count: int, size: int) -> Phantoms:
        """Batch `index` of an endless sequence: the same arguments give the same pictures."""
