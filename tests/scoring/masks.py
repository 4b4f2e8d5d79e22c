"""Masks to measure, and slices made of them."""

import numpy as np
from numpy.typing import NDArray

from brainmri.dataset.manifest import Subset
from brainmri.dataset.predictions import Epoch, Prediction


def draw(*rows: str) -> NDArray[np.bool_]:
    """A mask from lines of `#` and `.`."""
    return np.array([[cell == "#" for cell in row] for row in rows])


def draw_random(generator: np.random.Generator, size: int = 24) -> NDArray[np.bool_]:
    """Up to four discs of any size, some beyond the edge; now and then none."""
    down, across = np.mgrid[:size, :size]
    mask = np.zeros((size, size), bool)
    for _ in range(generator.integers(0, 5)):
        row, column = generator.uniform(0, size, 2)
        radius = generator.uniform(0.5, size / 4)
        mask |= (down - row) ** 2 + (across - column) ** 2 <= radius**2
    return mask


def make_score(slice_id: str, patient: str | None, *, tumor: bool) -> Prediction:
    """A slice of the test subset with a middling score."""
    return Prediction(
        slice_id=slice_id,
        group=f"G-{patient or slice_id}",
        patient=patient,
        label="tumor" if tumor else "no tumor",
        subset=Subset.TEST,
        epoch=Epoch.BEST,
        score=0.5,
        logit=0.0,
    )
