"""What is validated and kept: weights averaged over the last steps, with statistics that fit them."""

import numpy as np
import torch
from fastai.callback.core import Callback
from numpy.typing import NDArray
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from brainmri.learning.batches import ArrayDataset, ArrayLoader
from brainmri.learning.precision import autocast
from brainmri.learning.recipe import Averaging, Precision


class AveragedWeights(Callback):  # type: ignore[misc]
    """Validates an exponential average of the weights; after a fit the network holds it.

    Over a dozen small batches an epoch the weights of one step are noise, and so would be the choice of
    the best epoch. The average by torch's `AveragedModel`; its batch-normalization statistics are
    measured anew on training images that are not augmented (PreciseBN of Wu and Johnson 2021, "Rethinking
    'Batch' in BatchNorm", arXiv 2105.07576, by torch's `update_bn`), as running averages lag behind
    weights that move fast: validation losses in the hundreds come of it.
    """

    def __init__(self, params: Averaging, precision: Precision, *, measures: bool = True) -> None:
        """`precision` is that of training; without `measures` the statistics stay as they are."""
        self.params, self.precision, self.measures = params, precision, measures

    def before_fit(self) -> None:
        """Starts a new average; not while a learning rate is looked for."""
        self.run = not hasattr(self.learn, "lr_finder")
        if self.run:
            self.trained = self.learn.model
            self.average = AveragedModel(self.trained)
            # Whether the average holds weights yet; None until a checkpoint may have been read.
            self.begun: bool | None = None

    def before_train(self) -> None:
        """Goes on with the weights that are trained."""
        self.learn.model = self.trained.train()

    def after_step(self) -> None:
        """Takes the weights of every so many steps, and of an epoch's last, into the average."""
        done = self.iter + 1
        since = done % self.params.every or self.params.every
        if since == self.params.every or done == self.n_iter:
            self._take_in(self.params.decay**since)

    def before_validate(self) -> None:
        """Puts the average, with statistics of its own, in the place of the network."""
        network = self.average.module
        if self.measures:
            with autocast(self.dls.device.type, self.precision):
                update_bn(self._load_sample(), network)
        self.learn.model = network.eval()

    def after_fit(self) -> None:
        """Leaves the average in the network that was given."""
        self.trained.load_state_dict(self.average.module.state_dict())
        self.learn.model = self.trained

    @torch.no_grad()
    def _take_in(self, decay: float) -> None:
        """As `AveragedModel.update_parameters`, which copies buffers too, and waits for a GPU to do so."""
        averaged, trained = list(self.average.module.parameters()), list(self.trained.parameters())
        if self.begun is None:
            self.begun = bool(self.average.n_averaged)
        if not self.begun:
            decay, self.begun = 0.0, True
        get_ema_multi_avg_fn(decay)(averaged, trained, self.average.n_averaged)  # type: ignore[no-untyped-call]
        self.average.n_averaged += 1

    def _load_sample(self) -> ArrayLoader:
        """Training images in full batches, each spread evenly over the set, as validation images come."""
        whole: ArrayDataset = self.dls.train.dataset
        valid: ArrayLoader = self.dls.valid
        places = spread(len(whole), self.params.images, valid.bs)
        sample = ArrayDataset(whole.images[places], whole.targets[places], valid.dataset.split_idx)
        loader: ArrayLoader = valid.new(sample)
        return loader


class KeptStatistics(Callback):  # type: ignore[misc]
    """Batch normalization by the statistics that came with given weights, in training too.

    Those of some hundred images fit worse than those of millions that the weights were learnt with.
    """

    # After what puts the network into training.
    order = 1

    def before_train(self) -> None:
        """Scale and shift of each channel are learnt all the same."""
        for module in self.learn.model.modules():
            if isinstance(module, _BatchNorm):
                module.eval()


def spread(size: int, most: int, batch: int) -> NDArray[np.intp]:
    """At most `most` of `size` places, in batches that each run over all of them.

    Sets are sorted by class, and a batch of one class has other statistics. More than a batch is cut to
    full ones; less is one batch.
    """
    count = min(most, size)
    batches = max(1, count // batch)
    places = np.linspace(0, size - 1, min(count, batches * batch)).round().astype(np.intp)
    return np.concatenate([places[start::batches] for start in range(batches)])
