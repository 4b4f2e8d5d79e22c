"""The anatomy of a head: how it departs from the template."""

import numpy as np

from brainmri.phantom.wide.choices.chance import sometimes
from brainmri.phantom.wide.columns import Columns
from brainmri.phantom.wide.settings import WideParams


def draw_head(rng: np.random.Generator, n: int, params: WideParams) -> Columns:
    """Shape, shells and fluid; some are aged, some have wide ventricles, some are brain alone."""
    aged = sometimes(rng, n, 0.3 * params.lookalikes)
    wide = sometimes(rng, n, 0.35 * params.lookalikes)
    return {
        "stripped": sometimes(rng, n, params.stripped),
        "elastic_mm": rng.uniform(0.5, 4.5, n),
        "elastic_waves": rng.uniform(2.5, 5, n),
        "fold_mm": rng.uniform(0.2, 2.2, n),
        "fold_waves": rng.uniform(9, 19, n),
        "fluid_mm": rng.uniform(0.3, 2.5, n) + aged * rng.uniform(0, 3, n),
        "skull_mm": rng.uniform(3.5, 9, n),
        "scalp_mm": rng.uniform(2.5, 9, n),
        "uneven": rng.uniform(0.05, 0.22, n),
        "atrophy": rng.uniform(-0.06, 0.03, n) + aged * rng.uniform(0.02, 0.09, n),
        "fluid_softness": rng.uniform(0.02, 0.05, n),
        "gray_level": rng.uniform(0.60, 0.70, n),
        "trust": rng.uniform(0.1, 0.8, n),
        "ventricle_mm": rng.uniform(-3, -0.5, n)
        + wide * rng.uniform(1.5, 9, n)
        + aged * rng.uniform(0, 3, n),
        "ventricle_side_mm": rng.normal(0, 0.6, n) + wide * rng.normal(0, 2.5, n),
        "air": rng.uniform(0.7, 1, n),
    }
