"""fastai's training, taken up where a killed run left it: the same bytes as without the interruption."""

import random
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from fastai.callback.core import Callback, CancelFitException
from fastai.learner import Learner

from brainmri.errors import BadInput
from brainmri.learning.checkpoint import Checkpoint, CheckpointStore
from brainmri.learning.optimizer import pack_optimizer, unpack_optimizer
from brainmri.learning.progress import Progress
from brainmri.learning.weights import State

# fastai's SkipToEpoch and all that notes an epoch come before.
_ORDER: Final = 100


class Resumption(Callback):  # type: ignore[misc]
    """Writes the state of a training to a store, epoch by epoch, and goes on from what it finds there.

    Several fits in a row are numbered by `fit`; each starts at epoch `start(fit)`. In the checkpoint are
    the weights and their average, the optimizer, the smoothed loss, the generators of python, numpy,
    torch and of each loader, and the epochs so far with the best one's weights. The schedule and early
    stopping follow from the epochs.
    """

    order = _ORDER

    def __init__(self, store: CheckpointStore, progress: Progress) -> None:
        """Reads the store; `progress` learns of the epochs found there."""
        self.store, self.progress = store, progress
        self.fit_number, self.epochs_before = -1, 0
        self.failure: str | None = None
        self.found = store.read()
        # Of the fit that was interrupted: its number, and how many of its epochs are done.
        self.interrupted, self.done = -1, 0
        if self.found is not None:
            facts = self.found.facts
            self.interrupted, self.done = facts["fit"], facts["epochs_of_fit"]
            rows = [progress.row.model_validate(row) for row in facts["epochs"]]
            progress.replay(rows, _below("best", self.found.tensors))
            print(f"train: goes on after epoch {rows[-1].epoch}, from a checkpoint")

    def start(self, fit: int, epochs: int) -> int:
        """How many of the `epochs` of fit number `fit` an earlier run did."""
        if fit == self.interrupted:
            return self.done
        return epochs if fit < self.interrupted else 0

    def check(self) -> None:
        """Raises `BadInput` if a fit ended because its checkpoint could not be written."""
        if self.failure:
            raise BadInput(self.failure)

    def before_fit(self) -> None:
        """Restores the state, if the checkpoint is of this fit."""
        self.fit_number += 1
        self.epochs_before = len(self.progress.epochs)
        if self.found is not None and self.fit_number == self.interrupted:
            _restore(self.learn, self.found)
            self.found = None

    def after_epoch(self) -> None:
        """Writes the state, now and then."""
        trained = self.epoch + 1 > self.start(self.fit_number, self.learn.n_epoch)
        if trained and self.store.due and not self._write():
            # fastai puts words of its own before those of any other exception.
            raise CancelFitException

    def finish(self) -> None:
        """Writes the state at the very end, whatever that costs; raises `BadInput` where it can't."""
        if self.fit_number > self.interrupted or len(self.progress.epochs) > self.epochs_before + self.done:
            self._write()
        self.check()

    def _write(self) -> bool:
        facts = {
            "fit": self.fit_number,
            "epochs_of_fit": len(self.progress.epochs) - self.epochs_before,
            "epochs": [row.model_dump() for row in self.progress.epochs],
        }
        best = {f"best.{name}": value for name, value in self.progress.best_state.items()}
        state = _capture(self.learn)
        try:
            self.store.write(Checkpoint(state.tensors | best, {**state.facts, **facts}))
        except OSError as error:
            reason = error.strerror or error
            self.failure = (
                f"checkpoint: can't be written ({reason}); make room, then run the same command again: it "
                "goes on from the checkpoint before"
            )
        return self.failure is None


def _capture(learner: Learner) -> Checkpoint:
    tensors = _prefix("trained", learner.averaged_weights.trained.state_dict())
    tensors |= _prefix("average", learner.averaged_weights.average.state_dict())
    tensors |= {"torch": torch.get_rng_state(), "smooth_loss": learner.recorder.smooth_loss.val}
    if torch.cuda.is_available():
        tensors["cuda"] = torch.cuda.get_rng_state()
    optimizer, counters = pack_optimizer(learner.opt)
    tensors |= _prefix("optimizer", optimizer)
    facts = {
        "optimizer": counters,
        "smooth_loss": learner.recorder.smooth_loss.count,
        "python": random.getstate(),
        "numpy": _get_numpy_state(),
        "loaders": [loader.rng.getstate() for loader in learner.dls.loaders],
    }
    return Checkpoint(tensors, facts)


def _restore(learner: Learner, checkpoint: Checkpoint) -> None:
    tensors, facts = checkpoint.tensors, checkpoint.facts
    learner.averaged_weights.trained.load_state_dict(_below("trained", tensors))
    learner.averaged_weights.average.load_state_dict(_below("average", tensors))
    unpack_optimizer(learner.opt, _below("optimizer", tensors), facts["optimizer"])
    learner.recorder.smooth_loss.count = facts["smooth_loss"]
    learner.recorder.smooth_loss.val = tensors["smooth_loss"].to(learner.dls.device)
    for loader, state in zip(learner.dls.loaders, facts["loaders"], strict=True):
        loader.rng.setstate(_as_python_state(state))
    random.setstate(_as_python_state(facts["python"]))
    _set_numpy_state(facts["numpy"])
    if "cuda" in tensors:
        torch.cuda.set_rng_state(tensors["cuda"])
    torch.set_rng_state(tensors["torch"])


def _get_numpy_state() -> tuple[Any, ...]:
    """Of the global generator, which fastai may draw from; as JSON can hold it."""
    kind, words, *rest = np.random.get_state()  # noqa: NPY002 - fastai's, not ours
    return (kind, np.asarray(words).tolist(), *rest)


def _set_numpy_state(state: Sequence[Any]) -> None:
    kind, words, *rest = state
    np.random.set_state((kind, np.array(words, np.uint32), *rest))  # noqa: NPY002 - fastai's, not ours


def _as_python_state(state: Sequence[Any]) -> tuple[Any, ...]:
    """JSON has no tuples, which `random` insists on."""
    number, words, gauss = state
    return number, tuple(words), gauss


def _prefix(prefix: str, state: State) -> State:
    return {f"{prefix}.{name}": value for name, value in state.items()}


def _below(prefix: str, state: State) -> State:
    start = f"{prefix}."
    return {name.removeprefix(start): value for name, value in state.items() if name.startswith(start)}
