"""Prepared set and recipe -> a fastai learner, ready to fit."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import fastai.callback.schedule  # noqa: F401 - gives Learner fit_one_cycle and lr_find
import numpy as np
import torch
from fastai.callback.channelslast import ChannelsLast
from fastai.data.core import DataLoaders
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat, FocalLossFlat, LabelSmoothingCrossEntropyFlat
from fastai.metrics import accuracy
from fastai.torch_core import set_seed
from fastai.vision.learner import vision_learner
from numpy.typing import NDArray

from brainmri.allocation import keep_freed_memory
from brainmri.dataset.manifest import ManifestRow, Subset
from brainmri.dataset.prepared import PreparedSet
from brainmri.learning.augmentation import build_augmentation
from brainmri.learning.averaging import AveragedWeights
from brainmri.learning.backbones import CLASSES, constructor, set_pooling, start_from
from brainmri.learning.batches import (
    ArrayDataset,
    Normalization,
    choose_normalization,
    join_loaders,
    make_loader,
    to_tensor,
)
from brainmri.learning.graphs import CapturedPasses
from brainmri.learning.optimizer import FusedAdam
from brainmri.learning.precision import Autocast, choose_precision
from brainmri.learning.progress import Progress, SmoothLoss, log_plainly
from brainmri.learning.recipe import ClassWeights, EpochPlan, Loss, Precision, Recipe
from brainmri.learning.resizing import ProgressiveResizing
from brainmri.learning.weights import StartWeights, read_start_weights

_VALID_BATCH = 64


@dataclass(frozen=True)
class TrainingData:
    """The images and classes of the training and the validation subset."""

    train: ArrayDataset
    valid: ArrayDataset


@dataclass(frozen=True)
class Training:
    """A learner ready to fit, and what was decided while it was built."""

    learner: Learner
    progress: Progress
    normalization: Normalization
    precision: Precision
    plan: EpochPlan
    start: StartWeights | None
    side: int | None


def select_training_data(prepared: PreparedSet, manifest: Sequence[ManifestRow]) -> TrainingData:
    """Training and validation images in memory; nothing else of the set is read."""
    classes = prepared.is_positive().astype(np.int64)

    def pick(subset: Subset, split_idx: int) -> ArrayDataset:
        rows = np.array([row.subset is subset for row in manifest])
        return ArrayDataset(to_tensor(prepared.images[rows]), torch.from_numpy(classes[rows]), split_idx)

    return TrainingData(pick(Subset.TRAIN, 0), pick(Subset.VALID, 1))


def build_training(data: TrainingData, recipe: Recipe, plan: EpochPlan) -> Training:
    """fastai's `vision_learner` by `recipe`, seeded here: the same recipe and data give the same training."""
    start = read_start_weights(recipe.weights, recipe.arch)
    keep_freed_memory()
    torch.set_num_threads(recipe.train.threads)
    set_seed(recipe.seed, reproducible=True)
    normalization = choose_normalization(recipe.train.scaling, data.train.images)
    loaders = _load(data, recipe, normalization, plan)
    precision, progress = choose_precision(recipe.train.precision), Progress()
    learner = vision_learner(
        loaders,
        constructor(recipe.arch),
        normalize=False,
        n_out=CLASSES,
        pretrained=False,
        ps=recipe.train.dropout,
        loss_func=_choose_loss(recipe, data.train.classes.numpy()),
        metrics=accuracy,
        wd=recipe.train.weight_decay,
        opt_func=partial(FusedAdam, clip_norm=recipe.train.clip_norm),
        cbs=[
            ChannelsLast(),
            AveragedWeights(recipe.train.averaging, precision),
            ProgressiveResizing(recipe.train.progressive),
        ],
    )
    set_pooling(learner.model, recipe.train.pooling)
    log_plainly(learner)
    learner.recorder.smooth_loss = SmoothLoss(beta=learner.recorder.smooth_loss.beta)
    if loaders.device.type == "cuda" and not recipe.train.compile:
        learner.add_cb(CapturedPasses(precision))
    if precision is Precision.BF16:
        learner.add_cb(Autocast())
    if start is not None:
        start_from(learner.model, recipe.arch, start)
        learner.freeze()
    return Training(learner, progress, normalization, precision, plan, start, recipe.train.side)


def _load(data: TrainingData, recipe: Recipe, normalization: Normalization, plan: EpochPlan) -> DataLoaders:
    augmentation = build_augmentation(recipe.train.augment)
    return join_loaders(
        make_loader(data.train, plan, normalization, recipe.train.side, augmentation),
        make_loader(data.valid, EpochPlan(_VALID_BATCH, passes=1), normalization, recipe.train.side),
    )


def _choose_loss(recipe: Recipe, classes: NDArray[np.int64]) -> Any:
    weight = None
    if recipe.train.class_weights is ClassWeights.BALANCED:
        counts = np.bincount(classes, minlength=CLASSES)
        weight = torch.tensor(len(classes) / (CLASSES * counts), dtype=torch.float32)
    losses = {
        Loss.CROSS_ENTROPY: CrossEntropyLossFlat,
        Loss.FOCAL: FocalLossFlat,
        Loss.LABEL_SMOOTHING: LabelSmoothingCrossEntropyFlat,
    }
    return losses[recipe.train.loss](weight=weight)
