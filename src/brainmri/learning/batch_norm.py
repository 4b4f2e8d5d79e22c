"""Batch-normalization statistics that belong to the weights they are used with."""

from fastai.callback.core import Callback
from torch.optim.swa_utils import update_bn

from brainmri.learning.precision import autocast
from brainmri.learning.recipe import Precision


class FreshStatistics(Callback):  # type: ignore[misc]
    """Measures the statistics anew over the training images, before each validation.

    The running averages lag behind weights that move fast, and over a dozen small batches an epoch
    they are noise: validation losses in the hundreds come of it. PreciseBN of Wu and Johnson 2021,
    "Rethinking 'Batch' in BatchNorm", arXiv 2105.07576, by torch's `update_bn`.
    """

    def __init__(self, precision: Precision) -> None:
        """`precision` is that of training."""
        self.precision = precision

    def before_validate(self) -> None:
        """One pass over the training images without gradients; not while a learning rate is looked for."""
        if not hasattr(self.learn, "lr_finder"):
            with autocast(self.dls.device.type, self.precision):
                update_bn(self.dls.train, self.learn.model)
            self.learn.model.eval()
