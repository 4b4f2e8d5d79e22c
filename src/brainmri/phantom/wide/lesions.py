"""Tumors in batches: the signal they leave where they grow."""

from dataclasses import dataclass

import torch

from brainmri.phantom.wide.draft import Draft, Part
from brainmri.phantom.wide.fields import blend, ramp
from brainmri.phantom.wide.foci import Focus, measure_focus
from brainmri.phantom.wide.framing import Frame
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
    grown = Grown(image.clone(), torch.zeros_like(image))
    for focus in foci:
        part = draft.having("tumor", f"present_{focus.number}")
        if part:
            room = _find_room(part, scene)
            relative = measure_focus(part, focus.take(part), frame.take(part.places), room.white)
            shape = _Shape(relative, *part.smooth_whole(part["tumor_waves"]))
            own = _shade(part, part.pick(grown.image), shape, room, focus)
            grown.image[part.places] = own.image
            grown.cover[part.places] = torch.maximum(part.pick(grown.cover), own.cover)
    return grown


def _find_room(part: Part, scene: Scene) -> _Room:
    """The brain's own space; of tumors at the sella also what is below it."""
    white, gray = scene.pick_matter(part)
    dura_mm = part.pick(scene.shells.fluid_mm)
    return _Room(ramp(dura_mm, 0.5, 14 * part["sellar"]), white, gray, dura_mm)


def _shade(part: Part, image: torch.Tensor, shape: _Shape, room: _Room, focus: Focus) -> Grown:
    """The images, which are written to, with one focus in them, its edema around it."""
    softness = focus.read(part, "soft")
    cover = ramp(shape.relative, softness, torch.ones_like(softness)).mul_(room.inside)
    base = (image * cover).sum((1, 2), keepdim=True) / (cover.sum((1, 2), keepdim=True) + 1e-3)
    swelling = _cover_edema(part, shape, room)
    image.addcmul_(swelling, part["edema_sign"] * part["edema_odd"] * part["edema_strength"])
    # Some infiltrate and leave the folds to be seen.
    target = _paint(part, shape, torch.lerp(base, image, part["keeps"]))
    image.lerp_(target, cover * part["opacity"])
    _draw_outline(part, image, shape, room)
    if focus.number == 0:
        _shade_tail(part, image, shape, room)
    return Grown(image, torch.maximum(cover, swelling.mul_(0.4)))


def _cover_edema(part: Part, shape: _Shape, room: _Room) -> torch.Tensor:
    """Edema spreads in white matter, and little in gray."""
    reach = torch.add(part["edema_reach"], shape.wander, alpha=0.15)
    matter = torch.add(room.white, room.gray, alpha=0.3).clamp_(0, 1).mul_(room.inside)
    return ramp(reach.sub_(shape.relative), -0.14).mul_(matter).mul_(part["edema"])


def _draw_outline(part: Part, image: torch.Tensor, shape: _Shape, room: _Room) -> None:
    """A line along some borders, in place."""
    lined = part.having("outline")
    if lined:
        line = ramp((lined.pick(shape.relative) - 1).abs_(), 0.04, 0.12).mul_(lined.pick(room.inside))
        image.index_add_(0, lined.places, line.mul_(lined["outline"]))


def _paint(part: Part, shape: _Shape, base: torch.Tensor) -> torch.Tensor:
    """The tumor's own signal at each place, by its look; `base` is what it grows in."""
    difference, texture = part["difference"], part["tumor_texture"] * shape.wander
    bright, dark, ring, edema_only, mixed, cystic = ((part["look"] == look).float() for look in Look)
    ring = ring + cystic
    core = ramp(torch.add(shape.relative, texture, alpha=-0.1), 0.05, part["core"]).mul_(ring)
    depth = _paint_core(part, base).sub_(base).sub_(difference)
    less = torch.minimum(difference, (base - 0.02).clamp_(min=0.12))
    wave = torch.add(shape.wander, 0.1).mul_(6).sigmoid_().mul_(2).sub_(1)
    target = torch.addcmul(base, texture, 1 + 1.3 * edema_only).add_((bright + ring) * difference)
    target.addcmul_(core, depth).addcmul_(dark, less, value=-1)
    return target.addcmul_(wave, 0.8 * mixed * difference)


def _paint_core(part: Part, base: torch.Tensor) -> torch.Tensor:
    """Fluid in a cyst; in a ring what is dead, mostly dark, at times brighter than the ring."""
    bright = (part["core_bright"] > 0).float()
    dead = torch.add(base, part["core_signal"]).clamp_(min=0.02)
    solid = dead.lerp_(torch.add(base, part["difference"], alpha=1.5), bright)
    return solid.lerp_(part["csf"], (part["look"] == Look.CYSTIC).float())


def _shade_tail(part: Part, image: torch.Tensor, shape: _Shape, room: _Room) -> None:
    """The dura beside a tumor that grows on it, thickened and bright, whatever the tumor's look; in place."""
    tailed = part.having("tail")
    if tailed:
        near = ramp(tailed.pick(shape.relative), 0.12, 2.1)
        near.mul_(ramp(tailed.pick(room.dura_mm).abs_(), 0.5, 1.6))
        image[tailed.places] = blend(tailed.pick(image), near, tailed["gray"] + tailed["difference"])
