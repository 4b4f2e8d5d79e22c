"""What pretraining needs of phantoms, whoever draws them."""

from typing import Protocol, TypeVar

import torch


class Phantoms(Protocol):
    """A batch to learn from; shapes and ranges are those of `PhantomBatch`."""

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
        """Those in a range of places."""


class LabeledPhantoms(Phantoms, Protocol):
    """A batch of which it is known what tumors it has, to be tested on."""

    @property
    def kind(self) -> torch.Tensor:
        """int64 (n,), of `Kind`."""

    @property
    def area(self) -> torch.Tensor:
        """float32 (n,): the share of the picture that is tumor."""


Batch_co = TypeVar("Batch_co", bound=Phantoms, covariant=True)


class Generator(Protocol[Batch_co]):
    """What draws phantoms, on the device where networks learn (`training_device`)."""

    def render(self, seed: int, index: int, count: int, size: int) -> Batch_co:
        """Batch `index` of an endless sequence: the same arguments give the same pictures."""
