"""Classifying slices: tumor or none, by fastai's classifier on a torchvision network."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from fastai.losses import CrossEntropyLossFlat, FocalLossFlat, LabelSmoothingCrossEntropyFlat
from fastai.metrics import accuracy
from numpy.typing import NDArray
from torch import nn

from brainmri.dataset.manifest import ManifestRow
from brainmri.dataset.prepared import PreparedSet
from brainmri.learning.backbones import CLASSES, build_network
from brainmri.learning.batches import ArrayDataset
from brainmri.learning.recipe import ClassWeights, Loss, Recipe
from brainmri.learning.records import EpochRow
from brainmri.learning.training import TrainingData, select_training_data


class Classification:
    """The task of the paper."""

    row = EpochRow
    valid_batch = 64

    def list_targets(self, prepared: PreparedSet) -> NDArray[np.int64]:
        """(slices,): 1 means tumor."""
        return prepared.is_positive().astype(np.int64)

    def build_network(self, recipe: Recipe) -> nn.Module:
        """(n, 3, size, size) -> (n, 2) logits."""
        return build_network(recipe.arch, recipe.train.dropout, recipe.train.pooling)

    def choose_loss(self, recipe: Recipe, train: ArrayDataset) -> Any:
        """The loss of the recipe; balanced weights are those of the training subset."""
        weight = None
        if recipe.train.class_weights is ClassWeights.BALANCED:
            counts = np.bincount(train.classes.numpy(), minlength=CLASSES)
            weight = torch.tensor(len(train) / (CLASSES * counts), dtype=torch.float32)
        losses = {
            Loss.CROSS_ENTROPY: CrossEntropyLossFlat,
            Loss.FOCAL: FocalLossFlat,
            Loss.LABEL_SMOOTHING: LabelSmoothingCrossEntropyFlat,
        }
        return losses[recipe.train.loss](weight=weight)

    def watch(self) -> Any:
        """fastai's accuracy."""
        return accuracy


def select_classes(prepared: PreparedSet, manifest: Sequence[ManifestRow]) -> TrainingData:
    """Training and validation images with their classes."""
    return select_training_data(prepared, manifest, Classification())
