"""One training by several processes of a machine, each with a GPU, by fastai and accelerate.

Each process draws the batches that one alone would draw, and puts its part of each through the network; the
loss is that of the whole batch in all of them. So any loss, and the figures that are noted, are those of one.
All draw the same random numbers: dropout leaves out the same in each part.
"""

import contextlib
import io
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from fastai.distributed import DistributedTrainer
from fastai.learner import Recorder
from torch import distributed
from torch.distributed.constants import default_pg_timeout
from torch.multiprocessing.spawn import ProcessContext, ProcessExitedException, start_processes

from brainmri.errors import BadInput, Died
from brainmri.excuses import excuse
from brainmri.learning.checkpoint import Checkpoint, CheckpointStore
from brainmri.learning.graphs import CapturedPasses
from brainmri.learning.training import Training


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

    Their number has to divide the batches.
    """
    learner = training.learner
    on_gpu = learner.dls.device.type == "cuda"
    # What is captured as one pass has no place to wait for the others in.
    learner.remove_cb(CapturedPasses)
    # Synchronized statistics are for GPUs alone.
    learner.add_cb(SharedBatches(sync_bn=on_gpu, cpu=not on_gpu))


@dataclass(frozen=True)
class _Told:
    """What a process has to tell: its result, what it refused, or the traceback of what went wrong."""

    result: Any = None
    refused: BadInput | None = None
    wrong: str | None = None


@dataclass(frozen=True)
class _Rank:
    """What one of the processes does; they meet at a file in the folder."""

    work: Callable[[int], Any]
    folder: Path
    senders: Sequence[Connection]

    def run(self, rank: int) -> None:
        """Works and tells how it went; ends with an exit code other than 0 where that was not well."""
        # Waiting for the others in C it would not hear Python's own handler.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        told = self._try(rank)
        self.senders[rank].send(told)
        if told.refused or told.wrong:
            # Leaving the group may take the others, which wait for this one.
            os._exit(1)
        distributed.destroy_process_group()

    def _try(self, rank: int) -> _Told:
        try:
            self._meet(rank)
            with contextlib.redirect_stdout(io.StringIO()):
                result = self.work(rank)
        except Exception as error:
            said = excuse(error)
            return _Told(refused=said) if said else _Told(wrong=traceback.format_exc())
        return _Told(result if rank == 0 else None)

    def _meet(self, rank: int) -> None:
        """What accelerate goes by, and the group itself: by a file, and nobody outside is listened to."""
        processes, own = len(self.senders), "lo" if sys.platform == "linux" else "lo0"
        os.environ |= {"GLOO_SOCKET_IFNAME": own, "NCCL_SOCKET_IFNAME": own}
        os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank)}
        os.environ |= {"WORLD_SIZE": str(processes), "LOCAL_WORLD_SIZE": str(processes)}
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        on_gpu = torch.cuda.is_available()
        if on_gpu:
            torch.cuda.set_device(rank)
        # Not by an address: it would write some names of folders otherwise, and not read them back.
        meeting = distributed.FileStore(str(self.folder / "meeting"), processes)  # type: ignore[attr-defined]
        meeting.set_timeout(default_pg_timeout)
        distributed.init_process_group(
            "nccl" if on_gpu else "gloo",
            store=meeting,
            rank=rank,
            world_size=processes,
        )


def train_together(work: Callable[[int], Any], processes: int) -> Any:
    """What `work(0)` gives, while `work(1)` and so on run beside it, each in a new process of this machine.

    `work` must be importable (defined at the top of a module). Raises `BadInput` as any of them does, and
    `Died` where one of the processes did.
    """
    # What it says of the processes that it ends after one has refused.
    logging.getLogger("torch.multiprocessing.spawn").setLevel(logging.ERROR)
    pipes = [get_context("spawn").Pipe(duplex=False) for _ in range(processes)]
    receivers, senders = [receiver for receiver, _ in pipes], [sender for _, sender in pipes]
    with TemporaryDirectory(prefix="brainmri-") as name:
        rank = _Rank(work, Path(name), senders)
        started: ProcessContext = start_processes(  # type: ignore[no-untyped-call]
            rank.run, nprocs=processes, join=False, start_method="spawn"
        )
        for sender in senders:  # theirs: this end would keep it open
            sender.close()
        told: dict[int, _Told] = {}
        try:
            died = _join(started, receivers, told)
        finally:  # Ctrl-C among others
            for process in started.processes:
                process.kill()
                process.join()
    refused = [one.refused for _, one in sorted(told.items()) if one.refused is not None]
    for error in refused:
        if not isinstance(error, Died):
            raise error
    wrong = any(one.wrong for one in told.values())
    # What another process says of one that is gone, or went wrong, is no cause.
    if died is not None and (wrong or not refused or _find_causes(died, told)):
        raise _tell(died, told, processes)
    for error in refused:
        raise error
    return told[0].result


def _join(
    started: ProcessContext, receivers: Sequence[Connection], told: dict[int, _Told]
) -> dict[int, int] | None:
    """Waits until all have ended, the others by force where one did so badly: then the exit codes by rank."""
    open_ends = dict(enumerate(receivers))
    try:
        while True:
            for ready in wait([*started.sentinels, *open_ends.values()]):
                for rank, receiver in list(open_ends.items()):
                    if ready is receiver:
                        _receive(rank, open_ends, told)
            if started.join(timeout=0):
                return None
    except ProcessExitedException:
        return {rank: process.exitcode or 0 for rank, process in enumerate(started.processes)}
    finally:
        for rank in list(open_ends):
            while rank in open_ends and open_ends[rank].poll():
                _receive(rank, open_ends, told)


def _receive(rank: int, open_ends: dict[int, Connection], told: dict[int, _Told]) -> None:
    try:
        told[rank] = open_ends[rank].recv()
    except (EOFError, OSError):  # its end, in the middle of a word, too
        del open_ends[rank]


def _find_causes(codes: Mapping[int, int], told: Mapping[int, _Told]) -> dict[int, int]:
    """The exit codes of those that died without a word; those that were ended after another are no cause."""
    return {
        rank: code for rank, code in codes.items() if code not in {0, -signal.SIGTERM} and rank not in told
    }


def _tell(codes: Mapping[int, int], told: Mapping[int, _Told], processes: int) -> Exception:
    """The process that died without a word, else what went wrong in the first that says so."""
    silent = {rank: code for rank, code in codes.items() if code and rank not in told}
    causes = _find_causes(codes, told)
    wrong = {rank: one.wrong for rank, one in sorted(told.items()) if one.wrong is not None}
    if causes or not wrong:
        rank, code = next(iter((causes or silent).items()))
        return Died(
            f"compute.gpus_per_unit: expected {processes} processes to train together, came process "
            f"{rank} that died (exit code {code}; out of memory?); run it again, or with another number"
        )
    rank, text = next(iter(wrong.items()))
    return RuntimeError(f"process {rank} of {processes} that train together:\n{text}")
