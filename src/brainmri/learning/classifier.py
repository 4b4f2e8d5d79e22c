"""Prepared set and manifest -> a trained classifier, by fastai."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import fastai.callback.schedule  # noqa: F401 - gives Learner fit_one_cycle and lr_find
import numpy as np
import torch
from fastai.callback.channelslast import ChannelsLast
from fastai.callback.tracker import EarlyStoppingCallback
from fastai.callback.training import GradientClip
from fastai.data.core import DataLoaders
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat, FocalLossFlat, LabelSmoothingCrossEntropyFlat
from fastai.metrics import accuracy
from fastai.torch_core import set_seed
from fastai.vision.learner import vision_learner
from numpy.typing import NDArray

from brainmri.dataset.manifest import ManifestRow, Subset
from brainmri.dataset.prepared import PreparedSet
from brainmri.learning.augmentation import build_augmentation
from brainmri.learning.averaging import AveragedWeights
from brainmri.learning.backbones import CLASSES, constructor, start_from
from brainmri.learning.batches import (
    ArrayDataset,
    Normalization,
    choose_normalization,
    join_loaders,
    make_loader,
    to_tensor,
)
from brainmri.learning.precision import Autocast, choose_precision
from brainmri.learning.progress import Progress, log_plainly
from brainmri.learning.recipe import ClassWeights, Loss, Precision, Recipe, choose_batch_size
from brainmri.learning.records import EpochRow
from brainmri.learning.weights import StartWeights, State, read_start_weights

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
    batch_size: int
    start: StartWeights | None


@dataclass(frozen=True)
class TrainedClassifier:
    """The weights of the best and of the last epoch (fastai's names), and each epoch's figures."""

    best: State
    last: State
    best_epoch: EpochRow
    epochs: Sequence[EpochRow]
    training: Training


def select_training_data(prepared: PreparedSet, manifest: Sequence[ManifestRow]) -> TrainingData:
    """Training and validation images in memory; nothing else of the set is read."""
    classes = prepared.is_positive().astype(np.int64)

    def pick(subset: Subset, split_idx: int) -> ArrayDataset:
        rows = np.array([row.subset is subset for row in manifest])
        return ArrayDataset(to_tensor(prepared.images[rows]), torch.from_numpy(classes[rows]), split_idx)

    return TrainingData(pick(Subset.TRAIN, 0), pick(Subset.VALID, 1))


def build_training(data: TrainingData, recipe: Recipe, batch_size: int) -> Training:
    """fastai's `vision_learner` by `recipe`, seeded here: the same recipe and data give the same training."""
    start = read_start_weights(recipe.weights, recipe.arch)
    torch.set_num_threads(recipe.train.threads)
    set_seed(recipe.seed, reproducible=True)
    normalization = choose_normalization(recipe.train.scaling, data.train.images)
    loaders = _load(data, recipe, normalization, batch_size)
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
        cbs=[
            ChannelsLast(),
            GradientClip(recipe.train.clip_norm),
            AveragedWeights(recipe.train.averaging, precision),
        ],
    )
    log_plainly(learner)
    if precision is Precision.BF16:
        learner.add_cb(Autocast())
    if start is not None:
        start_from(learner.model, recipe.arch, start)
        learner.freeze()
    return Training(learner, progress, normalization, precision, batch_size, start)


def train_classifier(
    prepared: PreparedSet, manifest: Sequence[ManifestRow], recipe: Recipe, epochs: int, lr: float
) -> TrainedClassifier:
    """Trains on the training subset for at most `epochs` epochs; keeps the best by validation loss."""
    data = select_training_data(prepared, manifest)
    training = build_training(data, recipe, choose_batch_size(len(data.train), recipe.train))
    return _fit(training, recipe, epochs, lr)


def _fit(training: Training, recipe: Recipe, epochs: int, lr: float) -> TrainedClassifier:
    """The paper's fine-tuning: the head alone for `frozen_epochs`, then all of it for `epochs`, one-cycle.

    The schedule is fastai's `fine_tune`: after the frozen part half the rate, and a hundredth of it
    for the first layers. Random weights (`weights: none`) have nothing to protect: no frozen epoch,
    one rate for all.
    """
    learner, watched = training.learner, [training.progress]
    stop = EarlyStoppingCallback(patience=recipe.train.patience)
    if recipe.pretrained:
        if recipe.train.frozen_epochs:
            learner.fit_one_cycle(recipe.train.frozen_epochs, slice(lr), pct_start=0.99, cbs=watched)
            training.progress.check()
        learner.unfreeze()
        learner.fit_one_cycle(epochs, slice(lr / 200, lr / 2), pct_start=0.3, div=5.0, cbs=[*watched, stop])
    else:
        learner.fit_one_cycle(epochs, lr, cbs=[*watched, stop])
    progress = training.progress
    progress.check()
    if progress.best is None:
        raise RuntimeError("training ended without an epoch")
    return TrainedClassifier(
        progress.best_state,
        copy.deepcopy(learner.model.state_dict()),
        progress.best,
        progress.epochs,
        training,
    )


def _load(data: TrainingData, recipe: Recipe, normalization: Normalization, batch_size: int) -> DataLoaders:
    augmentation = build_augmentation(recipe.train.augment)
    return join_loaders(
        make_loader(data.train, batch_size, normalization, augmentation),
        make_loader(data.valid, _VALID_BATCH, normalization),
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
