"""The units of an arm, trained side by side, each able to go on after a kill."""

import contextlib
import gc
import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch.utils.flop_counter import FlopCounterMode

from brainmri.backend import gpus_per_unit
from brainmri.compute import Needs, available_cores, find_cluster, map_unordered
from brainmri.dataset.manifest import ManifestRow, Subset, read_manifest
from brainmri.dataset.predictions import Epoch, make_prediction
from brainmri.dataset.prepared import PreparedSet, read_prepared
from brainmri.dataset.protocols import Protocol, SplitParams
from brainmri.dataset.units import CaseChoice, ScoredRow, SegmentedRow, UnitRow, take_unit, thin_out
from brainmri.errors import BadInput
from brainmri.learning.arms import Arm, TaskName
from brainmri.learning.cards import ClassifierCard, Look, list_looks, read_model_card
from brainmri.learning.checkpoint import CheckpointStore, open_store
from brainmri.learning.classification import Classification, select_classes
from brainmri.learning.fitting import Schedule, train_network
from brainmri.learning.identity import identify_training
from brainmri.learning.model_folder import WEIGHTS
from brainmri.learning.prediction import fit_size, predict_logits, read_classifier
from brainmri.learning.rate import find_rate
from brainmri.learning.recipe import EpochPlan, Pooling, Recipe, plan_epoch
from brainmri.learning.segmentation import Segmentation, select_masks
from brainmri.learning.segmentation_recipe import SegmentationRecipe
from brainmri.learning.shipped import find_shipped
from brainmri.learning.training import Task, Training, TrainingData, choose_looks
from brainmri.learning.unit_scores import Columns, score_classes, score_masks
from brainmri.learning.weights import State, read_start_weights
from brainmri.tables import DIGITS, shorten

Taken: TypeAlias = tuple[PreparedSet, Sequence[ManifestRow]]


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
        if "best_epoch" not in facts:
            return f"{self.unit.name}: nothing to train"
        return (
            f"{self.unit.name}: learning rate {facts['learning_rate']:.2e}, best of "
            f"{facts['epochs_run']} epochs is {facts['best_epoch']}"
        )


def train_units(jobs: Sequence[UnitJob], threads: int) -> Iterator[UnitOutcome]:
    """Outcomes as they come: as many units at once as the cores allow, each with `threads`; on a GPU one.

    A unit's bytes depend neither on its neighbours nor on the order. What a killed run had finished is taken
    from its store, and what it had begun goes on from the checkpoint there.
    """
    cluster, processes = find_cluster(), _count_processes()
    train = partial(train_unit, processes=processes)
    if cluster is not None:
        return (outcome for _, outcome in cluster.map(train, jobs, _list_needs(jobs, threads * processes)))
    if processes > max(1, torch.cuda.device_count()):
        raise BadInput(
            f"compute.gpus_per_unit: expected {processes} GPUs on this machine, came "
            f"{torch.cuda.device_count()}; lower it, or set compute.backend to ray"
        )
    # A GPU is shared by no two: each would hold the whole set.
    at_once = 1 if torch.cuda.is_available() else max(1, available_cores() // threads)
    return map_unordered(train, jobs, at_once)


def count_at_once(threads: int) -> int:
    """How many units of different settings a cluster trains at once; on this machine one has all of it."""
    cluster = find_cluster()
    cores = threads * _count_processes()
    return 1 if cluster is None else cluster.count(Needs(cores=cores, gpus=gpus_per_unit()))


def _count_processes() -> int:
    """Of a unit: one for each of several GPUs."""
    return max(1, int(gpus_per_unit()))


def _name_job(job: UnitJob) -> str:
    return f"{job.arm.arch}, {job.unit.name}"


def _list_needs(jobs: Sequence[UnitJob], cores: int) -> Needs:
    """The prepared set, the manifest, start weights that are a file, and what each unit computes on."""
    named = {Path(job.arm.weights) for job in jobs}
    paths = {path for job in jobs for path in (job.prepared, job.manifest)} | set(filter(Path.is_file, named))
    gpus = gpus_per_unit()
    return Needs(tuple(sorted(paths)), cores=cores, gpus=gpus, fresh=gpus > 0, name=_name_job)


def train_unit(job: UnitJob, processes: int = 1) -> UnitOutcome:
    """Searches the rate, trains, and scores; raises `BadInput` as those do.

    Where GPUs are, each of several `processes` trains with one of its own, on parts of the same batches.
    """
    prepared, manifest = _take(job)
    if job.arm.zero_shot:
        return _ask_shipped(job, prepared, manifest)
    recipe = job.arm.recipe(job.unit.seed)
    key = identify_training(prepared, manifest, recipe, job.arm.length, job.arm.rate)
    if job.arm.segmentation is not None and job.arm.flips:
        # The outcome is of the predictions: an arm without the mirrored view has another.
        key = hashlib.sha256(f"{key} flips".encode()).hexdigest()
    if processes > 1:
        # Sums over parts of a batch are rounded otherwise.
        key = hashlib.sha256(f"{key} {processes} processes".encode()).hexdigest()
    place = job.outputs.with_name(f"{job.outputs.name}, fold {job.unit.fold}, seed {job.unit.seed}")
    with open_store(key, place) as store:
        outcome = store.read_outcome()
        if outcome is None:
            try:
                # Lines of several trainings at once would run into one another.
                with contextlib.redirect_stdout(io.StringIO()):
                    outcome = _train(job, (prepared, manifest), processes, store)
            except BadInput as error:
                raise type(error)(f"{job.unit.name}: {error}") from None
            store.write_outcome(outcome)
    return UnitOutcome(job.unit, key, _list_rows(outcome, job.unit, prepared, manifest), outcome["facts"])


def list_arm_looks(arm: Arm, prepared: int) -> tuple[Look, ...]:
    """How the arm's network is asked about an image that was prepared at so many pixels a side."""
    if arm.zero_shot:
        folder = find_shipped(arm.arch, "task: zero_shot").folder
        return read_model_card(folder / "classifier", ClassifierCard).looks
    recipe = arm.recipe(seed=0)
    start = read_start_weights(arm.weights, arm.arch)
    looks = choose_looks(_choose_task(recipe).build_network(recipe), recipe, start, prepared)
    # A segmenter's mirror images are a matter of its prediction alone.
    return looks if arm.segmentation is None else list_looks([looks[0].size], flips=arm.flips)


def count_network(arm: Arm, looks: Sequence[Look]) -> dict[str, int]:
    """Parameters, their bytes in float32, and multiply-adds for one image, asked at each of `looks`."""
    recipe = arm.recipe(seed=0)
    if arm.zero_shot:  # its head is the shipped one's, whatever trainings have
        pooling = recipe.train.model_copy(update={"pooling": Pooling.CONCAT})
        recipe = recipe.model_copy(update={"train": pooling})
    network = _choose_task(recipe).build_network(recipe).eval()
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        for look in looks:
            network(torch.zeros(1, 3, look.size, look.size))
    parameters = sum(parameter.numel() for parameter in network.parameters())
    stored = sum(value.numel() * value.element_size() for value in network.state_dict().values())
    # A multiply-add is two operations.
    return {"parameters": parameters, "bytes": stored, "multiply_adds": counter.get_total_flops() // 2}


def _choose_task(recipe: Recipe) -> Task:
    return Segmentation(recipe.segmentation) if isinstance(recipe, SegmentationRecipe) else Classification()


def _ask_shipped(job: UnitJob, prepared: PreparedSet, manifest: Sequence[ManifestRow]) -> UnitOutcome:
    """What the shipped detector says, of images at its own size."""
    shipped = find_shipped(job.arm.arch, "task: zero_shot")
    shipped.read()  # no file of another hash is asked
    classifier = read_classifier(shipped.folder / "classifier", WEIGHTS)
    if prepared.images.ndim > 3:
        raise BadInput(
            f"task: zero_shot: expected images of one channel, came {prepared.images.shape[1]}; set "
            "prepare.channel to one of them"
        )
    images = fit_size(prepared.images[_find_scored(manifest)], classifier.card)
    logits = predict_logits(classifier, images)
    columns = {"logit": [round(float(logit), DIGITS) for logit in logits]}
    outcome: dict[str, Any] = {"scores": {Epoch.BEST.value: columns}, "facts": {"precision": "fp32"}}
    return UnitOutcome(job.unit, "", _list_rows(outcome, job.unit, prepared, manifest), outcome["facts"])


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
        return _fit(job, taken, rate, store)
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
    """In one of several processes; the first writes checkpoints."""
    from brainmri.learning.together import ReadStore, share_batches  # noqa: PLC0415

    own = CheckpointStore(store) if rank == 0 else ReadStore(store)
    return _fit(job, _take(job), rate, own, share_batches)


def _fit(
    job: UnitJob,
    taken: Taken,
    rate: float,
    store: CheckpointStore,
    join: Callable[[Training], None] = lambda _: None,
) -> dict[str, Any]:
    recipe = job.arm.recipe(job.unit.seed)
    trained = train_network(_select(recipe, *taken), recipe, Schedule(job.arm.length, rate), store, join)
    states = {Epoch.BEST: trained.best}
    if job.unit.protocol is Protocol.PAPER:
        states[Epoch.LAST] = trained.last
    return {
        "scores": {
            epoch.value: _score(trained.training, job.arm, state, taken) for epoch, state in states.items()
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
        return select_masks(prepared, manifest, recipe.segmentation)
    return select_classes(prepared, manifest)


def _score(training: Training, arm: Arm, state: State, data: Taken) -> Columns:
    """What the network with the weights `state` says of the slices outside training."""
    training.learner.model.load_state_dict(state)
    training.learner.model.eval()
    prepared, places = data[0], _find_scored(data[1])
    if arm.task is TaskName.SEGMENTATION:
        return score_masks(training, prepared, places, flips=arm.flips)
    return score_classes(training, prepared, places)


def _find_scored(manifest: Sequence[ManifestRow]) -> list[int]:
    return [place for place, row in enumerate(manifest) if row.subset is not Subset.TRAIN]


def _list_rows(
    outcome: Mapping[str, Any], unit: UnitRow, prepared: PreparedSet, manifest: Sequence[ManifestRow]
) -> list[ScoredRow]:
    rows: list[ScoredRow] = []
    for epoch, columns in outcome["scores"].items():
        kind = ScoredRow if columns.keys() == {"logit"} else SegmentedRow
        for number, place in enumerate(_find_scored(manifest)):
            own = {name: values[number] for name, values in columns.items()}
            patient = prepared.slices[place].patient
            known = make_prediction(manifest[place], patient, Epoch(epoch), own.pop("logit"))
            rows.append(kind(**known.model_dump(), seed=unit.seed, fold=unit.fold, **own))
    return rows
