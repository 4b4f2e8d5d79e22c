"""Ways of drawing that several concerns need; all give one value a picture."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Values: TypeAlias = NDArray[np.float64]  # (n,)
Flags: TypeAlias = NDArray[np.float32]  # (n,), 0 or 1


def spread(rng: np.random.Generator, count: int, share: float) -> Flags:
    """1 for that share of the pictures, as exactly as their number allows, else 0; in random order."""
    return rng.permutation((np.arange(count) + rng.random()) * share % 1 + share >= 1).astype(np.float32)


def sometimes(rng: np.random.Generator, count: int, share: float) -> Flags:
    """1 with the probability `share`, else 0."""
    return (rng.random(count) < share).astype(np.float32)


def log_uniform(rng: np.random.Generator, low: float, high: Values) -> Values:
    """From `low` to `high`, each factor as likely as the next; `low` where `high` is less."""
    return np.asarray(np.exp(rng.uniform(np.log(low), np.log(np.maximum(high, low)))))
