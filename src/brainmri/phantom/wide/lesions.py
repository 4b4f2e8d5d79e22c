"""Tumors in batches: the signal they leave where they grow."""

from dataclasses import dataclass

import torch

from brainmri.phantom.wide.draft import Draft, Part
from brainmri.phantom.wide.fields import MOST_WAVES, blend, enlarge, ramp
from brainmri.phantom.wide.foci import Focus
from brainmri.phantom.wide.framing import Frame, turn
from brainmri.phantom.wide.kinds import Look
from brainmri.phantom.wide.scene import Scene


@dataclass(frozen=True)
class Grown:
    """Maps (n, size, size): the images with their tumors, and what these cover, 0 to 1 (edema up to 0.4)."""

    image: torch.Tensor
    cover: torch.Tensor


@dataclass(frozen=True)
class _Room:
    """Shares of each pixel: `inside` of what a tumor may cover, `white` and `gray` matter; `dura_mm`."""

    inside: torch.Tensor
    white: torch.Tensor
    gray: torch.Tensor
    dura_mm: torch.Tensor


@dataclass(frozen=True)
class _Shape:
    """A focus at each pixel: the distance in radii, 1 at its wandering border; a field of its own."""

    relative: torch.Tensor
    wander: torch.Tensor


def grow(draft: Draft, image: torch.Tensor, frame: Frame, foci: list[Focus], scene: Scene) -> Grown:
    """The images with every focus of those that have a tumor."""
    u, v = turn(draft.drawn, *frame.place(draft.size))
    image, total = image.clone(), torch.zeros_like(image)
    for focus in foci:
        part = draft.having("tumor", f"present_{focus.number}")
        if part is None:
            continue
        room = _find_room(part, scene)
        own = Focus(focus.number, part.pick(focus.u), part.pick(focus.v))
        relative = _measure(part, own, part.pick(u), part.pick(v), room.white)
        shape = _Shape(relative, part.smooth(part["tumor_waves"]))
        grown = _shade(part, part.pick(image), shape, room, focus.number)
        if focus.number == 0:
            grown = Grown(_shade_tail(part, grown.image, relative, room), grown.cover)
        image[part.places] = grown.image
        total[part.places] = torch.maximum(part.pick(total), grown.cover)
    return Grown(image, total)


def _find_room(part: Part, scene: Scene) -> _Room:
    """The brain's own space; of tumors at the sella also what is below it."""
    solid = 1 - part.pick(scene.brain.fluid)
    white = part.pick(scene.brain.white) * solid
    dura_mm = part.pick(scene.shells.fluid_mm)
    return _Room(ramp(dura_mm - 14 * part["sellar"], 0.5), white, solid - white, dura_mm)


def _measure(part: Part, focus: Focus, u: torch.Tensor, v: torch.Tensor, white: torch.Tensor) -> torch.Tensor:
    """The distance from the focus at places in the plane, in radii, 1 at the wandering border."""
    number = focus.number
    cos, sin = part[f"lean_{number}"].cos(), part[f"lean_{number}"].sin()
    du, dv = u - focus.u, v - focus.v
    radius, flat = part[f"radius_mm_{number}"], part[f"flat_{number}"]
    along, aside = (cos * du + sin * dv) / radius, (cos * dv - sin * du) / (radius * flat)
    relative = (along * along + aside * aside).sqrt()
    # A border's lobes are a share of the tumor, whatever part of the picture it takes.
    span = (u[:, :1, -1:] - u[:, :1, :1]).abs() + (v[:, :1, -1:] - v[:, :1, :1]).abs()
    waves = (part[f"lobes_{number}"] * span / (2 * radius)).clamp(2, MOST_WAVES)
    relative = relative + part[f"rough_{number}"] * _draw_border(part, waves)
    return relative - part["follows_white"] * (white - 0.4)


def _draw_border(part: Part, waves: torch.Tensor) -> torch.Tensor:
    """A field (n, size, size) with lobes, and finer ones on them."""
    coarse = part.noise.smooth(waves, part.half)
    fine = part.noise.smooth((2.3 * waves).clamp(max=MOST_WAVES), part.half)
    return enlarge(coarse + 0.45 * fine, part.size)


def _shade(part: Part, image: torch.Tensor, shape: _Shape, room: _Room, number: int) -> Grown:
    """The images with one focus in them, its edema around it."""
    cover = ramp(shape.relative - 1, part[f"soft_{number}"]) * room.inside
    base = (image * cover).sum((1, 2), keepdim=True) / (cover.sum((1, 2), keepdim=True) + 1e-3)
    swelling = _cover_edema(part, shape, room)
    image = image + swelling * (part["edema_sign"] * part["edema_odd"] * part["edema_strength"])
    # Some infiltrate and leave the folds to be seen.
    target = _paint(part, shape, base + part["keeps"] * (image - base))
    image = image + cover * part["opacity"] * (target - image)
    outline = ramp((shape.relative - 1).abs() - 0.12, 0.04) * room.inside * part["outline"]
    return Grown(image + outline, torch.maximum(cover, swelling * 0.4))


def _cover_edema(part: Part, shape: _Shape, room: _Room) -> torch.Tensor:
    """Edema spreads in white matter, and little in gray."""
    reach = part["edema_reach"] + 0.15 * shape.wander
    matter = (room.white + 0.3 * room.gray).clamp(0, 1)
    return ramp(shape.relative - reach, 0.14) * matter * room.inside * part["edema"]


def _paint(part: Part, shape: _Shape, base: torch.Tensor) -> torch.Tensor:
    """The tumor's own signal at each place, by its look; `base` is what it grows in."""
    difference, texture = part["difference"], part["tumor_texture"] * shape.wander
    bright = base + difference
    core = ramp(shape.relative - part["core"] - 0.1 * texture, 0.05)
    ring = bright + core * (_paint_core(part, base) - bright)
    paints = {
        Look.BRIGHT: bright,
        Look.DARK: base - torch.minimum(difference, (base - 0.02).clamp(min=0.12)),
        Look.RING: ring,
        Look.EDEMA_ONLY: base + 1.3 * texture,
        Look.MIXED: base + 0.8 * difference * torch.tanh(3 * shape.wander + 0.3),
        Look.CYSTIC: ring,
    }
    target = texture
    for look, paint in paints.items():
        target = target + (part["look"] == look) * paint
    return target


def _paint_core(part: Part, base: torch.Tensor) -> torch.Tensor:
    """Fluid in a cyst; in a ring what is dead, mostly dark, at times brighter than the ring."""
    bright = base + 1.5 * part["difference"]
    solid = torch.where(part["core_bright"] > 0, bright, (base + part["core_signal"]).clamp(min=0.02))
    return torch.where(part["look"] == Look.CYSTIC, part["csf"].expand_as(base), solid)


def _shade_tail(part: Part, image: torch.Tensor, relative: torch.Tensor, room: _Room) -> torch.Tensor:
    """The dura beside a tumor that grows on it, thickened and as bright."""
    near = ramp(relative - 2.1, 0.12) * ramp(room.dura_mm.abs() - 1.6, 0.5)
    return blend(image, near * part["tail"], part["gray"] + part["difference"])
