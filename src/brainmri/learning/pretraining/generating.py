"""What pretraining needs of a generator of phantoms."""

from typing import Protocol

from brainmri.phantom.wide.batch import PhantomBatch


class Generator(Protocol):
    """What draws phantoms, on the device where networks learn (`training_device`)."""

    def render(self, seed: int, index: int, count: int, size: int) -> PhantomBatch:
        """Batch `index` of an endless sequence: the same arguments give the same pictures."""
