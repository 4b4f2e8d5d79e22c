"""The learning rate: fastai's lr_find and its valley."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from fastai.callback.schedule import valley

from brainmri.dataset.manifest import ManifestRow
from brainmri.dataset.prepared import PreparedSet
from brainmri.errors import BadInput
from brainmri.learning.batches import ArrayDataset
from brainmri.learning.classifier import TrainingData, build_training, select_training_data
from brainmri.learning.recipe import Recipe
from brainmri.learning.records import RatePoint

# fastai's valley looks at what is left of the curve without its first tenth and its last five points.
_LEAST_POINTS = 16
_DROPPED_AT_END = 5
_LEVELS = 10


@dataclass(frozen=True)
class FoundRate:
    """The valley's rate and the curve it was read from."""

    learning_rate: float
    curve: Sequence[RatePoint]


def find_rate(prepared: PreparedSet, manifest: Sequence[ManifestRow], recipe: Recipe) -> FoundRate:
    """Raises the rate step by step until the loss explodes, and takes the valley of the curve.

    The mock training sees one batch of training images again and again, both classes alike: over a
    few dozen small batches of ever new images the differences between them hide the slope.

    Raises `BadInput` if too few steps were possible for a valley.
    """
    search = recipe.train.lr_find
    steps = search.steps
    data = select_training_data(prepared, manifest)
    sample = _sample(data.train, search.images, recipe.seed)
    learner = build_training(TrainingData(sample, data.valid), recipe, len(sample)).learner
    learner.lr_find(search.lowest, search.highest, steps, show_plot=False, suggest_funcs=None)
    rates, losses = learner.recorder.lrs, [float(loss) for loss in learner.recorder.losses]
    kept = slice(steps // 10, -_DROPPED_AT_END)
    seen = [
        (rate, loss) for rate, loss in zip(rates[kept], losses[kept], strict=False) if math.isfinite(loss)
    ]
    if len(seen) < _LEAST_POINTS:
        raise BadInput(
            f"lr: auto: expected at least {_LEAST_POINTS} points for a valley, came {len(seen)} before the "
            "loss exploded; set lr to a number (3e-3 from random weights, 1e-3 from given ones)"
        )
    levels = level_losses([loss for _, loss in seen])
    rate, _ = valley(torch.tensor([r for r, _ in seen]), torch.tensor(levels), steps)
    return FoundRate(rate, [RatePoint(log10_learning_rate=math.log10(r), loss=loss) for r, loss in seen])


def level_losses(losses: Sequence[float]) -> list[int]:
    """Losses as whole tenths of the curve's fall from its highest point down to its lowest after that.

    The valley is the longest run of ever lower losses. On flat ground, where training gets no better,
    noise alone would lengthen it, up to rates that diverge; here the lowest tenth is one level.
    """
    lowest = losses.index(min(losses))
    fall = max(losses[: lowest + 1]) - losses[lowest]
    return [math.floor(_LEVELS * (loss - losses[lowest]) / fall) if fall else 0 for loss in losses]


def _sample(dataset: ArrayDataset, images: int, seed: int) -> ArrayDataset:
    """`images` of the set, or as many as there are of both classes alike; drawn by `seed`."""
    generator = np.random.default_rng(seed)
    classes = dataset.classes.numpy()
    members = [np.flatnonzero(classes == number) for number in np.unique(classes)]
    share = min(images // len(members), *(len(places) for places in members))
    chosen = np.concatenate([generator.choice(places, share, replace=False) for places in members])
    return ArrayDataset(dataset.images[chosen], dataset.classes[chosen], dataset.split_idx)
