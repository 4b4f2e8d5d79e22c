"""The learning rate: fastai's lr_find and its valley."""

import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from fastai.callback.schedule import valley

from brainmri.errors import Diverged
from brainmri.learning.batches import ArrayDataset
from brainmri.learning.recipe import EpochPlan, Recipe
from brainmri.learning.records import RatePoint
from brainmri.learning.training import TrainingData, build_training

# fastai's valley looks at what is left of the curve without its first tenth and its last five points.
_LEAST_POINTS = 16
_DROPPED_AT_END = 5
# The seeds of the searches of one recipe; so far apart that those of the next seed are others.
_SEED_STEP = 1_000_003


@dataclass(frozen=True)
class FoundRate:
    """The valley's rate and the curve it was read from."""

    learning_rate: float
    curve: Sequence[RatePoint]


def find_rate(data: TrainingData, recipe: Recipe) -> FoundRate:
    """Raises the rate step by step until the loss explodes, and takes the valley of the curve.

    A mock training sees one batch of training images again and again, both classes alike: over a few dozen
    small batches of ever new images the differences between them hide the slope. The curve is the mean of
    several such trainings, each from other weights and on another batch: that of one alone puts the valley
    anywhere within a factor of ten.

    Raises `Diverged` if too few steps were possible for a valley.
    """
    search = recipe.train.lr_find
    curves = [_search(data, recipe, number) for number in range(search.repeats)]
    seen = [
        (points[0][0], sum(loss for _, loss in points) / len(points)) for points in zip(*curves, strict=False)
    ]
    if len(seen) < _LEAST_POINTS:
        raise Diverged(
            f"lr: auto: expected at least {_LEAST_POINTS} points for a valley, came {len(seen)} before the "
            "loss exploded; set lr to a number (3e-4 from random weights, 1e-3 from given ones)"
        )
    fall = seen[: find_floor([loss for _, loss in seen]) + 1]
    rate, _ = valley(torch.tensor([r for r, _ in fall]), torch.tensor([x for _, x in fall]), search.steps)
    return FoundRate(rate, [RatePoint(log10_learning_rate=math.log10(r), loss=loss) for r, loss in seen])


def _search(data: TrainingData, recipe: Recipe, number: int) -> list[tuple[float, float]]:
    """Rates and smoothed losses of mock training `number`, as far as they are finite."""
    search = recipe.train.lr_find
    own = recipe.model_copy(update={"seed": (recipe.seed + number * _SEED_STEP) % 2**32})
    sample = _sample(data.train, search.images, own.seed)
    plan = EpochPlan(len(sample), passes=1)
    # A head that knows its task has nothing left to fall from.
    learner = build_training(replace(data, train=sample), own, plan, new_head=True).learner
    with tempfile.TemporaryDirectory() as place:
        # Where fastai keeps the weights that it restores at the end.
        learner.path = Path(place)
        learner.lr_find(search.lowest, search.highest, search.steps, show_plot=False, suggest_funcs=None)
    rates, losses = learner.recorder.lrs, [float(loss) for loss in learner.recorder.losses]
    kept = slice(search.steps // 10, -_DROPPED_AT_END)
    points = zip(rates[kept], losses[kept], strict=False)
    return [point for point in points if math.isfinite(point[1])]


def find_floor(losses: Sequence[float]) -> int:
    """The place at which the loss first comes within a tenth of its whole fall of its lowest value.

    What comes after is flat ground, where noise alone would lengthen the valley up to rates that diverge, or
    the slow recovery from an explosion, which is longer than the valley now and then.
    """
    lowest = min(losses)
    reached = lowest + (losses[0] - lowest) / 10
    return next(place for place, loss in enumerate(losses) if loss <= reached)


def _sample(dataset: ArrayDataset, images: int, seed: int) -> ArrayDataset:
    """`images` of the set, half with tumor, or as many as there are of both kinds; drawn by `seed`."""
    generator = np.random.default_rng(seed)
    classes = dataset.classes.numpy()
    members = [np.flatnonzero(classes == number) for number in np.unique(classes)]
    share = min(images // len(members), *(len(places) for places in members))
    chosen = np.concatenate([generator.choice(places, share, replace=False) for places in members])
    return ArrayDataset(dataset.images[chosen], dataset.targets[chosen], dataset.split_idx)
