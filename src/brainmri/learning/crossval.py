"""A unit of an arm: what it learns from, its training, which can go on after a kill, and what it says."""

import contextlib
import gc
import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from brainmri.dataset.manifest import ManifestRow, read_manifest
from brainmri.dataset.predictions import Epoch
from brainmri.dataset.prepared import PreparedSet, read_prepared
from brainmri.dataset.protocols import Protocol, SplitParams
from brainmri.dataset.units import CaseChoice, ScoredRow, UnitRow, take_unit, thin_out
from brainmri.errors import BadInput
from brainmri.learning.arms import Arm
from brainmri.learning.checkpoint import CheckpointStore, open_store
from brainmri.learning.classification import select_classes
from brainmri.learning.fitting import Schedule, TrainedNetwork, train_network
from brainmri.learning.identity import identify_training
from brainmri.learning.rate import find_rate
from brainmri.learning.recipe import EpochPlan, Recipe, plan_epoch
from brainmri.learning.segmentation_recipe import SegmentationRecipe
from brainmri.learning.training import Training, TrainingData
from brainmri.learning.unit_scores import Taken, list_rows, score_by_shipped, score_unit
from brainmri.tables import shorten


@dataclass(frozen=True)
class UnitJob:
    """All that a process needs to train a unit; `outputs` names what it is trained for.

    `known` is what an earlier run kept of this arm's unit (`UnitOutcome.kept`), if there is such a thing: of
    other data, code or another type of machine it is passed over. `of` is the arm's name, if it has one.
    """

    prepared: Path
    manifest: Path
    arm: Arm
    unit: UnitRow
    cases: CaseChoice
    split: SplitParams
    outputs: Path
    known: Mapping[str, Any] = field(default_factory=dict)
    of: str = ""

    @property
    def title(self) -> str:
        """The arm, or where that has no name its architecture, and the unit."""
        return f"{self.of or self.arm.arch}, {self.unit.name}"

    @property
    def place(self) -> Path:
        """What the unit alone is trained for."""
        return self.outputs.with_name(f"{self.outputs.name}, fold {self.unit.fold}, seed {self.unit.seed}")

    @property
    def name(self) -> str:
        """A SHA-256 of the arm and the unit, whatever they learn from, in hexadecimal."""
        facts = [self.arm.model_dump(mode="json"), self.unit.model_dump(mode="json"), self.cases.value]
        facts.append(self.split.model_dump(mode="json"))
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class UnitOutcome:
    """What came of a unit: what it says of the slices it watched and scored, and facts of its training.

    `arm` is its arm's name. `key` is that of the store where it lies. `kept` is what that keeps of it, with
    the training's key; empty where that was not asked for.
    """

    arm: str
    unit: UnitRow
    key: str
    scored: Sequence[ScoredRow]
    facts: Mapping[str, Any]
    kept: Mapping[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """The unit and how its training went."""
        facts = self.facts
        if "best_epoch" not in facts:
            return f"{self.unit.name}: nothing to train"
        return (
            f"{self.unit.name}: learning rate {facts['learning_rate']:.2e}, best of "
            f"{facts['epochs_run']} epochs is {facts['best_epoch']}"
        )


def train_unit(job: UnitJob, processes: int = 1, *, keep: bool = False) -> UnitOutcome:
    """Searches the rate, trains, and scores; raises `BadInput` as those do.

    Where GPUs are, each of several `processes` trains with one of its own, on parts of the same batches. With
    `keep` the outcome has what an earlier run would have `known`.
    """
    taken = _take(job)
    if job.arm.zero_shot:
        return _ask_shipped(job, taken)
    key = _identify(job, taken, processes)
    with open_store(key, job.place) as store:
        known = job.known.get("key") == key
        outcome = job.known["outcome"] if known else store.read_outcome()
        if outcome is None:
            try:
                # Lines of several trainings at once would run into one another.
                with contextlib.redirect_stdout(io.StringIO()):
                    outcome = _train(job, taken, processes, store)
            except BadInput as error:
                raise type(error)(f"{job.title}: {error}") from None
            store.write_outcome(outcome)
    kept = {"key": key, "outcome": outcome} if keep else {}
    rows = list_rows(outcome["scores"], job.unit, taken)
    return UnitOutcome(job.of, job.unit, job.name if known else key, rows, outcome["facts"], kept)


def _identify(job: UnitJob, taken: Taken, processes: int) -> str:
    """The key of the unit's training, and of its outcome."""
    key = identify_training(*taken, job.arm.recipe(job.unit.seed), job.arm.length, job.arm.rate)
    if job.arm.segmentation is not None and job.arm.flips:
        # The outcome is of the predictions: an arm without the mirrored view has another.
        key = hashlib.sha256(f"{key} flips".encode()).hexdigest()
    if processes > 1:
        # Sums over parts of a batch are rounded otherwise.
        key = hashlib.sha256(f"{key} {processes} processes".encode()).hexdigest()
    return key


def _ask_shipped(job: UnitJob, taken: Taken) -> UnitOutcome:
    scores = {Epoch.BEST.value: score_by_shipped(job.arm, taken)}
    rows = list_rows(scores, job.unit, taken)
    return UnitOutcome(job.of, job.unit, "", rows, {"precision": "fp32"})


def _take(job: UnitJob) -> Taken:
    """The slices of the unit, and what each is in it."""
    taken = take_unit(
        read_prepared(job.prepared), read_manifest(job.manifest), job.unit, job.cases, job.split
    )
    return taken if job.arm.zero_shot else thin_out(*taken, job.arm.share, job.unit.seed)


def _train(job: UnitJob, taken: Taken, processes: int, store: CheckpointStore) -> dict[str, Any]:
    recipe, rate = job.arm.recipe(job.unit.seed), job.arm.rate
    data = _select(recipe, *taken)
    if processes > 1:
        _check_processes(plan_epoch(len(data.train), recipe.train), processes)
    if rate == "auto":
        rate = find_rate(data, recipe).learning_rate
    # As metrics/lr.json holds it for the root pipeline's training.
    rate = shorten(rate)
    if processes == 1:
        return _describe(job, taken, rate, _fit(job, taken, rate, store))
    if torch.cuda.is_available():  # what the search left there is one of the processes' now
        gc.collect()
        torch.cuda.empty_cache()
    from brainmri.learning.together import train_together  # noqa: PLC0415 - brings accelerate

    outcome: dict[str, Any] = train_together(partial(_fit_part, job, rate, store.folder), processes)
    return outcome


def _check_processes(plan: EpochPlan, processes: int) -> None:
    """Raises `BadInput` where so many can't share each batch, or aren't able to."""
    if find_spec("accelerate") is None:
        raise BadInput(
            "compute.gpus_per_unit: expected accelerate to be installed for more than 1, came none; pip "
            "install '.[cluster]', or set it to 1"
        )
    if plan.batch_size % processes:
        raise BadInput(
            f"compute.gpus_per_unit: expected a number that divides the batch ({plan.batch_size} "
            f"images), came {processes}; choose another, or another train.batch_size"
        )


def _fit_part(job: UnitJob, rate: float, store: Path, rank: int) -> dict[str, Any]:
    """In one of several processes; the first writes checkpoints, and gives the outcome."""
    from brainmri.learning.together import ReadStore, share_batches  # noqa: PLC0415

    own = CheckpointStore(store) if rank == 0 else ReadStore(store)
    taken = _take(job)
    trained = _fit(job, taken, rate, own, share_batches)
    return _describe(job, taken, rate, trained) if rank == 0 else {}


def _fit(
    job: UnitJob,
    taken: Taken,
    rate: float,
    store: CheckpointStore,
    join: Callable[[Training], None] = lambda _: None,
) -> TrainedNetwork:
    recipe = job.arm.recipe(job.unit.seed)
    return train_network(_select(recipe, *taken), recipe, Schedule(job.arm.length, rate), store, join)


def _describe(job: UnitJob, taken: Taken, rate: float, trained: TrainedNetwork) -> dict[str, Any]:
    states = {Epoch.BEST: trained.best}
    if job.unit.protocol is Protocol.PAPER:
        states[Epoch.LAST] = trained.last
    return {
        "scores": {
            epoch.value: score_unit(trained.training, job.arm, state, taken)
            for epoch, state in states.items()
        },
        "facts": {
            "learning_rate": rate,
            "epochs_run": len(trained.epochs),
            "best_epoch": trained.best_epoch.epoch,
            "precision": trained.training.precision.value,
        },
    }


def _select(recipe: Recipe, prepared: PreparedSet, manifest: Sequence[ManifestRow]) -> TrainingData:
    if isinstance(recipe, SegmentationRecipe):
        # Brings MONAI, which takes a second or two.
        from brainmri.learning.segmentation import select_masks  # noqa: PLC0415

        return select_masks(prepared, manifest, recipe.segmentation)
    return select_classes(prepared, manifest)
