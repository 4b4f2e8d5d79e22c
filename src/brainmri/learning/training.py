"""Prepared set and recipe -> a fastai learner, ready to fit."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import fastai.callback.schedule  # noqa: F401 - gives Learner fit_one_cycle and lr_find
import numpy as np
import torch
from fastai.callback.channelslast import ChannelsLast
from fastai.data.core import DataLoaders
from fastai.learner import Learner
from fastai.torch_core import set_seed
from numpy.typing import NDArray
from torch import nn

from brainmri.allocation import keep_freed_memory
from brainmri.dataset.manifest import ManifestRow, Subset
from brainmri.dataset.prepared import PreparedSet
from brainmri.learning.augmentation import build_augmentation
from brainmri.learning.averaging import AveragedWeights, KeptStatistics
from brainmri.learning.backbones import has_head, load_named, split_layers, start_from
from brainmri.learning.batches import (
    ArrayDataset,
    Normalization,
    choose_normalization,
    join_loaders,
    make_loader,
    to_tensor,
)
from brainmri.learning.cards import Look, list_looks
from brainmri.learning.graphs import CapturedPasses
from brainmri.learning.optimizer import FusedAdam
from brainmri.learning.precision import Autocast, choose_precision
from brainmri.learning.progress import Progress, SmoothLoss, log_plainly
from brainmri.learning.recipe import EpochPlan, Precision, Recipe
from brainmri.learning.records import EpochLosses
from brainmri.learning.resizing import ProgressiveResizing
from brainmri.learning.weights import StartWeights, read_start_weights


class Task(Protocol):
    """What a network is trained for; all else of a training is the same for every task."""

    @property
    def row(self) -> type[EpochLosses]:
        """What is noted of an epoch; its last field is what `watch` measures."""

    @property
    def valid_batch(self) -> int:
        """The images of a batch of validation."""

    def list_targets(self, prepared: PreparedSet) -> NDArray[np.generic]:
        """What is to be learnt of each slice (slices, …), as `ArrayDataset` takes it; `BadInput` without."""

    def build_network(self, recipe: Recipe) -> nn.Module:
        """Random weights; its first part is the body of `recipe.arch`."""

    def choose_loss(self, recipe: Recipe, train: ArrayDataset) -> Any:
        """What training minimizes, for fastai."""

    def watch(self) -> Any:
        """A metric for fastai, of the validation subset."""


@dataclass(frozen=True)
class TrainingData:
    """The images and targets of the training and the validation subset, and what they are for."""

    train: ArrayDataset
    valid: ArrayDataset
    task: Task


@dataclass(frozen=True)
class Training:
    """A learner ready to fit, and what was decided while it was built.

    `continued` training goes on from a whole classifier that was shipped, not from a body alone. Of `looks`,
    which what it learnt is asked at, the first is at the size of training.
    """

    learner: Learner
    progress: Progress
    normalization: Normalization
    precision: Precision
    plan: EpochPlan
    start: StartWeights | None
    looks: tuple[Look, ...]
    continued: bool

    @property
    def second_size(self) -> int | None:
        """The other side in pixels at which it is asked, if there is one."""
        return next((look.size for look in self.looks[1:] if not look.mirrored), None)


def select_training_data(prepared: PreparedSet, manifest: Sequence[ManifestRow], task: Task) -> TrainingData:
    """Training and validation images in memory; nothing else of the set is read."""
    targets = task.list_targets(prepared)

    def pick(subset: Subset, split_idx: int) -> ArrayDataset:
        rows = np.array([row.subset is subset for row in manifest])
        return ArrayDataset(to_tensor(prepared.images[rows]), torch.from_numpy(targets[rows]), split_idx)

    return TrainingData(pick(Subset.TRAIN, 0), pick(Subset.VALID, 1), task)


def build_training(
    data: TrainingData, recipe: Recipe, plan: EpochPlan, *, new_head: bool = False
) -> Training:
    """A fastai learner by `recipe`, seeded here: the same recipe and data give the same training.

    Where the shipped detector has the head that is to be trained, training goes on with it, unless there is
    to be a `new_head`: then batch normalization keeps its statistics, and there is no progressive resizing.
    """
    start = read_start_weights(recipe.weights, recipe.arch)
    keep_freed_memory()
    torch.set_num_threads(recipe.train.threads)
    set_seed(recipe.seed, reproducible=True)
    normalization = _normalize(recipe, start, data.train.images)
    loaders = _load(data, recipe, normalization, plan)
    precision, progress = choose_precision(recipe.train.precision), Progress(data.task.row)
    network = data.task.build_network(recipe)
    continued = not new_head and _goes_on(network, recipe, start)
    looks = choose_looks(network, recipe, start, data.train.images.shape[-1])
    progressive = recipe.train.progressive.model_copy(update={"share": 0.0} if continued else {})
    learner = Learner(
        loaders,
        network,
        splitter=split_layers(recipe.arch),
        loss_func=data.task.choose_loss(recipe, data.train),
        metrics=data.task.watch(),
        wd=recipe.train.weight_decay,
        opt_func=partial(FusedAdam, clip_norm=recipe.train.clip_norm),
        cbs=[
            ChannelsLast(),
            AveragedWeights(recipe.train.averaging, precision, measures=not continued),
            ProgressiveResizing(progressive),
        ],
    )
    log_plainly(learner)
    learner.recorder.smooth_loss = SmoothLoss(beta=learner.recorder.smooth_loss.beta)
    if loaders.device.type == "cuda" and not recipe.train.compile:
        learner.add_cb(CapturedPasses(precision))
    if precision is Precision.BF16:
        learner.add_cb(Autocast())
    if start is not None:
        if continued:
            load_named(learner.model, recipe.arch, start.state)
            learner.add_cb(KeptStatistics())
        else:
            start_from(learner.model, recipe.arch, start)
        learner.freeze()
    return Training(learner, progress, normalization, precision, plan, start, looks, continued)


def choose_looks(
    network: nn.Module, recipe: Recipe, start: StartWeights | None, prepared: int
) -> tuple[Look, ...]:
    """How the trained network is asked about images that were prepared at so many pixels a side.

    One that goes on from the shipped detector looks once more where that does, if its images are larger.
    """
    sizes = [recipe.train.side or prepared]
    second = start.second_size if start is not None and _goes_on(network, recipe, start) else None
    if second is not None and second < sizes[0]:
        sizes.append(second)
    return list_looks(sizes, flips=recipe.flips)


def _goes_on(network: nn.Module, recipe: Recipe, start: StartWeights | None) -> bool:
    """Whether the start is all of the shipped detector: whose file says what pixels it was learnt with."""
    return (
        start is not None and start.normalization is not None and has_head(network, recipe.arch, start.state)
    )


def _normalize(recipe: Recipe, start: StartWeights | None, images: torch.Tensor) -> Normalization:
    """As the start weights are used to, where their folder says so; else as the recipe has it."""
    if start is None or start.normalization is None:
        return choose_normalization(recipe.train.scaling, images)
    known = start.normalization
    return Normalization(tuple(known.mean.values()), tuple(known.std.values()))


def _load(data: TrainingData, recipe: Recipe, normalization: Normalization, plan: EpochPlan) -> DataLoaders:
    augmentation = build_augmentation(recipe.train.augment)
    return join_loaders(
        make_loader(data.train, plan, normalization, recipe.train.side, augmentation),
        make_loader(data.valid, EpochPlan(data.task.valid_batch, passes=1), normalization, recipe.train.side),
    )
