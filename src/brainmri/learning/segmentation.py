"""Segmenting slices: which pixels are tumor, by a U-Net."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from fastai.learner import Learner, Metric
from monai.losses import DiceCELoss, DiceLoss, FocalLoss
from numpy.typing import NDArray
from torch import nn

from brainmri.dataset.manifest import ManifestRow
from brainmri.dataset.masks import check_learnable, require_masks
from brainmri.dataset.prepared import PreparedSet
from brainmri.learning.batches import ArrayDataset
from brainmri.learning.recipe import Recipe
from brainmri.learning.records import MaskEpochRow
from brainmri.learning.segmentation_recipe import MaskDesign, MaskLoss
from brainmri.learning.training import TrainingData, select_training_data
from brainmri.learning.unet import build_unet


class PixelDice(Metric):  # type: ignore[misc]
    """2 |A and B| / (|A| + |B|) over all pixels of all slices; 0 without any."""

    name = "dice"

    def reset(self) -> None:
        """Nothing seen yet."""
        self.both: Any = 0
        self.sizes: Any = 0

    def accumulate(self, learn: Learner) -> None:
        """Takes a batch in; counts stay where the batch is, since fetching them from a GPU waits for it."""
        called, truth = learn.pred.detach() > 0, learn.y > 0.5
        self.both = self.both + (called & truth).sum()
        self.sizes = self.sizes + called.sum() + truth.sum()

    @property
    def value(self) -> float:
        """0 to 1."""
        return float(2 * self.both / max(int(self.sizes), 1))


@dataclass(frozen=True)
class Segmentation:
    """The task; its loss is over all pixels of a batch, so that slices without tumor don't decide it."""

    design: MaskDesign
    row = MaskEpochRow
    # Losses by overlap are of a whole batch; a small one may be without tumor.
    valid_batch = 256

    def list_targets(self, prepared: PreparedSet) -> NDArray[np.uint8]:
        """Masks 0/1 (slices, 1, size, size)."""
        return np.asarray(require_masks(prepared))[:, None]

    def build_network(self, recipe: Recipe) -> nn.Module:
        """(n, 3, size, size) -> (n, 1, size, size) logits."""
        return build_unet(recipe.arch, attention=self.design.attention)

    def choose_loss(self, recipe: Recipe, train: ArrayDataset) -> Any:  # noqa: ARG002 - as for every task
        """MONAI's; the focal one with the exponent of its authors (Lin et al. 2017, arXiv 1708.02002)."""
        match self.design.loss:
            case MaskLoss.DICE_CE:
                return DiceCELoss(sigmoid=True, batch=True)
            case MaskLoss.DICE:
                return DiceLoss(sigmoid=True, batch=True)
            case MaskLoss.FOCAL:
                return FocalLoss(gamma=2.0)

    def watch(self) -> Any:
        """Dice of all pixels."""
        return PixelDice()


def select_masks(prepared: PreparedSet, manifest: Sequence[ManifestRow], design: MaskDesign) -> TrainingData:
    """Training and validation images with their masks; raises `BadInput` as `check_learnable` does."""
    check_learnable(prepared, manifest)
    return select_training_data(prepared, manifest, Segmentation(design))
