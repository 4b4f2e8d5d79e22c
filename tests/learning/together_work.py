"""A training for one or for several processes, and what it saw."""

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fastai.callback.core import Callback

from brainmri.errors import Diverged
from brainmri.learning import crossval, shipped
from brainmri.learning.averaging import KeptStatistics
from brainmri.learning.checkpoint import CheckpointStore
from brainmri.learning.classification import select_classes
from brainmri.learning.crossval import UnitJob
from brainmri.learning.fitting import Schedule, train_network
from brainmri.learning.together import ReadStore, SharedBatches, share_batches
from brainmri.learning.training import Training
from brainmri.learning.weights import State
from tests.dataset.test_units import make_manifest
from tests.learning.samples import make_recipe, make_set


class Watch(Callback):  # type: ignore[misc]
    """The images that go through the network, batch by batch."""

    order = SharedBatches.order + 1

    def __init__(self) -> None:
        """Nothing seen yet."""
        self.seen: list[np.ndarray] = []

    def before_batch(self) -> None:
        """Keeps those of training."""
        if self.training:
            self.seen.append(self.xb[0].numpy().copy())


class Interruption(Callback):  # type: ignore[misc]
    """Ends the training of its process in an epoch, before the others have theirs behind them."""

    # After what writes checkpoints.
    order = 200

    def __init__(self, epoch: int) -> None:
        """Epochs count from 0."""
        self.at = epoch

    def after_epoch(self) -> None:
        """Without a word."""
        if self.epoch == self.at:
            os._exit(4)


def train(
    folder: Path, epochs: int, processes: int, rank: int, dies_in: int | None = None, **changes: Any
) -> dict[str, np.ndarray]:
    """Goes on with weights that are shipped in `folder`; the weights before and after, each epoch's losses.

    What was seen goes to a file a process. The first dies in epoch `dies_in`, once its checkpoint is written.
    """
    shipped.FOLDER = folder / "weights"
    watch = Watch()
    recipe = make_recipe(weights="phantom", dropout=0.0, **changes)
    store = (CheckpointStore if rank == 0 else ReadStore)(folder / "store")
    start: dict[str, np.ndarray] = {}

    def join(training: Training) -> None:
        start.update(_gather(training.learner.model.state_dict()))
        # Statistics of a part of a batch are others than those of the whole; on GPUs they are joined.
        training.learner.add_cbs([watch, KeptStatistics()])
        if rank == 0 and dies_in is not None:
            training.learner.add_cb(Interruption(dies_in))
        if processes > 1:
            share_batches(training)

    data = select_classes(*make_set(32))
    trained = train_network(data, recipe, Schedule(epochs, 1e-3), store, join)
    np.savez(folder / f"seen {processes} {rank}.npz", *watch.seen)
    losses = np.array([[row.train_loss, row.valid_loss] for row in trained.epochs])
    return {"start": start["all"], "end": _gather(trained.last)["all"], "losses": losses}


def _gather(state: State) -> dict[str, np.ndarray]:
    """All weights in one row, without what is counted of batches."""
    learnt = [value for name, value in state.items() if name.endswith((".weight", ".bias"))]
    return {"all": np.concatenate([value.double().numpy().ravel() for value in learnt])}


def score_part(job: UnitJob, processes: int, folder: Path, rank: int) -> dict[str, Any]:
    """What a unit's fit gives in one of several processes, or alone; its set is no file."""
    prepared, manifest = make_set(32)[0], make_manifest()
    crossval.read_prepared = lambda _: prepared  # type: ignore[assignment]
    crossval.read_manifest = lambda _: manifest  # type: ignore[assignment]
    if processes == 1:
        taken = crossval._take(job)
        trained = crossval._fit(job, taken, 1e-3, CheckpointStore(folder))
        return crossval._describe(job, taken, 1e-3, trained)
    return crossval._fit_part(job, 1e-3, folder, rank)


def fail(kind: str, of: int, rank: int) -> None:
    """The process `of` refuses, dies or has a bug; the others wait for it."""
    if rank == of:
        if kind == "refused":
            raise Diverged("lr: expected this, came that")
        if kind == "wrong":
            raise ValueError("a bug")
        os._exit(3)
    torch.distributed.barrier()


def refuse_late(rank: int) -> None:
    """All refuse, the first some seconds after the others."""
    time.sleep(0 if rank else 3)
    raise Diverged("lr: expected this, came that")


def list_listening() -> list[str]:
    """The addresses that processes of this machine listen at, in hexadecimal, as Linux lists them."""
    tables = [Path("/proc/net", name).read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
    lines = [line.split() for table in tables for line in table]
    listening = "0A"
    return [line[1].split(":")[0] for line in lines if line[3] == listening]


def meet_and_list(rank: int) -> list[str]:
    """The same, of the time when all have met."""
    assert rank >= 0
    torch.distributed.barrier()
    found = list_listening()
    torch.distributed.barrier()
    return found
