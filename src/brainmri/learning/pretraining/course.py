"""Endless phantoms -> a trained network: rendering and learning take turns on one device."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import torch
from fastai.torch_core import set_seed
from torch import nn
from torch.optim.swa_utils import update_bn

from brainmri.allocation import keep_freed_memory
from brainmri.errors import BadInput, Diverged
from brainmri.learning.batches import training_device
from brainmri.learning.catalogue import Architecture
from brainmri.learning.checkpoint import CheckpointStore
from brainmri.learning.precision import autocast, choose_precision
from brainmri.learning.pretraining.generating import Generator
from brainmri.learning.pretraining.network import Objective, to_input
from brainmri.learning.pretraining.records import PretrainRow
from brainmri.learning.pretraining.settings import PretrainParams
from brainmri.learning.pretraining.state import PretrainingState, begin_pretraining
from brainmri.learning.pretraining.watching import measure_area
from brainmri.learning.recipe import Precision
from brainmri.phantom.wide.batch import PhantomBatch

# Without another line a step says after so long how far it is.
_QUIET_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Pretrained:
    """The classifier, without the heads that draw maps, and what was noted on the way."""

    classifier: nn.Module
    rows: list[PretrainRow]
    precision: Precision


def pretrain(
    arch: Architecture, params: PretrainParams, generator: Generator, store: CheckpointStore
) -> Pretrained:
    """Learns from `params.budget` phantoms; goes on from the checkpoint in `store`, and leaves some there."""
    keep_freed_memory()
    torch.set_num_threads(params.threads)
    set_seed(params.seed, reproducible=True)
    course = _Course(begin_pretraining(arch, params, training_device()), params, generator)
    found = store.read()
    if found is not None:
        course.state.unpack(found)
        print(f"pretrain: goes on after {course.state.done * params.batch_size} pictures, from a checkpoint")
    for _ in course.go():
        if store.due or course.state.done == params.steps:
            _write(store, course.state)
    return Pretrained(course.state.network.classifier.eval(), course.state.rows, course.precision)


class _Course:
    """A pretraining from where its state stands to its end."""

    def __init__(self, state: PretrainingState, params: PretrainParams, generator: Generator) -> None:
        self.state, self.params, self.generator = state, params, generator
        self.precision = choose_precision(params.precision)
        self._device = training_device()
        self._objective = Objective(params, self._device)
        self._group: tuple[int, PhantomBatch] | None = None

    def go(self) -> Iterator[None]:
        """Makes step after step."""
        sizes, started, before = self.params.draw_sizes(), time.monotonic(), self.state.done
        told = started
        checks = self.params.list_checks()
        self.state.network.train()
        while self.state.done < self.params.steps:
            self._step(sizes[self.state.done])
            done = self.state.done
            if done == self.params.steps:
                self._settle()
            if self.params.is_logged(done):
                self._note(scored=done in checks)
                words = _describe(self.state.rows[-1], self.params.budget)
            elif time.monotonic() >= told + _QUIET_SECONDS:
                words = f"pretrain: {done * self.params.batch_size} of {self.params.budget} pictures"
            else:
                words = ""
            if words:
                told = time.monotonic()
                speed = (done - before) * self.params.batch_size / (told - started)
                print(f"{words}, {speed:.0f} pictures/s")
            yield

    def _step(self, size: int) -> None:
        """One batch of phantoms; nothing here waits for a GPU."""
        state, params = self.state, self.params
        batch = self._draw(state.done, size)
        # Of the dropout: a step depends on its number alone, not on what was done before.
        torch.manual_seed((params.seed << 32) + state.done)
        state.optimizer.set_hyper("lr", params.rate_at(state.done))
        with autocast(self._device.type, self.precision):
            outputs = state.network(to_input(batch.images))
        losses = self._objective.measure(outputs, batch)
        torch.autograd.backward(self._objective.add_up(losses))
        state.optimizer.step()
        state.optimizer.zero_grad()
        state.totals += losses.detach()
        state.counted += 1
        state.done += 1

    def _draw(self, step: int, size: int) -> PhantomBatch:
        """The phantoms of a step. Those of several are drawn at once: a GPU has few kernels to start then."""
        group, place = divmod(step, self.params.together)
        if self._group is None or self._group[0] != group:
            count = self.params.together * self.params.batch_size
            self._group = group, self.generator.render(self.params.seed, group, count, size)
        start = place * self.params.batch_size
        return self._group[1].part(slice(start, start + self.params.batch_size))

    def _settle(self) -> None:
        """Measures the statistics of batch normalization for the weights as they are at the end.

        On phantoms of all sizes alike: running averages are of the last batches, of any size (PreciseBN of
        Wu and Johnson 2021, arXiv 2105.07576, by torch's `update_bn`).
        """
        torch.manual_seed(self.params.seed)
        with autocast(self._device.type, self.precision):
            update_bn(self._draw_more(), self.state.network.classifier)

    def _draw_more(self) -> Iterator[torch.Tensor]:
        """What comes after the phantoms that were learnt from."""
        params = self.params
        sizes = [item.size for item in params.sizes]
        for number in range(params.steps, params.steps + max(1, params.statistics // params.batch_size)):
            size = sizes[number % len(sizes)]
            yield to_input(self.generator.render(params.seed, number, params.batch_size, size).images)

    def _note(self, *, scored: bool) -> None:
        state, params = self.state, self.params
        losses = (state.totals / state.counted).tolist()
        if not all(math.isfinite(loss) for loss in losses):
            raise Diverged(
                f"pretrain.lr: expected a rate that trains, came {params.lr:g}, which diverges within "
                f"{state.done * params.batch_size} pictures; lower it"
            )
        area = measure_area(state.network.classifier, self.generator, params) if scored else None
        state.rows.append(
            PretrainRow(
                pictures=state.done * params.batch_size,
                log10_learning_rate=math.log10(params.rate_at(state.done - 1)),
                cross_entropy=losses[0],
                map_loss_eighth=losses[1],
                map_loss_sixteenth=losses[2],
                valid_auroc=area,
            )
        )
        state.totals.zero_()
        state.counted = 0


def _write(store: CheckpointStore, state: PretrainingState) -> None:
    try:
        store.write(state.pack())
    except OSError as error:
        raise BadInput(
            f"checkpoint: can't be written ({error.strerror or error}); make room, then run the same command "
            "again: it goes on from the checkpoint before"
        ) from None


def _describe(row: PretrainRow, budget: int) -> str:
    maps = f"maps {row.map_loss_eighth:.4f} and {row.map_loss_sixteenth:.4f}"
    area = "" if row.valid_auroc is None else f", unseen AUROC {row.valid_auroc:.4f}"
    rate = 10**row.log10_learning_rate
    losses = f"loss {row.cross_entropy:.4f}, {maps}"
    return f"pretrain: {row.pictures} of {budget} pictures, {losses}, lr {rate:.2g}{area}"
