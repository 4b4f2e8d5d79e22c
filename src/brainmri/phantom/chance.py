"""Ways of drawing that several modules need."""

from collections.abc import Mapping
from typing import TypeVar

import numpy as np

from brainmri.phantom.description import Place

Choice = TypeVar("Choice")


def draw_choice(rng: np.random.Generator, shares: Mapping[Choice, float]) -> Choice:
    """One of the keys, with the probabilities that are the values."""
    choices = list(shares)
    return choices[int(rng.choice(len(choices), p=list(shares.values())))]


def draw_seed(rng: np.random.Generator) -> int:
    """A seed to be stored in a description."""
    return int(rng.integers(2**31))


def draw_place(rng: np.random.Generator, low: Place, high: Place) -> Place:
    """Three numbers, each uniform between its own bounds."""
    x, y, z = rng.uniform(low, high).tolist()
    return (x, y, z)


def draw_upward(rng: np.random.Generator, low: float, high: float) -> float:
    """Between both, the higher the likelier (a triangle): few tumors are found small or faint."""
    return float(rng.triangular(low, high, high)) if low < high else low
