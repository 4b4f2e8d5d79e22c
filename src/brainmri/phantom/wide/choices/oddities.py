"""What healthy brains have that looks like a tumor, in pictures of both classes."""

import numpy as np

from brainmri.phantom.wide.choices.chance import sometimes
from brainmri.phantom.wide.columns import Columns


def draw_oddities(rng: np.random.Generator, n: int, rate: float) -> Columns:
    """Each oddity is 0 where a picture has none; at the rate 1 most pictures have one or more."""
    return {
        **_draw_spots(rng, n, rate),
        **_draw_twins(rng, n, rate),
        **_draw_dots(rng, n, rate),
        **_draw_veins(rng, n, rate),
        **_draw_glands(rng, n, rate),
    }


def _draw_spots(rng: np.random.Generator, n: int, rate: float) -> Columns:
    """Spots in the white matter, and caps on the ventricles."""
    return {
        "spots": sometimes(rng, n, 0.22 * rate) * rng.uniform(0.3, 1, n),
        "spot_waves": rng.uniform(11, 21, n),
        "spot_level": rng.uniform(1.3, 2.3, n),
        "caps": sometimes(rng, n, 0.25 * rate) * rng.uniform(0.05, 0.35, n),
        "caps_mm": rng.uniform(1, 6, n),
    }


def _draw_twins(rng: np.random.Generator, n: int, rate: float) -> Columns:
    """A pair on both sides of the midline: its place and radius in mm, its shape and signal."""
    return {
        "twins": sometimes(rng, n, 0.25 * rate),
        "twins_x": rng.uniform(4, 34, n),
        "twins_y": rng.uniform(-60, 40, n),
        "twins_z": rng.uniform(-30, 45, n),
        "twins_mm": rng.uniform(2, 9, n),
        "twins_long": rng.uniform(0.6, 1.9, n),
        "twins_signal": rng.uniform(-0.25, 0.25, n)
        + np.where(rng.random(n) < 0.3, rng.choice((-0.4, 0.5), n), 0),
    }


def _draw_dots(rng: np.random.Generator, n: int, rate: float) -> Columns:
    """Small dots, most bright, some dark."""
    return {
        "dots": sometimes(rng, n, 0.3 * rate),
        "dots_signal": np.where(rng.random(n) < 0.65, rng.uniform(0.7, 1.1, n), rng.uniform(0, 0.15, n)),
        "dot_mm": rng.uniform(0.8, 2.6, n),
    }


def _draw_veins(rng: np.random.Generator, n: int, rate: float) -> Columns:
    """The venous sinuses, which every head has (seen in most, whatever the rate), and the falx."""
    return {
        "sinus": sometimes(rng, n, 0.65),
        "sinus_mm": rng.uniform(1.5, 5.5, n),
        "sinus_signal": np.where(rng.random(n) < 0.5, rng.uniform(0.7, 1.1, n), rng.uniform(0, 0.25, n)),
        "falx": sometimes(rng, n, 0.3 * rate),
        "falx_mm": rng.uniform(0.4, 1.2, n),
        "falx_signal": np.where(rng.random(n) < 0.7, rng.uniform(0.6, 1.1, n), rng.uniform(0, 0.2, n)),
    }


def _draw_glands(rng: np.random.Generator, n: int, rate: float) -> Columns:
    """The pituitary and the pineal gland."""
    return {
        "pituitary": sometimes(rng, n, 0.6 * rate),
        "pituitary_mm": rng.uniform(3, 6, n),
        "pituitary_signal": rng.uniform(0.35, 1.05, n),
        "pineal": sometimes(rng, n, 0.4 * rate),
        "pineal_mm": rng.uniform(2, 5, n),
        "pineal_signal": rng.uniform(0, 1.05, n),
    }
