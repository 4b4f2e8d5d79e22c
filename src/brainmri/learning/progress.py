"""What is noted while training: each epoch's figures, the best epoch's weights, divergence."""

import copy
import math
import sys
from collections.abc import Sequence

import torch
from fastai.callback.core import Callback, CancelFitException
from fastai.callback.progress import ProgressCallback
from fastai.callback.tracker import TrackerCallback
from fastai.learner import AvgSmoothLoss, Learner

from brainmri.errors import Diverged
from brainmri.learning.records import EpochLosses
from brainmri.learning.weights import State


def log_plainly(learner: Learner) -> None:
    """Without a terminal there is no bar: one line an epoch, with the columns that fastai's table has."""
    if not sys.stdout.isatty():
        learner.remove_cb(ProgressCallback)
        learner.logger = _print_line


def _print_line(values: Sequence[object]) -> None:
    print(*(f"{value:.6f}" if isinstance(value, float) else value for value in values), sep="\t")


class SmoothLoss(AvgSmoothLoss):  # type: ignore[misc]
    """fastai's running average of the training loss, kept where the loss is.

    fastai fetches the loss from a GPU after each step, which waits for all that the step has begun.
    """

    val: torch.Tensor

    def accumulate(self, learn: Learner) -> None:
        """Takes a step's loss in."""
        self.count += 1
        loss = learn.loss.detach().mean()
        self.val = torch.lerp(loss, self.val.to(loss.device), self.beta)


class Progress(Callback):  # type: ignore[misc]
    """Collects the epochs of all fits in a row, and keeps the weights of the lowest validation loss.

    Epochs of an earlier, interrupted run are noted again as they were, without work: `replay` them before
    the first fit, and let fits skip them.
    """

    order = TrackerCallback.order - 1

    def __init__(self, row: type[EpochLosses]) -> None:
        """Nothing noted yet; a `row` has one field besides those of all epochs, for what is watched."""
        self.row = row
        (self.watched,) = set(row.model_fields) - set(EpochLosses.model_fields)
        self.epochs: list[EpochLosses] = []
        self.best: EpochLosses | None = None
        self.best_state: State = {}
        self.diverged: str | None = None
        self.replayed: Sequence[EpochLosses] = ()
        self.replayed_best: State = {}

    def replay(self, epochs: Sequence[EpochLosses], best_state: State) -> None:
        """Takes over what was noted by the run that is gone on from."""
        self.replayed, self.replayed_best = epochs, best_state

    def before_fit(self) -> None:
        """Names the columns of the lines that follow."""
        if self.learn.logger is _print_line:
            _print_line(self.recorder.metric_names)

    def check(self) -> None:
        """Raises `Diverged` if a fit ended because it did."""
        if self.diverged:
            raise Diverged(
                f"lr: expected a rate that trains, came one that diverges ({self.diverged}); lower it"
            )

    def before_epoch(self) -> None:
        """Gives fastai's own callbacks what an epoch that is skipped had found."""
        if self._is_replayed():
            row = self.replayed[len(self.epochs)]
            self.recorder.log += [row.train_loss, row.valid_loss, getattr(row, self.watched)]

    def after_train(self) -> None:
        """Notes the size of the images that the epoch trained on."""
        self.train_size = int(self.xb[0].shape[-1])

    def after_epoch(self) -> None:
        """Notes the epoch; ends the fit, and says why, when a loss is no number any more."""
        if self._is_replayed():
            self._note(self.replayed[len(self.epochs)], self.replayed_best)
            if not self._is_replayed():
                self.replayed_best = {}
            return
        train_loss, valid_loss, watched = (float(value) for value in self.recorder.log[1:4])
        number = len(self.epochs)
        for kind, loss in (("training", train_loss), ("validation", valid_loss)):
            if not math.isfinite(loss):
                # fastai puts words of its own before those of any other exception.
                self.diverged = f"the {kind} loss of epoch {number} is {loss}"
                raise CancelFitException
        row = self.row(
            epoch=number,
            train_size=self.train_size,
            log10_learning_rate=math.log10(self.opt.hypers[-1]["lr"]),
            train_loss=train_loss,
            valid_loss=valid_loss,
            **{self.watched: watched},
        )
        self._note(row, self.learn.model.state_dict())

    def _is_replayed(self) -> bool:
        return len(self.epochs) < len(self.replayed)

    def _note(self, row: EpochLosses, state: State) -> None:
        self.epochs.append(row)
        if self.best is None or row.valid_loss < self.best.valid_loss:
            self.best = row
            self.best_state = copy.deepcopy(state)
