"""The head around the brain, in batches: bone, scalp, face, orbits, air."""

from dataclasses import dataclass
from typing import Final

import torch

from brainmri.phantom.wide.draft import Draft, Part
from brainmri.phantom.wide.fields import blend, enlarge, join, ramp
from brainmri.phantom.wide.landmarks import OrbitPart
from brainmri.phantom.wide.sketch import Sketch
from brainmri.phantom.wide.template import HeadPart, Template

# Of the fields of `_Patterns`, in its order.
_PATTERN_WAVES: Final = (10.0, 13.0, 21.0)
_EYE_WALL_MM: Final = 1.0
# Between vault and face.
_SEAM_MM: Final = 9.0


@dataclass(frozen=True)
class Shells:
    """Maps (n, size, size): distances in mm, negative inside, of the fluid around the brain, skull and skin.

    `inside` is the share of each pixel within the fluid's outer surface.
    """

    fluid_mm: torch.Tensor
    skull_mm: torch.Tensor
    skin_mm: torch.Tensor
    inside: torch.Tensor


def measure_shells(draft: Draft, sketch: Sketch) -> Shells:
    """The nested surfaces of the head."""
    fluid = sketch.brain_mm - draft["fluid_mm"]
    vault = sketch.head[:, HeadPart.VAULT] - draft["fluid_mm"]
    waves = draft["elastic_waves"]
    fields = zip(("skull_mm", "scalp_mm"), draft.smooth(waves + 2, waves + 1), strict=True)
    bone, scalp = (torch.addcmul(draft[name], field, draft["uneven"] * draft[name]) for name, field in fields)
    skull = torch.maximum(vault - bone, fluid - 2 * bone)
    skin = join(skull - scalp, sketch.head[:, HeadPart.FACE], _SEAM_MM)
    fluid, skull, skin = enlarge(torch.stack([fluid, skull, skin])).unbind(0)
    return Shells(fluid, skull, skin, ramp(fluid, 0.45))


def paint_head(draft: Draft, template: Template, shells: Shells, sketch: Sketch) -> torch.Tensor:
    """The signal of all that isn't brain or fluid, (n, size, size); 0 in the air within."""
    patterns = _draw_patterns(draft)
    image = _paint_scalp(draft, shells, patterns)
    part = draft.having("orbits")
    if part:
        distances = enlarge(template.orbits.sample(part.pick_points(sketch.points)))
        image[part.places] = _paint_orbits(part, part.pick(image), distances)
    image = _paint_bone(draft, shells, patterns, image)
    part = draft.having("cells")
    if part:
        distances = enlarge(template.air.sample(part.pick_points(sketch.points)))
        outside = ramp(part.pick(shells.fluid_mm), -0.5, 2.0)
        air = ramp(distances[:, 0], 0.8).mul_(outside).mul_(part["air"])
        image[part.places] = part.pick(image).mul_(1 - air)
    return image


@dataclass(frozen=True)
class _Patterns:
    """Fields (n, size, size) that muscle (`wander`), the planes in it and the marrow (`grain`) vary by."""

    wander: torch.Tensor
    planes: torch.Tensor
    grain: torch.Tensor


def _draw_patterns(draft: Draft) -> _Patterns:
    waves = [torch.full_like(draft["uneven"], waves) for waves in _PATTERN_WAVES]
    return _Patterns(*draft.smooth_whole(*waves))


def _paint_scalp(draft: Draft, shells: Shells, patterns: _Patterns) -> torch.Tensor:
    """Skin, the fat below it, and muscle where there is room: with strands of fat, and dark ones."""
    detail = patterns.grain * draft["scalp_detail"]
    strands = ramp(torch.add(patterns.planes, detail, alpha=0.7).abs_(), 0.1, 0.2)
    image = torch.lerp(draft["muscle"], draft["fat"], strands.mul_(draft["scalp_pattern"]))
    planes = torch.sub(patterns.planes, patterns.wander).abs_()
    dark = ramp(planes.sub_(detail, alpha=0.3), -0.12, 1.2).mul_(draft["scalp_detail"])
    image = blend(image, dark, draft["bone"])
    muscle = ramp(torch.add(shells.skin_mm, patterns.wander, alpha=0.9), 0.8, -4.8)
    image = torch.lerp(draft["fat"], image, muscle)
    return blend(image, ramp(shells.skin_mm, -0.4, -1.6).mul_(0.6), draft["muscle"])


def _paint_orbits(part: Part, image: torch.Tensor, distances: torch.Tensor) -> torch.Tensor:
    """Eyes with lens and wall, the fat behind them, nerves and muscles."""
    orbit, eye, lens, cord = (distances[:, which] for which in OrbitPart)
    layers = (
        (orbit, 0.0, "fat"),
        (cord, 0.0, "muscle"),
        (eye, 0.0, "muscle"),
        (eye, -_EYE_WALL_MM, "csf"),
        (lens, 0.0, "muscle"),
    )
    for distance, edge, tissue in layers:
        image = blend(image, ramp(distance, 0.6, edge), part[tissue])
    return image


def _paint_bone(draft: Draft, shells: Shells, patterns: _Patterns, image: torch.Tensor) -> torch.Tensor:
    """Dark tables with marrow between them where the bone is thick enough."""
    depth = torch.minimum(shells.fluid_mm, -shells.skull_mm)
    marrow = ramp(depth, -0.45, 1.6).mul_(torch.add(patterns.grain, 2.5).mul_(0.3).clamp_(0, 1))
    return blend(image, ramp(shells.skull_mm, 0.45), torch.lerp(draft["bone"], draft["marrow"], marrow))
