"""One training by several processes of a machine, each with a GPU, by fastai and accelerate.

Each process draws the batches that one alone would draw, and puts its part of each through the network; the
loss is that of the whole batch in all of them. So any loss, and the figures that are noted, are those of one.
All draw the same random numbers: dropout leaves out the same in each part.
"""

import contextlib
import io
import json
import logging
import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import torch
from fastai.distributed import DistributedTrainer
from fastai.learner import Recorder
from torch import distributed
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from brainmri import errors
from brainmri.errors import BadInput
from brainmri.learning.checkpoint import Checkpoint, CheckpointStore
from brainmri.learning.graphs import CapturedPasses
from brainmri.learning.training import Training

_LOOPBACK: Final = "127.0.0.1"
_TOLD: Final = "told.json"


class SharedBatches(DistributedTrainer):  # type: ignore[misc]
    """Of each training batch, this process's part; the loss is of the whole, and gradients are averaged.

    All validate the whole validation set, and go by what the first of them has found.
    """

    # After AveragedWeights, which sets the network, and after what notes the losses.
    order = Recorder.order + 1

    def _wrap_dl(self, dl: Any) -> Any:
        """As it is: every process draws every batch."""
        return dl

    def before_fit(self) -> None:
        """Wraps the network."""
        super().before_fit()
        self.wrapped = self.learn.model

    def before_train(self) -> None:
        """Trains the wrapped network."""
        self.learn.model = self.wrapped

    def before_batch(self) -> None:
        """Cuts this process's part out of the images; the targets stay whole."""
        if self.training:
            rank, world = distributed.get_rank(), distributed.get_world_size()
            self.learn.xb = tuple(images.chunk(world)[rank] for images in self.xb)

    def after_pred(self) -> None:
        """Joins what all have found, in the order of the batch."""
        if self.training:
            parts = [torch.empty_like(self.pred) for _ in range(distributed.get_world_size())]
            distributed.all_gather(parts, self.pred.detach())
            parts[distributed.get_rank()] = self.pred
            self.learn.pred = torch.cat(parts)

    def after_loss(self) -> None:
        """Each has the gradient of its own part, and their mean is taken: the sum is wanted."""
        if self.training:
            self.learn.loss_grad = self.loss_grad * distributed.get_world_size()

    def after_validate(self) -> None:
        """All note what the first has found: where it ends the training, all do."""
        noted = torch.tensor(self.recorder.log[1:], dtype=torch.float64, device=self.dls.device)
        distributed.broadcast(noted, 0)
        self.recorder.log[1:] = noted.tolist()

    def after_fit(self) -> None:
        """Leaves the network as it was."""
        self.learn.model = getattr(self.learn.model, "module", self.learn.model)
        self.learn.dls.loaders = self.old_dls


class ReadStore(CheckpointStore):
    """The store of a training whose first process writes the checkpoints."""

    def write(self, checkpoint: Checkpoint) -> None:
        """Writes nothing."""


def share_batches(training: Training) -> None:
    """Makes the training one of several processes, in one that `train_together` started.

    Raises `BadInput` where their number doesn't divide its batches.
    """
    learner, processes = training.learner, int(os.environ["WORLD_SIZE"])
    if training.plan.batch_size % processes:
        raise BadInput(
            f"compute.gpus_per_unit: expected a number that divides the batch ({training.plan.batch_size} "
            f"images), came {processes}; choose another, or another train.batch_size"
        )
    on_gpu = learner.dls.device.type == "cuda"
    # What is captured as one pass has no place to wait for the others in.
    learner.remove_cb(CapturedPasses)
    # Synchronized statistics are for GPUs alone.
    learner.add_cb(SharedBatches(sync_bn=on_gpu, cpu=not on_gpu))


@dataclass(frozen=True)
class _Rank:
    """What one of the processes does; the first tells what was refused."""

    work: Callable[[int], Any]
    folder: Path

    def run(self) -> Any:
        """The result of the first process, None of the others."""
        rank = int(os.environ["LOCAL_RANK"])
        if torch.cuda.is_available():
            torch.cuda.set_device(rank)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                result = self.work(rank)
        except BadInput as error:
            if rank == 0:
                told = {"kind": type(error).__name__, "text": str(error)}
                (self.folder / _TOLD).write_text(json.dumps(told), encoding="utf-8")
            raise
        finally:
            if distributed.is_initialized():
                distributed.destroy_process_group()
        return result if rank == 0 else None


def train_together(work: Callable[[int], Any], processes: int) -> Any:
    """What `work(0)` gives, while `work(1)` and so on run beside it, each in a new process of this machine.

    `work` must be importable (defined at the top of a module). Raises `BadInput` as `work(0)` does, and where
    one of the processes died.
    """
    # What it says of a process that refused or died, in many lines, is said below in one.
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    with TemporaryDirectory(prefix="brainmri-") as name:
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=processes,
            run_id=uuid.uuid4().hex,
            rdzv_backend="c10d",
            rdzv_endpoint=f"{_LOOPBACK}:0",
            local_addr=_LOOPBACK,
            max_restarts=0,
        )
        try:
            results: dict[int, Any] = elastic_launch(config, _Rank(work, Path(name)).run)()
        except ChildFailedError as error:
            told = Path(name, _TOLD)
            if told.exists():
                refused = json.loads(told.read_text(encoding="utf-8"))
                raise getattr(errors, refused["kind"])(refused["text"]) from None
            rank, failure = error.get_first_failure()
            raise BadInput(
                f"compute.gpus_per_unit: expected {processes} processes to train together, came process "
                f"{rank} that died (exit code {failure.exitcode}); run it again, or with another number"
            ) from None
    return results[0]
