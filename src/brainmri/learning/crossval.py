"""The units of an arm, trained side by side, each able to go on after a kill."""

import contextlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from scipy.special import expit
from torch.utils.flop_counter import FlopCounterMode

from brainmri.compute import available_cores, map_unordered
from brainmri.dataset.manifest import ManifestRow, Subset, read_manifest
from brainmri.dataset.predictions import Epoch
from brainmri.dataset.prepared import PreparedSet, read_prepared
from brainmri.dataset.split import Protocol, SplitParams
from brainmri.dataset.units import CaseChoice, ScoredRow, UnitRow, take_unit
from brainmri.errors import BadInput
from brainmri.learning.arms import Arm
from brainmri.learning.backbones import build_network
from brainmri.learning.checkpoint import CheckpointStore, open_store
from brainmri.learning.classifier import Schedule, TrainedClassifier, train_classifier
from brainmri.learning.identity import identify_training
from brainmri.learning.prediction import run_network
from brainmri.learning.rate import find_rate
from brainmri.learning.recipe import Recipe
from brainmri.tables import DIGITS, shorten


@dataclass(frozen=True)
class UnitJob:
    """All that a process needs to train a unit; `outputs` names what it is trained for."""

    prepared: Path
    manifest: Path
    arm: Arm
    unit: UnitRow
    cases: CaseChoice
    split: SplitParams
    outputs: Path


@dataclass(frozen=True)
class UnitOutcome:
    """What came of a unit: what it says of the slices it watched and scored, and facts of its training."""

    unit: UnitRow
    key: str
    scored: Sequence[ScoredRow]
    facts: Mapping[str, Any]

    @property
    def words(self) -> str:
        """The unit and how its training went."""
        facts = self.facts
        return (
            f"{self.unit.name}: learning rate {facts['learning_rate']:.2e}, best of "
            f"{facts['epochs_run']} epochs is {facts['best_epoch']}"
        )


def train_units(jobs: Sequence[UnitJob], threads: int) -> Iterator[UnitOutcome]:
    """Outcomes as they come: as many units at once as the cores allow, each with `threads`; on a GPU one.

    A unit's bytes depend neither on its neighbours nor on the order. What a killed run had finished is taken
    from its store, and what it had begun goes on from the checkpoint there.
    """
    # A GPU is shared by no two: each would hold the whole set.
    at_once = 1 if torch.cuda.is_available() else max(1, available_cores() // threads)
    return map_unordered(train_unit, jobs, at_once)


def train_unit(job: UnitJob) -> UnitOutcome:
    """Searches the rate, trains, and scores; raises `BadInput` as those do."""
    prepared, manifest = take_unit(
        read_prepared(job.prepared), read_manifest(job.manifest), job.unit, job.cases, job.split
    )
    recipe = job.arm.recipe(job.unit.seed)
    key = identify_training(prepared, manifest, recipe, job.arm.epochs, job.arm.lr)
    place = job.outputs.with_name(f"{job.outputs.name}, fold {job.unit.fold}, seed {job.unit.seed}")
    with open_store(key, place) as store:
        outcome = store.read_outcome()
        if outcome is None:
            try:
                # Lines of several trainings at once would run into one another.
                with contextlib.redirect_stdout(io.StringIO()):
                    outcome = _train(job, recipe, prepared, manifest, store)
            except BadInput as error:
                raise type(error)(f"{job.unit.name}: {error}") from None
            store.write_outcome(outcome)
    return UnitOutcome(job.unit, key, _list_rows(outcome, job.unit, prepared, manifest), outcome["facts"])


def count_network(arm: Arm, size: int) -> dict[str, int]:
    """Parameters, their bytes in float32, and multiply-adds for one image of `size` pixels a side."""
    network = build_network(arm.arch, arm.train.dropout, arm.train.pooling).eval()
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(torch.zeros(1, 3, size, size))
    parameters = sum(parameter.numel() for parameter in network.parameters())
    stored = sum(value.numel() * value.element_size() for value in network.state_dict().values())
    # A multiply-add is two operations.
    return {"parameters": parameters, "bytes": stored, "multiply_adds": counter.get_total_flops() // 2}


def _train(
    job: UnitJob,
    recipe: Recipe,
    prepared: PreparedSet,
    manifest: Sequence[ManifestRow],
    store: CheckpointStore,
) -> dict[str, Any]:
    rate = find_rate(prepared, manifest, recipe).learning_rate if job.arm.lr == "auto" else job.arm.lr
    # As metrics/lr.json holds it for the root pipeline's training.
    rate = shorten(rate)
    trained = train_classifier(prepared, manifest, recipe, Schedule(job.arm.epochs, rate), store)
    states = {Epoch.BEST: trained.best}
    if job.unit.protocol is Protocol.PAPER:
        states[Epoch.LAST] = trained.last
    places = _find_scored(manifest)
    return {
        "logits": {epoch.value: _score(trained, state, prepared, places) for epoch, state in states.items()},
        "facts": {
            "learning_rate": rate,
            "epochs_run": len(trained.epochs),
            "best_epoch": trained.best_epoch.epoch,
            "precision": trained.training.precision.value,
        },
    }


def _score(
    trained: TrainedClassifier, state: dict[str, torch.Tensor], prepared: PreparedSet, places: Sequence[int]
) -> list[float]:
    network = trained.training.learner.model
    network.load_state_dict(state)
    network.eval()
    images, side = prepared.images[list(places)], trained.training.side
    logits = run_network(network, images, trained.training.normalization, side)
    return [round(float(logit), DIGITS) for logit in logits]


def _find_scored(manifest: Sequence[ManifestRow]) -> list[int]:
    return [place for place, row in enumerate(manifest) if row.subset is not Subset.TRAIN]


def _list_rows(
    outcome: Mapping[str, Any], unit: UnitRow, prepared: PreparedSet, manifest: Sequence[ManifestRow]
) -> list[ScoredRow]:
    return [
        ScoredRow(
            slice_id=manifest[place].slice_id,
            group=manifest[place].group,
            patient=prepared.slices[place].patient,
            label=manifest[place].label,
            subset=manifest[place].subset,
            epoch=Epoch(epoch),
            score=float(expit(logit)),
            logit=logit,
            seed=unit.seed,
            fold=unit.fold,
        )
        for epoch, logits in outcome["logits"].items()
        for place, logit in zip(_find_scored(manifest), logits, strict=True)
    ]
