"""The head around the brain, in batches: bone, scalp, face, orbits, air."""

from dataclasses import dataclass
from typing import Final

import torch

from brainmri.phantom.wide.draft import Draft, Part
from brainmri.phantom.wide.fields import blend, enlarge, join, ramp
from brainmri.phantom.wide.sketch import Sketch
from brainmri.phantom.wide.template import HeadPart

# Of the fields of `_Patterns`, in its order.
_PATTERN_WAVES: Final = (10.0, 13.0, 21.0)
_EYE_WALL_MM: Final = 1.0


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
    thickness = draft["skull_mm"] * _vary(draft, 2)
    scalp = draft["scalp_mm"] * _vary(draft, 1)
    skull = torch.maximum(vault - thickness, fluid - 2 * thickness)
    skin = torch.maximum(vault - thickness - scalp, fluid - 2 * thickness - scalp)
    skin = join(skin, sketch.head[:, HeadPart.FACE], 9.0)
    fluid, skull, skin = enlarge(torch.stack([fluid, skull, skin], dim=1), draft.size).unbind(1)
    return Shells(fluid, skull, skin, ramp(fluid, 0.45))


def _vary(draft: Draft, more_waves: int) -> torch.Tensor:
    """A field about 1, (n, half, half)."""
    return 1 + draft["uneven"] * draft.noise.smooth(draft["elastic_waves"] + more_waves, draft.half)


def paint_head(draft: Draft, shells: Shells, sketch: Sketch) -> torch.Tensor:
    """The signal of all that isn't brain or fluid, (n, size, size); 0 in the air within."""
    patterns = _draw_patterns(draft)
    image = _paint_scalp(draft, shells, patterns)
    low = draft.having("low")
    if low is None:
        return _paint_bone(draft, shells, patterns, image)
    parts = enlarge(low.pick(sketch.head)[:, HeadPart.ORBIT :], draft.size)
    image[low.places] = _paint_orbits(low, low.pick(image), parts)
    image = _paint_bone(draft, shells, patterns, image)
    image[low.places] *= 1 - _cover_air(low, shells, parts)
    return image


@dataclass(frozen=True)
class _Patterns:
    """Fields (n, size, size) that muscle (`wander`), the planes in it and the marrow (`grain`) vary by."""

    wander: torch.Tensor
    planes: torch.Tensor
    grain: torch.Tensor


def _draw_patterns(draft: Draft) -> _Patterns:
    fields = [
        draft.noise.smooth(torch.full_like(draft["uneven"], waves), draft.half) for waves in _PATTERN_WAVES
    ]
    return _Patterns(*enlarge(torch.stack(fields, dim=1), draft.size).unbind(1))


def _paint_scalp(draft: Draft, shells: Shells, patterns: _Patterns) -> torch.Tensor:
    """Skin, the fat below it, and muscle where there is room: with strands of fat, and dark ones."""
    detail = patterns.grain * draft["scalp_detail"]
    strands = ramp((patterns.planes + 0.7 * detail).abs() * 6 - 1.2, 0.6) * draft["scalp_pattern"]
    deep = draft["muscle"] + strands * (draft["fat"] - draft["muscle"])
    dark = ramp(1.2 - (patterns.planes - patterns.wander).abs() + 0.3 * detail, 0.12) * draft["scalp_detail"]
    deep = deep + dark * (draft["bone"] - deep)
    muscle = ramp(shells.skin_mm + 4.8 + 0.9 * patterns.wander, 0.8)
    image = draft["fat"] + muscle * (deep - draft["fat"])
    return blend(image, ramp(-shells.skin_mm - 1.6, 0.4) * 0.6, draft["muscle"])


def _paint_orbits(low: Part, image: torch.Tensor, parts: torch.Tensor) -> torch.Tensor:
    """Eyes with lens and wall, the fat behind them, nerves and muscles."""
    orbit, eye, lens, cord, _ = parts.unbind(1)
    layers = (
        (orbit, "fat"),
        (cord, "muscle"),
        (eye, "muscle"),
        (eye + _EYE_WALL_MM, "csf"),
        (lens, "muscle"),
    )
    for distance, tissue in layers:
        image = blend(image, ramp(distance, 0.6), low[tissue])
    return image


def _paint_bone(draft: Draft, shells: Shells, patterns: _Patterns, image: torch.Tensor) -> torch.Tensor:
    """Dark tables with marrow between them where the bone is thick enough."""
    depth = torch.minimum(shells.fluid_mm, -shells.skull_mm)
    marrow = ramp(1.6 - depth, 0.45) * (0.75 + 0.3 * patterns.grain).clamp_(0, 1)
    bone = draft["bone"] + marrow * (draft["marrow"] - draft["bone"])
    return blend(image, ramp(shells.skull_mm, 0.45), bone)


def _cover_air(low: Part, shells: Shells, parts: torch.Tensor) -> torch.Tensor:
    """The sinuses and the cells of the mastoid, never inside the brain's own space."""
    air = ramp(parts[:, HeadPart.AIR - HeadPart.ORBIT], 0.8)
    return air * ramp(2 - low.pick(shells.fluid_mm), 0.5) * low["air"]
