"""What is burnt into pictures: text and signs, and frames. Places and sizes are shares of half a picture."""

from typing import Final

import numpy as np

from brainmri.phantom.wide.choices.chance import sometimes
from brainmri.phantom.wide.columns import Columns

# How many pictures have a first mark, and a second.
MARK_SHARES: Final = (0.15, 0.07)
_NUMBERS: Final = 2**20


def draw_marks(rng: np.random.Generator, n: int, rate: float) -> Columns:
    """Marks, most near an edge, and frames; 0 where a picture has none."""
    marks: Columns = {}
    for slot, share in enumerate(MARK_SHARES):
        own = _draw_mark(rng, n, share * rate)
        marks |= {f"{name}_{slot}": column for name, column in own.items()}
    return marks | _draw_edges(rng, n, rate)


def _draw_mark(rng: np.random.Generator, n: int, share: float) -> Columns:
    """`sprite` numbers the mark, whatever the size of the stock it is taken from."""
    edge = rng.random(n) < 0.75
    return {
        "mark": sometimes(rng, n, share),
        "sprite": rng.integers(0, _NUMBERS, n),
        "mark_x": rng.uniform(-0.8, 0.8, n),
        "mark_y": np.where(
            edge, rng.choice((-1.0, 1.0), n) * rng.uniform(0.78, 0.95, n), rng.uniform(-0.8, 0.8, n)
        ),
        "mark_size": rng.uniform(0.05, 0.13, n),
        "mark_signal": np.where(rng.random(n) < 0.9, rng.uniform(0.55, 1, n), 0),
    }


def _draw_edges(rng: np.random.Generator, n: int, rate: float) -> Columns:
    """Bars at the edges, black, white or gray."""
    return {
        "framed": sometimes(rng, n, 0.06 * rate),
        "frame_x": rng.uniform(0, 0.15, n) * sometimes(rng, n, 0.5),
        "frame_y": rng.uniform(0.01, 0.15, n),
        "frame_signal": np.where(rng.random(n) < 0.5, rng.choice((0.0, 1.0), n), rng.random(n)),
    }
