"""Rendering what surrounds the brain: skull, scalp, face and the great venous sinus."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from brainmri.phantom.anatomy import Anatomy, Map, Points
from brainmri.phantom.description import Body, Contrast, Place
from brainmri.phantom.fields import draw_field, enlarge, measure_ellipsoid, ramp, shrink
from brainmri.phantom.geometry import STEP

Ellipsoid: TypeAlias = tuple[Place, Place]  # centre and radii in mm

_EDGE_MM = 0.45
# Ellipsoids, centre and radii in mm; paired ones are given for the right side.
FACE = ((0.0, 32.0, -58.0), (64.0, 62.0, 74.0))
NECK = ((0.0, -38.0, -90.0), (60.0, 62.0, 95.0))
TEMPLE = ((60.0, 22.0, -20.0), (14.0, 34.0, 32.0))
ORBIT = ((27.0, 54.0, -38.0), (17.0, 28.0, 16.0))
EYE = ((32.0, 68.0, -38.0), (12.0, 12.5, 12.0))
LENS = ((32.5, 77.5, -38.0), (5.0, 2.4, 5.0))
NERVE = ((22.0, 42.0, -38.0), (2.6, 20.0, 2.6))
MUSCLE_OUTER = ((41.0, 52.0, -38.0), (2.4, 20.0, 8.0))
MUSCLE_INNER = ((17.0, 52.0, -38.0), (2.4, 20.0, 8.0))
AIR = (
    ((8.0, 58.0, -42.0), (7.0, 24.0, 15.0)),
    ((7.0, 14.0, -40.0), (8.0, 11.0, 8.0)),
    ((12.0, 74.0, -14.0), (11.0, 4.5, 11.0)),
    ((27.0, 55.0, -66.0), (15.0, 18.0, 14.0)),
)
MASTOID = ((52.0, -34.0, -44.0), (10.0, 13.0, 14.0))


@dataclass(frozen=True)
class Shells:
    """Signed distances in mm, negative inside: the fluid around the brain, the skull, the skin."""

    fluid: Map
    skull: Map
    skin: Map


def measure_shells(points: Points, anatomy: Anatomy, body: Body) -> Shells:
    """The nested surfaces of the head at `points`."""
    small = shrink(points, STEP)
    fluid = anatomy.brain_mm.sample(small) - body.fluid_mm
    vault = anatomy.skull_mm.sample(small) - body.fluid_mm
    thickness = body.skull_mm * (1 + 0.12 * draw_field(body.seed + 20, small, 45))
    scalp = body.scalp_mm * (1 + 0.12 * draw_field(body.seed + 21, small, 60))
    skull = np.maximum(vault - thickness, fluid - 2 * thickness)
    skin = np.maximum(vault - thickness - scalp, fluid - 2 * thickness - scalp)
    for centre, radii in (FACE, NECK, *pair(TEMPLE)):
        part = (measure_ellipsoid(small, centre, radii) - 1) * min(radii)
        skin = join(skin, part, 9.0)
    return Shells(*(enlarge(np.asarray(shell, np.float32), STEP) for shell in (fluid, skull, skin)))


def paint_head(points: Points, shells: Shells, body: Body, contrast: Contrast) -> Map:
    """The signal of all that is not brain or fluid, 0 in the air around."""
    image = _paint_soft_tissue(points, shells, contrast, body.seed)
    if points[2].min() < -5:
        image = _paint_orbits(points, image, contrast)
    bone = _paint_bone(points, shells, contrast, body.seed)
    image = image + ramp(shells.skull, _EDGE_MM) * (bone - image)
    if points[2].min() < 0:
        image = image * (1 - _cover_air(points, shells))
    return np.asarray(image * ramp(shells.skin, 0.6), np.float32)


def cover_sinus(points: Points, fluid_mm: Map) -> Map:
    """The share of each pixel in the superior sagittal sinus, wider behind than in front."""
    x, y, z = points
    width = np.where(y < -30, 3.6, 2.0)
    distance = np.hypot(x, (fluid_mm + 1.5) * 0.8) - width
    return ramp(distance, 0.5) * ramp(-z - 8, 3.0)


def pair(ellipsoid: Ellipsoid) -> tuple[Ellipsoid, Ellipsoid]:
    """An ellipsoid of the right side and its mirror image."""
    (x, y, z), radii = ellipsoid
    return ((x, y, z), radii), ((-x, y, z), radii)


def join(first: Map, second: Map, blend_mm: float) -> Map:
    """The union of two shapes with a rounded seam (polynomial smooth minimum)."""
    share = np.clip(0.5 + 0.5 * (second - first) / blend_mm, 0, 1)
    return np.asarray(second + share * (first - second) - blend_mm * share * (1 - share), np.float32)


def _cover(points: Points, ellipsoid: Ellipsoid, softness_mm: float = 0.6) -> Map:
    centre, radii = ellipsoid
    return ramp((measure_ellipsoid(points, centre, radii) - 1) * min(radii), softness_mm)


def _paint_soft_tissue(points: Points, shells: Shells, contrast: Contrast, seed: int) -> Map:
    """Skin, fat below it, and muscle where there is room for it: at the temples, in face and neck."""
    muscle = ramp(shells.skin + 4.8 + 0.7 * draw_field(seed + 30, points, 20.0), 0.8)
    planes = ramp(np.abs(draw_field(seed + 31, points, 16.0)) * 6 - 1, 0.6)
    deep = contrast.muscle + 0.6 * planes * (contrast.fat - contrast.muscle)
    image = contrast.fat + muscle * (deep - contrast.fat)
    skin = ramp(-shells.skin - 1.6, 0.4)
    return np.asarray(image + 0.6 * skin * (contrast.muscle - image), np.float32)


def _paint_orbits(points: Points, image: Map, contrast: Contrast) -> Map:
    """Eyes with lens and wall, the fat behind them, the optic nerve and two muscles each."""
    layers = (
        (ORBIT, contrast.fat),
        (NERVE, contrast.white),
        (MUSCLE_OUTER, contrast.muscle),
        (MUSCLE_INNER, contrast.muscle),
        (EYE, contrast.muscle),
        ((EYE[0], (10.8, 11.2, 10.8)), contrast.csf),
        (LENS, contrast.muscle),
    )
    for ellipsoid, signal in layers:
        for side in pair(ellipsoid):
            image = image + _cover(points, side) * (signal - image)
    return image


def _paint_bone(points: Points, shells: Shells, contrast: Contrast, seed: int) -> Map:
    """Dark tables with marrow between them where the bone is thick enough."""
    depth = np.minimum(shells.fluid, -shells.skull)
    share = ramp(1.6 - depth, 0.45) * np.clip(0.75 + 0.3 * draw_field(seed + 40, points, 9.0), 0, 1)
    return np.asarray(contrast.bone + share * (contrast.marrow - contrast.bone), np.float32)


def _cover_air(points: Points, shells: Shells) -> Map:
    """The sinuses and the cells of the mastoid, never inside the brain's own space."""
    cover = np.zeros_like(shells.fluid)
    for ellipsoid in (*AIR, MASTOID):
        for side in pair(ellipsoid):
            cover = np.maximum(cover, _cover(points, side, 0.8))
    return cover * ramp(2 - shells.fluid, 0.5)
