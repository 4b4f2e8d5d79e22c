"""Trained on one set of scans, tested on another: docs/pretraining.md.

    python -m benchmarks.transfer TRAIN TEST --name kaggle253_to_lgg [--positive yes tumor] [--channel gray 1]
        [--arch resnet34] [--seeds 0 1 2] [--epochs 15] [--flips]

TRAIN and TEST are folders as `raw` of params.yaml takes them; `--positive` and `--channel` are of the one and
the other. Networks from random weights and from the shipped ones learn from four of five grouped folds of
TRAIN and watch the fifth, at one size throughout, as in benchmarks.pretraining. Temperature and threshold are
chosen on it, also those of the shipped detector, which learns nothing. All are asked about all of TEST, in
pairs, clustered by its patients and copies: all against the network from random weights, and the one from the
shipped ones against the detector. With --flips what is trained is asked about mirror images too.
"""

import argparse
import contextlib
import io
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measurement import describe_commit, describe_machine, end_in_a_line, write_results
from benchmarks.pretraining import PACKAGES, ROOT, pick_figures
from benchmarks.settings import SETTINGS, read_channel
from benchmarks.zero_shot import prepare, show_area
from brainmri.compute import available_cores, map_unordered
from brainmri.dataset.groups import GroupRow
from brainmri.dataset.manifest import ManifestRow, Subset
from brainmri.dataset.predictions import Epoch, make_prediction
from brainmri.dataset.prepare import PrepareParams
from brainmri.dataset.prepared import PreparedSet
from brainmri.dataset.protocols import Protocol
from brainmri.dataset.split import assign_subsets
from brainmri.dataset.units import ScoredRow
from brainmri.learning.catalogue import Architecture
from brainmri.learning.classification import select_classes
from brainmri.learning.fitting import Schedule, train_network
from brainmri.learning.model_folder import WEIGHTS
from brainmri.learning.prediction import ask_network, fit_size, predict_logits, read_classifier
from brainmri.learning.rate import find_rate
from brainmri.learning.recipe import Recipe, TrainParams
from brainmri.learning.shipped import PHANTOM, find_shipped
from brainmri.params import PARAMS_PATH, Section, read_params
from brainmri.scoring.calibration import CalibrateParams
from brainmri.scoring.comparison import ArmScores, ComparisonParams, compare_arms
from brainmri.scoring.evaluation import EvaluateParams
from brainmri.tables import shorten

ARMS = {"scratch": "none", "phantom": PHANTOM}
ZERO_SHOT = "zero_shot"


class Params(Section):
    """The keys of params.yaml that trainings and figures need."""

    train: TrainParams
    calibrate: CalibrateParams
    evaluate: EvaluateParams


@dataclass(frozen=True)
class Grouped:
    """A prepared set and its groups, in the order of its slices."""

    prepared: PreparedSet
    groups: Sequence[GroupRow]


@dataclass(frozen=True)
class Sets:
    """What is learnt from and what is asked about; the manifest is of the first and tests none of it."""

    train: PreparedSet
    manifest: Sequence[ManifestRow]
    test: Grouped

    @property
    def watched(self) -> list[int]:
        """The places of the slices that temperature and threshold are chosen on."""
        return [place for place, row in enumerate(self.manifest) if row.subset is Subset.VALID]


@dataclass(frozen=True)
class Job:
    """One training."""

    arm: str
    recipe: Recipe
    epochs: int
    sets: Sets


def divide(own: Grouped) -> list[ManifestRow]:
    """The first fold is watched, all others are learnt from."""
    rows = assign_subsets(own.prepared.slices, own.groups, SETTINGS.split)
    return [
        row.model_copy(update={"subset": Subset.VALID if row.fold == 0 else Subset.TRAIN}) for row in rows
    ]


def train(job: Job) -> tuple[str, list[ScoredRow]]:
    """The arm's name, and what its network says of the slices that it watched and of the other set."""
    data = select_classes(job.sets.train, job.sets.manifest)
    with contextlib.redirect_stdout(io.StringIO()):
        rate = shorten(find_rate(data, job.recipe).learning_rate)
        trained = train_network(data, job.recipe, Schedule(job.epochs, rate))
    training, network = trained.training, trained.training.learner.model
    network.load_state_dict(trained.best)
    network.eval()
    said = [
        ask_network(network, images, training.normalization, training.looks)
        for images in (job.sets.train.images[job.sets.watched], job.sets.test.prepared.images)
    ]
    return job.arm, list_rows(job.sets, said, job.recipe.seed)


def ask_shipped(arch: str, sets: Sets, seeds: Sequence[int]) -> list[ScoredRow]:
    """What the detector says untrained; the same for each seed."""
    classifier = read_classifier(find_shipped(arch, "--arch").folder / "classifier", WEIGHTS)
    said = [
        predict_logits(classifier, fit_size(images, classifier.card))
        for images in (sets.train.images[sets.watched], sets.test.prepared.images)
    ]
    return [row for seed in seeds for row in list_rows(sets, said, seed)]


def list_rows(sets: Sets, said: Sequence[NDArray[np.float64]], seed: int) -> list[ScoredRow]:
    """Log odds of the watched slices and of the other set's, whose classes get the names of the first's."""
    classes, test = sets.train.classes, sets.test
    rows = [(sets.manifest[place], sets.train.slices[place].patient) for place in sets.watched]
    positive = test.prepared.is_positive()
    for place, group in enumerate(test.groups):
        label = classes.positive if positive[place] else classes.negative
        row = ManifestRow(slice_id=group.slice_id, group=group.group, label=label, subset=Subset.TEST, fold=0)
        rows.append((row, test.prepared.slices[place].patient))
    logits = np.concatenate(said)
    return [
        ScoredRow(**make_prediction(row, patient, Epoch.BEST, float(logit)).model_dump(), seed=seed, fold=0)
        for (row, patient), logit in zip(rows, logits, strict=True)
    ]


def compare(arms: dict[str, list[ScoredRow]], sets: Sets, params: Params) -> dict[str, Any]:
    """Figures of all arms on the other set, against the first."""
    order = {name: sorted(rows, key=lambda row: (row.seed, row.subset)) for name, rows in arms.items()}
    scored = {name: ArmScores(rows, Protocol.GROUPED, {}) for name, rows in order.items()}
    choices = ComparisonParams(params.calibrate, params.evaluate)
    return pick_figures(compare_arms(scored, [], sets.train.classes, choices))


def _read(raw: Path, positive: str, channel: int | str, folder: Path) -> Grouped:
    own = {"positive": positive, "channel": channel}
    params = PrepareParams.model_validate(SETTINGS.prepare.model_dump(mode="json") | own)
    return Grouped(*prepare(raw, params, folder))


def main() -> None:
    """A line an arm."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--positive", nargs=2, default=["tumor", "tumor"])
    parser.add_argument("--channel", type=read_channel, nargs=2, default=["gray", "gray"])
    parser.add_argument("--arch", default="resnet34")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--flips", action="store_true")
    given = parser.parse_args()
    params = read_params(Params, ROOT / PARAMS_PATH)
    shipped = find_shipped(given.arch, "--arch")
    shipped.check()
    with tempfile.TemporaryDirectory() as folder:
        own, other = (
            _read(raw, positive, channel, Path(folder) / name)
            for raw, positive, channel, name in zip(
                (given.train, given.test), given.positive, given.channel, ("train", "test"), strict=True
            )
        )
        sets = Sets(own.prepared, divide(own), other)
        whole = params.train.progressive.model_copy(update={"share": 0.0})
        changes = {"threads": 1, "progressive": whole, "flips": given.flips}
        own_train = params.train.model_copy(update=changes)
        jobs = [
            Job(
                name,
                Recipe(arch=Architecture(given.arch), weights=weights, train=own_train, seed=seed),
                given.epochs,
                sets,
            )
            for seed in given.seeds
            for name, weights in ARMS.items()
        ]
        arms: dict[str, list[ScoredRow]] = {name: [] for name in ARMS}
        for name, rows in map_unordered(train, jobs, available_cores()):
            arms[name] += rows
        arms[ZERO_SHOT] = ask_shipped(given.arch, sets, given.seeds)
        found = compare(arms, sets, params)
        started = compare({name: arms[name] for name in (ZERO_SHOT, PHANTOM)}, sets, params)
        counts = {"train_slices": len(own.prepared.slices), "test_slices": len(other.prepared.slices)}
    for name, figures in found.items():
        print(f"{name}: AUROC {show_area(figures['auroc_within_folds'])}")
    content = {"arms": found, "against_detector": started, "arch": given.arch, "flips": given.flips}
    content |= {"seeds": given.seeds, "epochs": given.epochs} | counts
    content |= {"weights_sha256": shipped.sha256, "commit": describe_commit()}
    content |= {"machine": describe_machine(PACKAGES)}
    write_results(f"transfer_{given.name}", content)


if __name__ == "__main__":
    end_in_a_line(main)
