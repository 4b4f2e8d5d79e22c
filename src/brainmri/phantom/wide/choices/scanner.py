"""Coil, resolution, noise, window and compression."""

import numpy as np

from brainmri.phantom.wide.choices.chance import sometimes
from brainmri.phantom.wide.columns import Columns


def draw_scanner(rng: np.random.Generator, n: int, rate: float) -> Columns:
    """What happens to a signal on its way to the picture; `rate` thins out what degrades it."""
    # Blur is a share of the picture, or of its pixels however many they are, or between both.
    fine = rng.uniform(0, 1, n)
    thick = sometimes(rng, n, 0.2 * rate)
    coarse, step = rng.random(n) < 0.07 * rate, rng.uniform(1.2, 2.8, n)
    return {
        **_draw_coil(rng, n, rate),
        "blur_x": rng.uniform(0.25, 0.55, n) + sometimes(rng, n, 0.5 * rate) * rng.uniform(0, 0.8, n),
        "blur_y": rng.uniform(0.25, 0.55, n)
        + sometimes(rng, n, 0.5 * rate) * rng.uniform(0, 0.8, n)
        + thick * rng.uniform(0.3, 1.6, n),
        # 0: as fine as the picture's own.
        "pixel_x": np.where(coarse & (rng.random(n) < 0.85), step, 0),
        "pixel_y": np.where(coarse & (rng.random(n) < 0.85), step, 0),
        **_draw_artifacts(rng, n, rate),
        "fine": fine,
        **_draw_noise(rng, n),
        **_draw_display(rng, n, rate),
    }


def _draw_coil(rng: np.random.Generator, n: int, rate: float) -> Columns:
    """Uneven brightness; `empty`, the few pictures without tumor that show nothing but air."""
    return {
        "bias": rng.uniform(0, 0.24, n),
        "near_coil": sometimes(rng, n, 0.35) * rng.uniform(-0.15, 0.8, n),
        "empty": sometimes(rng, n, 0.01 * rate),
        "slope": sometimes(rng, n, 0.15 * rate) * rng.uniform(-0.7, 0.7, n),
        "slope_turn": rng.uniform(0, 2 * np.pi, n),
    }


def _draw_artifacts(rng: np.random.Generator, n: int, rate: float) -> Columns:
    """Sharpening, and a ghost: the picture again, fainter, shifted by a share of its height."""
    return {
        "sharpen": sometimes(rng, n, 0.18 * rate) * rng.uniform(0.3, 1.2, n),
        "ghost": sometimes(rng, n, 0.08 * rate) * rng.uniform(0.02, 0.12, n),
        "ghost_shift": rng.uniform(0.08, 0.5, n),
    }


def _draw_noise(rng: np.random.Generator, n: int) -> Columns:
    """Of each pixel by itself, and of the signal before it is blurred."""
    return {
        "noise": 0.06 * rng.random(n) ** 1.8,
        "smooth_noise": sometimes(rng, n, 0.4) * 0.06 * rng.random(n) ** 1.5,
    }


def _draw_display(rng: np.random.Generator, n: int, rate: float) -> Columns:
    """The window's ends as shares of the pixels below them, its curve, and steps of compression."""
    return {
        "lowest": rng.uniform(0.003, 0.02, n),
        "highest": rng.uniform(0.972, 0.998, n),
        "gamma": np.exp(rng.normal(0, 0.25, n)),
        "inverted": sometimes(rng, n, 0.03),
        "jpeg": sometimes(rng, n, 0.5 * rate),
        "jpeg_step": np.exp(rng.uniform(np.log(2), np.log(40), n)),
    }
