"""What a setting costs or gains: seconds and AUROC of trainings that differ in it alone, over several seeds.

    python -m benchmarks.variants NAME VARIANT [VARIANT …] [--seeds 5] [--patients 200]

A VARIANT is what it changes in params.yaml: `train.precision=fp32`, several joined by commas, or `default`.
The first is what the others are compared with. Each trains on the default data set (`make repro` makes it)
with each seed, by turns, its search for a learning rate included. Its best epoch is scored on the test
subset, and on slices of other phantoms, PATIENTS of them, which no training has seen. The difference of AUROC
is paired: the same unseen slices, areas within a seed; it has an interval over patients, for these seeds, and
one over seeds, for these patients. With `train.compile`, name an empty TORCHINDUCTOR_CACHE_DIR, and look at
the first seed's seconds: later ones find compiled code.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError
from scipy.special import expit
from scipy.stats import t
from sklearn.metrics import roc_auc_score

from benchmarks.measurement import describe_machine, spread, write_results
from benchmarks.settings import SETTINGS
from brainmri.dataset.manifest import ManifestRow, Subset, read_manifest
from brainmri.dataset.prepare import prepare_folder
from brainmri.dataset.prepared import PreparedSet, read_prepared
from brainmri.learning.classification import select_classes
from brainmri.learning.fitting import Schedule, train_network
from brainmri.learning.model_folder import WEIGHTS
from brainmri.learning.prediction import predict_logits, read_classifier
from brainmri.learning.rate import find_rate
from brainmri.learning.recipe import Recipe
from brainmri.learning.records import read_rate, write_rate
from brainmri.learning.report import write_trained
from brainmri.params import PARAMS_PATH, load_yaml, read_params
from brainmri.phantom.patients.dataset import make_data_set
from brainmri.scoring.areas import compare_areas
from brainmri.scoring.cases import Cases
from brainmri.scoring.evaluation import EvaluateParams
from brainmri.scoring.resampling import IntervalParams

ROOT = Path(__file__).parents[1]
PACKAGES = ("torch", "torchvision", "fastai", "numpy", "scikit-learn")


class Params(Recipe):
    """What find_lr and train read, and how intervals are made."""

    epochs: Annotated[int, Field(ge=1)]
    lr: Literal["auto"] | float
    evaluate: EvaluateParams


@dataclass(frozen=True)
class Run:
    """One training: its seconds, the scores (slices,) of other phantoms, and the AUROC on the test subset."""

    seconds: float
    epochs: int
    scores: NDArray[np.float64]
    test_auroc: float


def change(params: Params, words: str) -> Params:
    """The params with what `words` change; ends the run where that can't be."""
    content: dict[str, Any] = params.model_dump(mode="json")
    for assignment in [] if words == "default" else words.split(","):
        name, _, value = assignment.partition("=")
        *places, last = name.split(".")
        section = content
        for key in places:
            section = section.get(key, {})
        if last not in section:
            sys.exit(f"variants: {assignment}: expected KEY=VALUE with a key of params.yaml; correct it")
        section[last] = load_yaml(value)
    try:
        return Params.model_validate(content)
    except ValidationError as error:
        sys.exit(f"variants: {words}: {error.errors()[0]['msg']}; correct it")


def train_and_score(
    params: Params, prepared: PreparedSet, manifest: Sequence[ManifestRow], unseen: PreparedSet
) -> Run:
    """The stages find_lr and train, timed, then predict."""
    recipe = Recipe(**{name: getattr(params, name) for name in Recipe.model_fields})
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        rate = params.lr
        if rate == "auto":
            # By way of the file, which has six digits: others are another training.
            write_rate(
                Path(place) / "lr.json",
                find_rate(select_classes(prepared, manifest), recipe).learning_rate,
                "valley",
            )
            rate = read_rate(Path(place) / "lr.json")
        trained = train_network(select_classes(prepared, manifest), recipe, Schedule(params.epochs, rate))
        seconds = time.perf_counter() - begin
        folder = Path(place) / "model"
        write_trained(folder, trained, recipe, prepared, manifest)
        classifier = read_classifier(folder, WEIGHTS)
        scores = expit(predict_logits(classifier, unseen.images))
        held_out = np.array([row.subset is Subset.TEST for row in manifest])
        logits = predict_logits(classifier, prepared.images[held_out])
        return Run(
            seconds,
            len(trained.epochs),
            scores,
            float(roc_auc_score(prepared.is_positive()[held_out], logits)),
        )


def compare(
    variant: Sequence[Run], first: Sequence[Run], unseen: PreparedSet, params: IntervalParams
) -> dict[str, Any]:
    """The variant's runs against those of the first, seed by seed.

    Two intervals: of the patients, who are drawn, for these seeds, and of the seeds (Student's t on the
    differences), for these patients. A difference that either holds 0 is not shown.
    """
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
    found = compare_areas(sides[0], sides[1], seeds, params)
    if found is None:
        raise RuntimeError("expected phantoms of both classes")
    return {
        "seconds_ratio": spread(
            [own.seconds / other.seconds for own, other in zip(variant, first, strict=True)]
        ),
        "auroc_difference": {
            "value": found.difference,
            "over_patients": {"low": found.bounds[0], "high": found.bounds[1]},
            "over_seeds": _bound_seeds(variant, first, truth, params.confidence),
        },
    }


def _bound_seeds(
    variant: Sequence[Run], first: Sequence[Run], truth: NDArray[np.bool_], confidence: float
) -> dict[str, float]:
    differences = np.array(
        [
            roc_auc_score(truth, own.scores) - roc_auc_score(truth, other.scores)
            for own, other in zip(variant, first, strict=True)
        ]
    )
    count = len(differences)
    if count < 2:
        return {}
    reach = float(t.ppf((1 + confidence) / 2, count - 1) * differences.std(ddof=1) / np.sqrt(count))
    return {"low": float(differences.mean()) - reach, "high": float(differences.mean()) + reach}


def summarize(runs: Sequence[Run], unseen: PreparedSet) -> dict[str, Any]:
    """Seconds and AUROC, seed by seed."""
    truth = unseen.is_positive()
    return {
        "seconds": [run.seconds for run in runs],
        "epochs": [run.epochs for run in runs],
        "test_auroc": [run.test_auroc for run in runs],
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
    base = read_params(Params, ROOT / PARAMS_PATH)
    recipes = {words: change(base, words) for words in arguments.variants}
    prepared = read_prepared(ROOT / "data" / "prepared")
    manifest = read_manifest(ROOT / "data" / "split.csv")
    unseen = _make_unseen(arguments.patients)
    runs: dict[str, list[Run]] = {words: [] for words in recipes}
    for seed in range(arguments.seeds):
        order = list(recipes)
        # Each seed begins with another, as the first training of all is slower.
        for words in order[seed % len(order) :] + order[: seed % len(order)]:
            own = recipes[words].model_copy(update={"seed": seed})
            runs[words].append(train_and_score(own, prepared, manifest, unseen))
    results = {}
    for words, trained in runs.items():
        results[words] = summarize(trained, unseen) | compare(
            trained, runs[arguments.variants[0]], unseen, base.evaluate
        )
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
    print("\n| variant | seconds, median | of the first | AUROC by seed | difference | patients | seeds |")
    print("| --- | ---: | ---: | --- | --- | --- | --- |")
    for words, found in results.items():
        difference = found["auroc_difference"]
        ends = (
            "{low:+.3f} to {high:+.3f}".format(**difference[name]) if difference[name] else "–"
            for name in ("over_patients", "over_seeds")
        )
        shown = " | ".join([f"{difference['value']:+.3f}", *ends])
        areas = ", ".join(f"{area:.3f}" for area in found["auroc"])
        seconds, ratio = median(found["seconds"]), found["seconds_ratio"]["median"]
        print(f"| {words} | {seconds:.0f} | {ratio:.2f} | {areas} | {shown} |")


if __name__ == "__main__":
    main()
