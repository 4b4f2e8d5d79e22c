"""Rendering tumors: what they cover, and the signal they leave."""

from dataclasses import dataclass

import numpy as np

from brainmri.phantom.anatomy import Map, Points
from brainmri.phantom.description import Contrast, Growth, Lesion
from brainmri.phantom.fields import draw_field, measure_blob, measure_ellipsoid, ramp

_RIM_MM = 2.5


@dataclass(frozen=True)
class Surroundings:
    """What a lesion meets in a slice: shares from 0 to 1 of brain and of white matter."""

    points: Points
    brain: Map
    white: Map


@dataclass(frozen=True)
class MeasuredLesion:
    """A lesion and the distance of each pixel from its border in mm, negative inside."""

    lesion: Lesion
    distance: Map


def measure_lesion(lesion: Lesion, around: Surroundings) -> MeasuredLesion:
    """Where the lesion is in the slice.

    What infiltrates goes further along white matter.
    """
    distance = measure_blob(around.points, lesion.blob)
    if lesion.growth is Growth.INFILTRATIVE:
        distance = distance - np.float32(0.35 * min(lesion.blob.radii_mm)) * (around.white - 0.5)
    return MeasuredLesion(lesion, distance)


def shade_lesion(image: Map, measured: MeasuredLesion, around: Surroundings, contrast: Contrast) -> Map:
    """The image with the lesion and its edema in it."""
    lesion, distance = measured.lesion, measured.distance
    edema = _cover_edema(distance, lesion, around) * min(lesion.contrast + 0.1, 1)
    image = image + edema * (contrast.edema - image)
    target = _paint(lesion, distance, around.points, contrast)
    cover = ramp(distance, lesion.softness_mm) * around.brain * lesion.contrast
    return image + cover * (target - image)


def _cover_edema(distance: Map, lesion: Lesion, around: Surroundings) -> Map:
    """Fingers along the white matter that thin out with distance."""
    wander = draw_field(lesion.blob.seed + 2, around.points, 11.0)
    reach = lesion.edema_mm * np.clip(0.75 + 0.4 * wander, 0, 1.6) * (0.2 + 0.8 * around.white)
    cover = ramp(distance - reach, 1.2) * around.brain * (0.15 + 0.85 * around.white)
    return cover * np.float32(lesion.edema_mm > 1)


def _paint(lesion: Lesion, distance: Map, points: Points, contrast: Contrast) -> Map:
    """The lesion's own signal at each place, as if it covered everything."""
    radius = float(np.cbrt(np.prod(lesion.blob.radii_mm)))
    texture = draw_field(lesion.blob.seed + 3, points, max(0.35 * radius, 5.0))
    depth = -distance / radius
    match lesion.growth:
        case Growth.SOLID:
            paint = contrast.solid * (1 + 0.06 * texture)
        case Growth.INFILTRATIVE:
            paint = contrast.infiltration * (1 + 0.10 * texture)
        case Growth.RING:
            core = ramp((1 - lesion.core - depth + 0.10 * texture) * radius, 0.7)
            paint = _mix(
                contrast.enhancing * (1 + 0.1 * texture), contrast.necrosis * (1 + 0.1 * texture), core
            )
        case Growth.PATCHY:
            holes = ramp((0.45 - lesion.core + 0.5 * texture) * 4, 0.8) * ramp((0.15 - depth) * radius, 0.8)
            paint = _mix((contrast.enhancing + contrast.solid) / 2 + 0.05 * texture, contrast.necrosis, holes)
        case Growth.CYSTIC:
            core = ramp((1 - lesion.core - depth) * radius, 0.5) * (1 - _cover_nodule(lesion, points, radius))
            paint = _mix(contrast.enhancing, 0.5 * (contrast.necrosis + contrast.csf), core)
    return np.asarray(paint, np.float32)


def _cover_nodule(lesion: Lesion, points: Points, radius: float) -> Map:
    x, y, z = lesion.blob.centre_mm
    side = 0.65 * radius * (1 if lesion.blob.seed % 2 else -1)
    size = 0.38 * radius
    nodule = measure_ellipsoid(points, (x, y + side, z), (size, size, 1.6 * size))
    return ramp((nodule - 1) * size, 0.6)


def _mix(outer: Map | float, inner: Map | float, share: Map) -> Map:
    return np.asarray(outer + share * (inner - outer), np.float32)
