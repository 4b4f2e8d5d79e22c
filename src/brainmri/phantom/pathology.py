"""Drawing what is wrong in a brain: tumors, and what looks like one."""

import math

import numpy as np

from brainmri.phantom.chance import draw_choice, draw_place, draw_seed, draw_upward
from brainmri.phantom.description import Blob, Growth, Lesion, Lookalike, Oddity, Place
from brainmri.phantom.settings import PhantomParams

_GROWTHS = {
    Growth.RING: 0.34,
    Growth.SOLID: 0.24,
    Growth.PATCHY: 0.16,
    Growth.INFILTRATIVE: 0.18,
    Growth.CYSTIC: 0.08,
}
# Softness of the border (mm), roughness, necrotic share of the radius, edema in radii, push: low, high.
_HABITS = {
    Growth.RING: ((0.5, 1.1), (0.08, 0.22), (0.50, 0.80), (0.4, 1.6), (0.3, 0.7)),
    Growth.SOLID: ((0.4, 0.8), (0.02, 0.09), (0.00, 0.00), (0.0, 1.0), (0.3, 0.8)),
    Growth.PATCHY: ((0.6, 1.4), (0.12, 0.28), (0.30, 0.70), (0.3, 1.4), (0.3, 0.7)),
    Growth.INFILTRATIVE: ((1.2, 3.0), (0.15, 0.30), (0.00, 0.00), (0.0, 0.3), (0.1, 0.5)),
    Growth.CYSTIC: ((0.4, 0.8), (0.03, 0.12), (0.86, 0.94), (0.0, 0.8), (0.3, 0.8)),
}
_CEREBRUM = ((0.0, -17.0, 14.0), (62.0, 80.0, 54.0))
_CEREBELLUM = ((0.0, -64.0, -34.0), (40.0, 24.0, 18.0))
# The brain stem, the third ventricle and the falx: hardly a place for these growths.
_MIDLINE_MM = 14.0
_LOWEST_MM, _HIGHEST_MM = -38.0, 58.0


def draw_focus(rng: np.random.Generator, params: PhantomParams) -> Lesion:
    """The main focus of a tumor: every patient's slices gather around one, in some it is there."""
    growth = draw_choice(rng, _GROWTHS)
    radius = draw_upward(rng, params.tumor_radius_min_mm, params.tumor_radius_max_mm)
    contrast = draw_upward(rng, params.tumor_contrast_min, params.tumor_contrast_max)
    outside = growth is Growth.SOLID and rng.random() < 0.7
    depth = 0.97 if outside else rng.uniform(0.3, 0.86)
    softness, roughness, core, edema, push = (rng.uniform(*habit) for habit in _HABITS[growth])
    blob = Blob(
        centre_mm=_draw_centre(rng, depth),
        radii_mm=_draw_radii(rng, radius, 1.35),
        angles=_draw_angles(rng),
        roughness=roughness,
        seed=draw_seed(rng),
    )
    return Lesion(growth, blob, softness, core, min(edema * radius, 24.0), push, contrast)


def draw_satellites(rng: np.random.Generator, focus: Lesion) -> tuple[Lesion, ...]:
    """Now and then one or two smaller foci near the main one, or elsewhere."""
    count = int(rng.choice(3, p=[0.84, 0.11, 0.05]))
    return tuple(_draw_satellite(rng, focus) for _ in range(count))


def draw_lookalikes(rng: np.random.Generator, near: Place) -> tuple[Lookalike, ...]:
    """One to three oddities; some lie where the slices gather, or nobody would see them."""
    kinds = [list(Oddity)[index] for index in rng.choice(len(Oddity), int(rng.integers(1, 4)), replace=False)]
    return tuple(_draw_lookalike(rng, kind, near) for kind in kinds)


def _draw_satellite(rng: np.random.Generator, focus: Lesion) -> Lesion:
    size = rng.uniform(0.3, 0.6)
    radius = max(float(np.mean(focus.blob.radii_mm)) * size, 2.5)
    step = rng.normal(0, 1, 3)
    away = step / np.linalg.norm(step) * radius / size * rng.uniform(1.4, 2.2) * np.array([1, 1, 0.4])
    x, y, z = (np.array(focus.blob.centre_mm) * 0.94 + away).tolist()
    blob = Blob((x, y, z), _draw_radii(rng, radius, 1.2), _draw_angles(rng), 0.12, draw_seed(rng))
    return Lesion(focus.growth, blob, 0.7, focus.core * size, focus.edema_mm * size, 0.3, focus.contrast)


def _draw_lookalike(rng: np.random.Generator, kind: Oddity, near: Place) -> Lookalike:
    sizes = {
        Oddity.VESSELS: (6.0, 16.0),
        Oddity.CALCIFICATION: (1.5, 6.0),
        Oddity.WHITE_MATTER_SPOTS: (14.0, 40.0),
        Oddity.ARACHNOID_CYST: (7.0, 18.0),
        Oddity.OLD_INFARCT: (5.0, 14.0),
    }
    shallow = kind in {Oddity.ARACHNOID_CYST, Oddity.OLD_INFARCT}
    x, y, _ = _draw_centre(rng, rng.uniform(0.9, 1.02) if shallow else rng.uniform(0.2, 0.8))
    height = near[2] + rng.normal(0, 6)
    radius = rng.uniform(*sizes[kind])
    blob = Blob((x, y, height), _draw_radii(rng, radius, 1.4), _draw_angles(rng), 0.2, draw_seed(rng))
    return Lookalike(kind, blob, rng.uniform(0.5, 1.0))


def _draw_centre(rng: np.random.Generator, depth: float) -> Place:
    """A place at that share of the way from the middle of the brain to its surface, off the midline."""
    centre, radii = _CEREBELLUM if rng.random() < 0.1 else _CEREBRUM
    direction = rng.normal(0, 1, 3)
    x, y, z = (centre + depth * np.array(radii) * direction / np.linalg.norm(direction)).tolist()
    return (math.copysign(max(abs(x), _MIDLINE_MM), x), y, min(max(z, _LOWEST_MM), _HIGHEST_MM))


def _draw_radii(rng: np.random.Generator, radius_mm: float, stretch: float) -> Place:
    """Three radii whose ellipsoid has the volume of a ball of `radius_mm`."""
    logs = rng.uniform(-np.log(stretch), np.log(stretch), 3)
    x, y, z = (radius_mm * np.exp(logs - logs.mean())).tolist()
    return (x, y, z)


def _draw_angles(rng: np.random.Generator) -> Place:
    return draw_place(rng, (0, 0, 0), (np.pi, np.pi, np.pi))
