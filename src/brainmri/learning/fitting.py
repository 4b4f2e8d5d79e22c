"""Training data and recipe -> a trained network, by fastai; the same for classifying and segmenting."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from brainmri.learning.batches import choose_normalization
from brainmri.learning.checkpoint import CheckpointStore
from brainmri.learning.compilation import compile_network
from brainmri.learning.recipe import Recipe, plan_epoch
from brainmri.learning.records import EpochLosses
from brainmri.learning.resizing import EarlyStopping
from brainmri.learning.resumption import Resumption
from brainmri.learning.training import Training, TrainingData, build_training
from brainmri.learning.weights import State


@dataclass(frozen=True)
class Schedule:
    """At most how many epochs (after the frozen ones), and the highest learning rate."""

    epochs: int
    lr: float


@dataclass(frozen=True)
class TrainedNetwork:
    """The weights of the best and of the last epoch (fastai's names), and each epoch's figures."""

    best: State
    last: State
    best_epoch: EpochLosses
    epochs: Sequence[EpochLosses]
    training: Training


def train_network(
    data: TrainingData,
    recipe: Recipe,
    schedule: Schedule,
    store: CheckpointStore | None = None,
    join: Callable[[Training], None] = lambda _: None,
) -> TrainedNetwork:
    """Trains for at most `epochs` epochs; keeps the best by validation loss.

    With a store the training goes on from the checkpoint there, if there is one, and leaves checkpoints.
    `join` is told of the training before it starts: `share_batches`, where other processes take part.
    """
    training = build_training(data, recipe, plan_epoch(len(data.train), recipe.train))
    join(training)
    _say_adopted(training, recipe, data)
    if recipe.train.compile:
        compile_network(training.learner.model)
    if store is None:
        run_schedule(training, recipe, schedule)
    else:
        resumption = Resumption(store, training.progress)
        training.learner.add_cb(resumption)
        run_schedule(training, recipe, schedule)
        resumption.finish()
    progress = training.progress
    if progress.best is None:
        raise RuntimeError("training ended without an epoch")
    return TrainedNetwork(
        progress.best_state,
        copy.deepcopy(training.learner.model.state_dict()),
        progress.best,
        progress.epochs,
        training,
    )


def _say_adopted(training: Training, recipe: Recipe, data: TrainingData) -> None:
    """Lines on what is otherwise than the recipe says, since the start weights are."""
    start, scaling = training.start, recipe.train.scaling
    if start is None or start.normalization is None:
        return
    if training.continued:
        print(
            f"train: goes on with the head and the statistics of {start.name}, without progressive resizing"
        )
        if training.second_size is not None:
            print(
                f"train: as that of {start.name}, the network will be asked at {training.second_size} pixels "
                "too; the mean of its log odds counts"
            )
    if training.normalization != choose_normalization(scaling, data.train.images):
        print(f"train.scaling: {scaling} gives way to what the start weights ({start.name}) were learnt with")


def run_schedule(training: Training, recipe: Recipe, schedule: Schedule) -> None:
    """The paper's fine-tuning: the head alone for `frozen_epochs`, then all of it for `epochs`, one-cycle.

    The schedule is fastai's `fine_tune`: after the frozen part half the rate, and a hundredth of it
    for the first layers. Random weights (`weights: none`) have nothing to protect: no frozen epoch,
    one rate for all.
    """
    lr, frozen = schedule.lr, recipe.train.frozen_epochs
    stop = EarlyStopping(patience=recipe.train.patience)
    if recipe.pretrained:
        if frozen:
            _run_fit(training, 0, frozen, slice(lr), pct_start=0.99)
        training.learner.unfreeze()
        rates = slice(lr / 200, lr / 2)
        _run_fit(training, 1 if frozen else 0, schedule.epochs, rates, pct_start=0.3, div=5.0, cbs=[stop])
    else:
        _run_fit(training, 0, schedule.epochs, lr, cbs=[stop])


def _run_fit(training: Training, number: int, epochs: int, rate: float | slice, **settings: Any) -> None:
    """fastai's `fit_one_cycle`, less the epochs that an earlier run did; ends with what went wrong."""
    learner = training.learner
    resumption: Resumption | None = getattr(learner, "resumption", None)
    start = 0 if resumption is None else resumption.start(number, epochs)
    callbacks = [training.progress, *settings.pop("cbs", [])]
    learner.fit_one_cycle(epochs, rate, cbs=callbacks, start_epoch=start, **settings)
    training.progress.check()
    if resumption is not None:
        resumption.check()
