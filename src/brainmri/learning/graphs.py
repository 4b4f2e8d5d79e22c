"""Training steps as CUDA graphs: a GPU gets a whole pass at once, not kernel by kernel."""

from typing import Any

import torch
from fastai.callback.core import Callback
from torch import nn

from brainmri.learning.precision import autocast_for_capture
from brainmri.learning.recipe import Precision


class CapturedPasses(Callback):  # type: ignore[misc]
    """Captures the network's forward and backward pass, anew for each size of images.

    In small batches a GPU is done with a kernel sooner than the next one is launched; torch's
    `make_graphed_callables` records all of them, and launches them as one. What capturing itself draws and
    changes is undone: a training that goes on from a checkpoint captures at another moment.
    """

    # Before the batch enters autocast, which has rules of its own for a capture.
    order = -20

    def __init__(self, precision: Precision) -> None:
        """`precision` is that of training."""
        self.precision = precision
        self.network, self.shape = nn.Module(), torch.Size()

    def before_batch(self) -> None:
        """Captures, if no batch of this shape came before."""
        images: torch.Tensor = self.xb[0]
        if self.training and images.shape != self.shape:
            self._release()
            self.network, self.shape = self.learn.model, images.shape
            capture(self.network, images, self.precision)

    def after_fit(self) -> None:
        """Gives the network its own forward pass back."""
        self._release()

    def _release(self) -> None:
        # What is learnt on may be another network by now: the average.
        vars(self.network).pop("forward", None)
        self.shape = torch.Size()


def capture(network: nn.Module, images: torch.Tensor, precision: Precision) -> None:
    """Replaces `network.forward`, while it trains, by CUDA graphs for batches like `images`."""
    generator: Any = torch.cuda.get_rng_state()
    buffers = [buffer.clone() for buffer in network.buffers()]
    with autocast_for_capture(precision):
        torch.cuda.make_graphed_callables(network, (images.clone(),))
    for buffer, before in zip(network.buffers(), buffers, strict=True):
        buffer.copy_(before)
    torch.cuda.set_rng_state(generator)
