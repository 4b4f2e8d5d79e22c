"""The head around the brain, in batches: bone, scalp, face, orbits, air."""

import torch

from brainmri.phantom.wide.columns import Drawn
from brainmri.phantom.wide.fields import Noise, blend, enlarge, ramp

# Channels of the template's `head`.
BRAIN, VAULT, FACE, ORBIT, EYE, LENS, CORD, AIR = range(8)


def measure_shells(drawn: Drawn, noise: Noise, head: torch.Tensor) -> torch.Tensor:
    """Distances in mm, negative inside, of fluid, skull and skin, from `head` (n, channels, h, h)."""
    half = head.shape[-1]
    fluid = head[:, BRAIN] - drawn["fluid_mm"]
    vault = head[:, VAULT] - drawn["fluid_mm"]
    waves = drawn["elastic_waves"]
    thickness = drawn["skull_mm"] * (1 + drawn["uneven"] * noise.smooth(waves + 2, half))
    scalp = drawn["scalp_mm"] * (1 + drawn["uneven"] * noise.smooth(waves + 1, half))
    skull = torch.maximum(vault - thickness, fluid - 2 * thickness)
    skin = torch.maximum(vault - thickness - scalp, fluid - 2 * thickness - scalp)
    return torch.stack([fluid, skull, _join(skin, head[:, FACE], 9.0)], dim=1)


def _join(first: torch.Tensor, second: torch.Tensor, blend_mm: float) -> torch.Tensor:
    """The union of two shapes with a rounded seam (polynomial smooth minimum)."""
    share = (0.5 + 0.5 * (second - first) / blend_mm).clamp_(0, 1)
    return second + share * (first - second) - blend_mm * share * (1 - share)


def paint_head(
    drawn: Drawn, noise: Noise, shells: torch.Tensor, head: torch.Tensor
) -> torch.Tensor:
    """The signal of all that isn't brain or fluid; 0 in the air within."""
    fluid, skull, skin = shells.unbind(1)
    wander, planes, grain = draw_patterns(drawn, noise, shells.shape[-1]).unbind(1)
    muscle = ramp(skin + 4.8 + 0.9 * wander, 0.8)
    detail = grain * drawn["scalp_detail"]
    strands = ramp((planes + 0.7 * detail).abs() * 6 - 1.2, 0.6) * drawn["scalp_pattern"]
    deep = drawn["muscle"] + strands * (drawn["fat"] - drawn["muscle"])
    dark = ramp(1.2 - (planes - wander).abs() + 0.3 * detail, 0.12) * drawn["scalp_detail"]
    deep = deep + dark * (drawn["bone"] - deep)
    image = drawn["fat"] + muscle * (deep - drawn["fat"])
    image = blend(image, ramp(-skin - 1.6, 0.4) * 0.6, drawn["muscle"])
    rows = drawn.rows("low")
    chosen = torch.from_numpy(rows).to(drawn.device)
    low = drawn.take(rows) if len(rows) else drawn
    parts = enlarge(head[chosen, ORBIT : AIR + 1], image.shape[-1])
    if len(rows):
        image[chosen] = _paint_orbits(image[chosen], low, parts)
    depth = torch.minimum(fluid, -skull)
    marrow = ramp(1.6 - depth, 0.45) * (0.75 + 0.3 * grain).clamp_(0, 1)
    bone = drawn["bone"] + marrow * (drawn["marrow"] - drawn["bone"])
    image = blend(image, ramp(skull, 0.45), bone)
    if len(rows):
        image[chosen] *= 1 - ramp(parts[:, -1], 0.8) * ramp(2 - fluid[chosen], 0.5) * low["air"]
    return image


def _paint_orbits(image: torch.Tensor, drawn: Drawn, parts: torch.Tensor) -> torch.Tensor:
    """Eyes with lens and wall, the fat behind them, nerves and muscles."""
    orbit, eye, lens, cord, _ = parts.unbind(1)
    for distance, signal in (
        (orbit, drawn["fat"]),
        (cord, drawn["muscle"]),
        (eye, drawn["muscle"]),
        (eye + 1.0, drawn["csf"]),
        (lens, drawn["muscle"]),
    ):
        image = blend(image, ramp(distance, 0.6), signal)
    return image


def draw_patterns(drawn: Drawn, noise: Noise, size: int) -> torch.Tensor:
    """What muscle, its planes and marrow vary by, (n, 3, size, size)."""
    half = size // 2
    fields = [noise.smooth(torch.full_like(drawn["turn"], waves), half) for waves in (10.0, 13.0, 21.0)]
    return enlarge(torch.stack(fields, dim=1), size)
