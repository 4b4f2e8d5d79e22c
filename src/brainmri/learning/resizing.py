"""Progressive resizing: the first epochs on smaller images."""

from fastai.callback.core import Callback

from brainmri.learning.batches import ShrinkImages
from brainmri.learning.recipe import Progressive


class ProgressiveResizing(Callback):  # type: ignore[misc]
    """Shrinks what the first epochs of a fit train on; validation sees images as they were prepared.

    As fastai's team did for DAWNBench (2018), and Tan and Le 2021, "EfficientNetV2" (arXiv 2104.00298). The
    size follows from the number of the epoch alone, so an interrupted training goes on with the right one.
    """

    def __init__(self, params: Progressive) -> None:
        """A share of 0 leaves all epochs as they are."""
        self.params = params

    def before_train(self) -> None:
        """Chooses the epoch's size; a search for a learning rate is one of the first epochs."""
        searching = hasattr(self.learn, "lr_finder")
        small = searching or self.epoch < round(self.params.share * self.n_epoch)
        self._set(self.params.size if small and self.params.share > 0 else None)

    def after_fit(self) -> None:
        """Leaves the loader as it was."""
        self._set(None)

    def _set(self, size: int | None) -> None:
        for step in self.dls.train.after_batch.fs:
            if isinstance(step, ShrinkImages):
                step.size = size
