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
from brainmri.learning.recipe import EpochPlan, Recipe
from brainmri.learning.records import RatePoint
from brainmri.learning.training import TrainingData, build_training, select_training_data

# fastai's valley looks at what is left of the curve without its first tenth and its last five points.
_LEAST_POINTS = 16
_DROPPED_AT_END = 5


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
    learner = build_training(
        TrainingData(sample, data.valid), recipe, EpochPlan(len(sample), passes=1)
    ).learner
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
    fall = seen[: find_floor([loss for _, loss in seen]) + 1]
    rate, _ = valley(torch.tensor([r for r, _ in fall]), torch.tensor([x for _, x in fall]), steps)
    return FoundRate(rate, [RatePoint(log10_learning_rate=math.log10(r), loss=loss) for r, loss in seen])


def find_floor(losses: Sequence[float]) -> int:
    """The place at which the loss first comes within a tenth of its whole fall of its lowest value.

    What comes after is flat ground, where noise alone would lengthen the valley up to rates that diverge, or
    the slow recovery from an explosion, which is longer than the valley now and then.
    """
    lowest = min(losses)
    reached = lowest + (losses[0] - lowest) / 10
    return next(place for place, loss in enumerate(losses) if loss <= reached)


def _sample(dataset: ArrayDataset, images: int, seed: int) -> ArrayDataset:
    """`images` of the set, or as many as there are of both classes alike; drawn by `seed`."""
    generator = np.random.default_rng(seed)
    classes = dataset.classes.numpy()
    members = [np.flatnonzero(classes == number) for number in np.unique(classes)]
    share = min(images // len(members), *(len(places) for places in members))
    chosen = np.concatenate([generator.choice(places, share, replace=False) for places in members])
    return ArrayDataset(dataset.images[chosen], dataset.classes[chosen], dataset.split_idx)
