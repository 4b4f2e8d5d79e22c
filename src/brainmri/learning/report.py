"""What a training leaves behind: the model folder and metrics/train.json."""

import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from brainmri.dataset.manifest import PAPER_WARNING, ManifestRow, Subset
from brainmri.dataset.preparation import ImageRule
from brainmri.dataset.prepared import PREPARATION, PreparedSet
from brainmri.learning.backbones import name_weights
from brainmri.learning.cards import ChannelStatistics, ClassifierCard, ClassNames
from brainmri.learning.fitting import TrainedNetwork
from brainmri.learning.identity import hash_data
from brainmri.learning.model_folder import LAST_WEIGHTS, WEIGHTS, write_model
from brainmri.learning.recipe import Recipe
from brainmri.learning.training import Training
from brainmri.scans.settings import SliceRule
from brainmri.tables import read_mapping

_PACKAGES = ("fastai", "numpy", "torch", "torchvision")


def write_trained(
    folder: Path,
    trained: TrainedNetwork,
    recipe: Recipe,
    prepared: PreparedSet,
    manifest: Sequence[ManifestRow],
) -> None:
    """Writes a classifier's folder; the last epoch's weights too if no test set is held out (the paper)."""
    network, arch = trained.training.learner.model, recipe.arch
    states = {WEIGHTS: name_weights(network, arch, trained.best)}
    if all(row.subset is not Subset.TEST for row in manifest):
        states[LAST_WEIGHTS] = name_weights(network, arch, trained.last)
    known = describe_model(trained, recipe, prepared, manifest)
    own = {"pooling": recipe.train.pooling, "dropout": recipe.train.dropout, "flips": recipe.flips}
    second = trained.training.second_size
    write_model(folder, ClassifierCard(**known, **own, second_size=second), states)


def summarize_training(trained: TrainedNetwork, manifest: Sequence[ManifestRow], lr: float) -> dict[str, Any]:
    """metrics/train.json: length, rate and the best epoch's figures (for watching, not for publishing)."""
    training, best = trained.training, trained.best_epoch
    held_out = any(row.subset is Subset.TEST for row in manifest)
    return ({} if held_out else {"warning": PAPER_WARNING}) | {
        "epochs_run": len(trained.epochs),
        "best_epoch": best.epoch,
        "learning_rate": lr,
        "batch_size": training.plan.batch_size,
        "passes_per_epoch": training.plan.passes,
        "steps_per_epoch": len(training.learner.dls.train),
        "parameters": sum(parameter.numel() for parameter in training.learner.model.parameters()),
        "best": best.model_dump(exclude={"epoch", "train_size", "log10_learning_rate"}),
    }


def describe_model(
    trained: TrainedNetwork, recipe: Recipe, prepared: PreparedSet, manifest: Sequence[ManifestRow]
) -> dict[str, Any]:
    """What model.json says of a network of any task (`ModelCard`)."""
    training, preparation = trained.training, read_mapping(prepared.folder / PREPARATION)
    return {
        "architecture": recipe.arch,
        "classes": ClassNames(**vars(prepared.classes)),
        "channels": preparation["channels"],
        "rule": ImageRule(**preparation["rule"]),
        "slices": SliceRule(**preparation["slices"]),
        "normalization": ChannelStatistics(
            mean=_number(training.normalization.mean), std=_number(training.normalization.std)
        ),
        "network_size": training.looks[0].size,
        "training": {
            "recipe": recipe.model_dump(mode="json"),
            "precision": training.precision.value,
            "epochs_run": len(trained.epochs),
            "best_epoch": trained.best_epoch.epoch,
            "start": _describe_start(training),
        },
        "versions": {"python": ".".join(platform.python_version_tuple()[:2])}
        | {name: version(name) for name in _PACKAGES},
        "data_sha256": hash_data(prepared, manifest),
    }


def _describe_start(training: Training) -> dict[str, str]:
    """Where it began; `parts` are named where they are more than the body."""
    start = training.start
    if start is None:
        return {"name": "none"}
    known = {"name": start.name, "sha256": start.sha256}
    return known | ({"parts": "body, head, batch-normalization statistics"} if training.continued else {})


def _number(values: Sequence[float]) -> dict[str, float]:
    return {str(channel): value for channel, value in enumerate(values)}
