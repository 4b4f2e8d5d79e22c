"""Rendering what resembles a tumor and is none."""

from collections.abc import Callable

import numpy as np

from brainmri.phantom.anatomy import Map
from brainmri.phantom.description import Contrast, Lookalike, Oddity
from brainmri.phantom.fields import draw_field, measure_blob, ramp
from brainmri.phantom.lesions import Surroundings

Painter = Callable[[Map, Lookalike, Surroundings, Contrast], Map]


def shade_lookalike(image: Map, lookalike: Lookalike, around: Surroundings, contrast: Contrast) -> Map:
    """The image with the oddity in it."""
    return _PAINTERS[lookalike.oddity](image, lookalike, around, contrast)


def trace_vessels(seed: int, around: Surroundings, spacing_mm: float, width: float) -> Map:
    """Curved threads: the lines on which two smooth fields vanish together; shares from 0 to 1."""
    first, second = (draw_field(seed + step, around.points, spacing_mm) for step in (0, 1))
    return np.asarray(np.exp(-(first * first + second * second) / (2 * width * width)), np.float32)


def _shade(image: Map, cover: Map, signal: float) -> Map:
    return np.asarray(image + cover * (signal - image), np.float32)


def _shade_vessels(image: Map, lookalike: Lookalike, around: Surroundings, contrast: Contrast) -> Map:
    inside = ramp(measure_blob(around.points, lookalike.blob), 2.0)
    cover = inside * trace_vessels(lookalike.blob.seed + 5, around, 9.0, 0.3) * around.brain
    return _shade(image, np.clip(1.3 * cover, 0, 1), contrast.blood)


def _shade_calcification(image: Map, lookalike: Lookalike, around: Surroundings, contrast: Contrast) -> Map:
    cover = ramp(measure_blob(around.points, lookalike.blob), 0.6) * around.brain * lookalike.strength
    return _shade(image, cover, contrast.calcium)


def _shade_spots(image: Map, lookalike: Lookalike, around: Surroundings, contrast: Contrast) -> Map:
    inside = ramp(measure_blob(around.points, lookalike.blob), 4.0)
    spots = ramp((1.5 - draw_field(lookalike.blob.seed + 5, around.points, 7.0)) * 3, 0.6)
    return _shade(image, inside * spots * around.white * around.brain * lookalike.strength, contrast.edema)


def _shade_cyst(image: Map, lookalike: Lookalike, around: Surroundings, contrast: Contrast) -> Map:
    cover = ramp(measure_blob(around.points, lookalike.blob), 0.5) * around.brain
    return _shade(image, cover, contrast.csf)


def _shade_infarct(image: Map, lookalike: Lookalike, around: Surroundings, contrast: Contrast) -> Map:
    distance = measure_blob(around.points, lookalike.blob)
    image = _shade(image, ramp(distance - 2.5, 1.0) * around.brain * 0.6 * lookalike.strength, contrast.edema)
    return _shade(image, ramp(distance, 0.8) * around.brain, 0.7 * contrast.csf + 0.3 * contrast.gray)


_PAINTERS: dict[Oddity, Painter] = {
    Oddity.VESSELS: _shade_vessels,
    Oddity.CALCIFICATION: _shade_calcification,
    Oddity.WHITE_MATTER_SPOTS: _shade_spots,
    Oddity.ARACHNOID_CYST: _shade_cyst,
    Oddity.OLD_INFARCT: _shade_infarct,
}
