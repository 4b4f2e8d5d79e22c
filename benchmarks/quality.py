"""Seconds until the validation AUROC first reaches what the script that readers write ends at.

    python -m benchmarks.quality [--raw RAW --positive NAME] [--seeds 5] [--epochs 15] [--name phantom]

Both sides train the same network on the same grouped split of RAW, from random weights, and both look for a
learning rate first. The script is fastai's tutorial: pictures from files, Resize, aug_transforms, lr_find,
fine_tune, whose frozen epoch and low rates for the first layers are no help from random weights. It runs in
our process, and so with freed memory kept, which is a help. Time starts when data are prepared and libraries
loaded; validation counts. The level is the script's AUROC after its last epoch; each side's time is that of
its first epoch at that level or above.
"""

import argparse
import itertools
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch
import torchvision
from fastai.callback.core import Callback
from fastai.data.block import CategoryBlock, DataBlock
from fastai.data.transforms import FuncSplitter, get_image_files, parent_label
from fastai.torch_core import set_seed
from fastai.vision.augment import Resize, aug_transforms
from fastai.vision.data import ImageBlock
from fastai.vision.learner import vision_learner
from sklearn.metrics import roc_auc_score

from benchmarks.measurement import describe_machine, write_results
from benchmarks.settings import SETTINGS
from brainmri.dataset.audit import audit_set
from brainmri.dataset.manifest import ManifestRow, Subset
from brainmri.dataset.prepare import prepare_folder
from brainmri.dataset.prepared import PreparedSet, read_prepared, read_raw_facts
from brainmri.dataset.split import assign_subsets
from brainmri.learning.classification import select_classes
from brainmri.learning.fitting import Schedule, run_schedule
from brainmri.learning.rate import find_rate
from brainmri.learning.recipe import Recipe, plan_epoch
from brainmri.learning.training import build_training
from brainmri.params import PARAMS_PATH, read_params

PACKAGES = ("torch", "torchvision", "fastai", "numpy")


@dataclass(frozen=True)
class Epoch:
    """When an epoch ended, since the start, and the AUROC on the validation set then."""

    seconds: float
    auroc: float


class Watch(Callback):  # type: ignore[misc]
    """Notes time and validation AUROC of each epoch; class 1 means tumor."""

    order = 1000

    def __init__(self, start: float, positive: int) -> None:
        """`start` is of `time.perf_counter`, `positive` the number of the class that means tumor."""
        self.start, self.positive = start, positive
        self.epochs: list[Epoch] = []

    def before_validate(self) -> None:
        """Nothing seen yet."""
        self.scores: list[torch.Tensor] = []
        self.truth: list[torch.Tensor] = []

    def after_pred(self) -> None:
        """Keeps what validation predicts."""
        if not self.learn.training:
            logits = self.learn.pred.float()
            self.scores.append(logits[:, self.positive] - logits[:, 1 - self.positive])
            self.truth.append(self.yb[0] == self.positive)

    def after_epoch(self) -> None:
        """The epoch's AUROC; none where a learning rate is looked for."""
        if not hasattr(self.learn, "lr_finder"):
            area = roc_auc_score(torch.cat(self.truth).numpy(), torch.cat(self.scores).numpy())
            self.epochs.append(Epoch(time.perf_counter() - self.start, float(area)))


def train_script(folder: Path, valid: set[str], positive: str, recipe: Recipe, epochs: int) -> list[Epoch]:
    """As fastai's tutorial has it, with random weights."""
    size, batch = SETTINGS.prepare.size, recipe.train.batch_size
    start = time.perf_counter()
    set_seed(recipe.seed)
    block = DataBlock(
        blocks=(ImageBlock, CategoryBlock),
        get_items=get_image_files,
        get_y=parent_label,
        splitter=FuncSplitter(lambda path: path.name in valid),
        item_tfms=Resize(size),
        batch_tfms=aug_transforms(),
    )
    loaders = block.dataloaders(folder, bs=batch, num_workers=recipe.train.threads)
    watch = Watch(start, list(loaders.vocab).index(positive))
    learner = vision_learner(loaders, getattr(torchvision.models, recipe.arch), pretrained=False)
    learner.remove_cb(learner.progress)
    learner.logger = _say_nothing
    rate = learner.lr_find(show_plot=False).valley
    learner.add_cb(watch)
    learner.fine_tune(epochs, rate)
    return watch.epochs


def train_ours(
    prepared: PreparedSet, manifest: Sequence[ManifestRow], recipe: Recipe, epochs: int
) -> list[Epoch]:
    """The stages find_lr and train."""
    start = time.perf_counter()
    rate = find_rate(select_classes(prepared, manifest), recipe).learning_rate
    data = select_classes(prepared, manifest)
    training = build_training(data, recipe, plan_epoch(len(data.train), recipe.train))
    watch = Watch(start, positive=1)
    training.learner.logger = _say_nothing
    training.learner.add_cb(watch)
    run_schedule(training, recipe, Schedule(epochs, rate))
    return watch.epochs


def first_at(epochs: Sequence[Epoch], level: float) -> float | None:
    """The seconds of the first epoch at `level` or above."""
    return next((epoch.seconds for epoch in epochs if epoch.auroc >= level), None)


def main() -> None:
    """Measures, prints a table, writes benchmarks/results/quality_NAME.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--raw", type=Path, default=Path("data/phantom"))
    parser.add_argument("--positive", default=SETTINGS.prepare.positive)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--name", default="phantom")
    arguments = parser.parse_args()
    recipe = read_params(Recipe, Path(__file__).parents[1] / PARAMS_PATH)
    with tempfile.TemporaryDirectory() as place:
        prepared, manifest = _prepare(arguments.raw, arguments.positive, Path(place))
        valid = _copy_classes(arguments.raw, prepared, manifest, Path(place) / "classes")
        found = []
        print("| seed | level | script, s | ours, s | ratio |\n| ---: | ---: | ---: | ---: | ---: |")
        for seed in range(arguments.seeds):
            own = recipe.model_copy(update={"seed": seed})
            script = train_script(Path(place) / "classes", valid, arguments.positive, own, arguments.epochs)
            ours = train_ours(prepared, manifest, own, arguments.epochs)
            found.append(_compare(seed, script, ours))
    ratios = [run["ratio"] for run in found if run["ratio"] is not None]
    print(
        f"\nours reached the level in {len(ratios)} of {len(found)} runs; median ratio {median(ratios):.2f}"
    )
    machine = describe_machine(PACKAGES) | {"threads": recipe.train.threads}
    write_results(f"quality_{arguments.name}", {"machine": machine, "runs": found})


def _compare(seed: int, script: Sequence[Epoch], ours: Sequence[Epoch]) -> dict[str, Any]:
    level = script[-1].auroc
    times = first_at(script, level), first_at(ours, level)
    ratio = None if times[1] is None or times[0] is None else times[1] / times[0]
    cells = [f"{value:.0f}" if value is not None else "never" for value in times]
    print(
        f"| {seed} | {level:.3f} | {cells[0]} | {cells[1]} | {'' if ratio is None else f'{ratio:.2f}'} |",
        flush=True,
    )
    return {
        "seed": seed,
        "level": level,
        "script_s": times[0],
        "ours_s": times[1],
        "ratio": ratio,
        "script": [[epoch.seconds, epoch.auroc] for epoch in script],
        "ours": [[epoch.seconds, epoch.auroc] for epoch in ours],
    }


def _prepare(raw: Path, positive: str, folder: Path) -> tuple[PreparedSet, list[ManifestRow]]:
    params = SETTINGS.prepare.model_copy(update={"positive": positive})
    prepare_folder(raw, params, folder / "prepared")
    prepared = read_prepared(folder / "prepared")
    audited = audit_set(prepared, read_raw_facts(folder / "prepared"), [], SETTINGS.audit)
    return prepared, assign_subsets(prepared.slices, audited.groups, SETTINGS.split)


def _copy_classes(
    raw: Path, prepared: PreparedSet, manifest: Sequence[ManifestRow], folder: Path
) -> set[str]:
    """Class folders of the raw files that train or validate; the names of those that validate."""
    valid = set()
    for number, row, place in zip(itertools.count(), prepared.slices, manifest, strict=False):
        if place.subset is Subset.TEST:
            continue
        name = f"{number:05d}{Path(row.scan).suffix.lower()}"
        target = folder / row.label / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((raw / row.scan).read_bytes())
        if place.subset is Subset.VALID:
            valid.add(name)
    return valid


def _say_nothing(_: object) -> None:
    pass


if __name__ == "__main__":
    main()
