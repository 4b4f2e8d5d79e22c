"""What a setting costs or gains: seconds and AUROC of trainings that differ in it alone, over several seeds.

    python -m benchmarks.variants NAME VARIANT [VARIANT …] [--seeds 5] [--patients 200]

A VARIANT is what it changes in params.yaml: `train.precision=fp32`, several joined by commas, or `default`.
The first is what the others are compared with. Each trains on the default data set (`make repro` makes it)
with each seed, by turns, its search for a learning rate included. Its best epoch is scored on slices of
other phantoms, PATIENTS of them, which no training has seen. The difference of AUROC is paired: the same
slices, areas within a seed, patients drawn together over all seeds.
"""

import argparse
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy.special import expit

from benchmarks.measurement import describe_machine, write_results
from benchmarks.settings import SETTINGS
from brainmri.dataset.manifest import ManifestRow, read_manifest
from brainmri.dataset.prepare import prepare_folder
from brainmri.dataset.prepared import PreparedSet, read_prepared
from brainmri.learning.classifier import Schedule, train_classifier
from brainmri.learning.model_folder import WEIGHTS
from brainmri.learning.prediction import predict_logits, read_classifier
from brainmri.learning.rate import find_rate
from brainmri.learning.recipe import Recipe
from brainmri.learning.report import write_trained
from brainmri.params import PARAMS_PATH, read_params
from brainmri.phantom.dataset import make_data_set
from brainmri.scoring.areas import compare_areas
from brainmri.scoring.cases import Cases
from brainmri.scoring.resampling import IntervalParams

ROOT = Path(__file__).parents[1]
PACKAGES = ("torch", "torchvision", "fastai", "numpy", "scikit-learn")
INTERVALS = IntervalParams(confidence=0.95, draws=2000, seed=0)
EPOCHS = 15


@dataclass(frozen=True)
class Run:
    """One training: its seconds, and the scores (slices,) of the phantoms it hasn't seen."""

    seconds: float
    scores: NDArray[np.float64]


def change(recipe: Recipe, words: str) -> Recipe:
    """The recipe with what `words` change; unknown keys are errors."""
    if words == "default":
        return recipe
    content = recipe.model_dump(mode="json")
    for assignment in words.split(","):
        name, value = assignment.split("=")
        section, keys = content, name.split(".")
        for key in keys[:-1]:
            section = section[key]
        section[keys[-1]] = yaml.safe_load(value)
    return Recipe.model_validate(content)


def train_and_score(
    recipe: Recipe, prepared: PreparedSet, manifest: Sequence[ManifestRow], unseen: PreparedSet
) -> Run:
    """The stages find_lr and train, timed, then predict."""
    begin = time.perf_counter()
    rate = find_rate(prepared, manifest, recipe).learning_rate
    trained = train_classifier(prepared, manifest, recipe, Schedule(EPOCHS, rate))
    seconds = time.perf_counter() - begin
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "model"
        write_trained(folder, trained, recipe, prepared, manifest)
        return Run(seconds, expit(predict_logits(read_classifier(folder, WEIGHTS), unseen.images)))


def compare(variant: Sequence[Run], first: Sequence[Run], unseen: PreparedSet) -> dict[str, Any]:
    """The variant's runs against those of the first, seed by seed."""
    truth = unseen.is_positive()
    patients = np.array([row.patient or row.slice_id for row in unseen.slices])
    group = np.unique(patients, return_inverse=True)[1].astype(np.int64)
    seeds = np.repeat(np.arange(len(first)), len(truth))
    sides = [
        Cases(
            np.tile(truth, len(runs)), np.concatenate([run.scores for run in runs]), np.tile(group, len(runs))
        )
        for runs in (variant, first)
    ]
    found = compare_areas(sides[0], sides[1], seeds, INTERVALS)
    if found is None:
        raise RuntimeError("expected phantoms of both classes")
    return {
        "seconds_ratio": median(
            own.seconds / other.seconds for own, other in zip(variant, first, strict=True)
        ),
        "auroc_difference": {
            "value": found.difference,
            "low": found.bounds[0],
            "high": found.bounds[1],
            "verdict": found.verdict.value,
        },
    }


def summarize(runs: Sequence[Run], unseen: PreparedSet) -> dict[str, Any]:
    """Seconds and AUROC, seed by seed."""
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415 - once, at the end

    truth = unseen.is_positive()
    return {
        "seconds": [run.seconds for run in runs],
        "auroc": [float(roc_auc_score(truth, run.scores)) for run in runs],
    }


def main() -> None:
    """Measures, prints a table, writes benchmarks/results/variants_NAME.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("variants", nargs="+")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--patients", type=int, default=200)
    arguments = parser.parse_args()
    base = read_params(Recipe, ROOT / PARAMS_PATH)
    prepared = read_prepared(ROOT / "data" / "prepared")
    manifest = read_manifest(ROOT / "data" / "split.csv")
    unseen = _make_unseen(arguments.patients)
    recipes = {words: change(base, words) for words in arguments.variants}
    runs: dict[str, list[Run]] = {words: [] for words in recipes}
    for seed in range(arguments.seeds):
        for words, recipe in recipes.items():
            own = recipe.model_copy(update={"seed": seed})
            runs[words].append(train_and_score(own, prepared, manifest, unseen))
    results = {}
    for words, trained in runs.items():
        results[words] = summarize(trained, unseen) | compare(trained, runs[arguments.variants[0]], unseen)
    _print(results)
    machine = describe_machine(PACKAGES) | {"threads": base.train.threads}
    content = {"machine": machine, "unseen_slices": len(unseen.slices), "variants": results}
    write_results(f"variants_{arguments.name}", content)


def _make_unseen(patients: int) -> PreparedSet:
    params = SETTINGS.phantom.model_copy(update={"seed": SETTINGS.phantom.seed + 1000, "patients": patients})
    with tempfile.TemporaryDirectory() as place:
        raw, prepared = Path(place) / "raw", Path(place) / "prepared"
        make_data_set(params, raw)
        prepare_folder(raw, SETTINGS.prepare, prepared)
        found = read_prepared(prepared)
        return PreparedSet(
            found.folder, found.name, found.slices, np.array(found.images), found.masks, found.classes
        )


def _print(results: Mapping[str, Mapping[str, Any]]) -> None:
    print("\n| variant | seconds, median | of the first | AUROC by seed | difference |")
    print("| --- | ---: | ---: | --- | --- |")
    for words, found in results.items():
        difference = found["auroc_difference"]
        shown = "{value:+.3f} ({low:+.3f} to {high:+.3f}), {verdict}".format(**difference)
        areas = ", ".join(f"{area:.3f}" for area in found["auroc"])
        seconds, ratio = median(found["seconds"]), found["seconds_ratio"]
        print(f"| {words} | {seconds:.0f} | {ratio:.2f} | {areas} | {shown} |")


if __name__ == "__main__":
    main()
