"""Progressive resizing: the first epochs on smaller images; early stopping that waits for the others."""

from fastai.callback.core import Callback
from fastai.callback.tracker import EarlyStoppingCallback, TrackerCallback

from brainmri.learning.batches import ShrinkImages
from brainmri.learning.recipe import Progressive


class ProgressiveResizing(Callback):  # type: ignore[misc]
    """Shrinks what the first epochs of a fit train on; validation sees images as they were prepared.

    As fastai's team did for DAWNBench (2018), and Tan and Le 2021, "EfficientNetV2" (arXiv 2104.00298). The
    size follows from the number of the epoch alone, so an interrupted training goes on with the right one.
    Where given weights are frozen, nothing is shrunk: the head learns what it is for.
    """

    def __init__(self, params: Progressive) -> None:
        """A share of 0 leaves all epochs as they are."""
        self.params = params

    @property
    def shrinks(self) -> bool:
        """Whether the epoch under way is one of the small ones; below a share of 1 the last never is."""
        small = int(self.params.share * self.n_epoch + 1e-9)
        return bool(self.opt.frozen_idx == 0 and self.epoch < small)

    def before_train(self) -> None:
        """Chooses the epoch's size; a search for a learning rate is one of the first epochs."""
        searching = hasattr(self.learn, "lr_finder")
        first = searching and self.params.share > 0 and self.opt.frozen_idx == 0
        self._set(self.params.size if first or (self.shrinks and not searching) else None)

    def after_fit(self) -> None:
        """Leaves the loader as it was."""
        self._set(None)

    def _set(self, size: int | None) -> None:
        for step in self.dls.train.after_batch.fs:
            if isinstance(step, ShrinkImages):
                step.limit(size)


class EarlyStopping(EarlyStoppingCallback):  # type: ignore[misc]
    """fastai's, but epochs on small images don't count: they may not get better at the full size."""

    def after_epoch(self) -> None:
        """Counts the epochs without a better validation loss."""
        if self.learn.progressive_resizing.shrinks:
            TrackerCallback.after_epoch(self)
        else:
            super().after_epoch()
