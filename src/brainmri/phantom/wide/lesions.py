"""Tumors in batches: where they are, what they push away, and the signal they leave."""

from dataclasses import dataclass

import torch

from brainmri.phantom.wide.columns import Drawn
from brainmri.phantom.wide.description import FOCI
from brainmri.phantom.wide.fields import Noise, blend, enlarge, ramp
from brainmri.phantom.wide.kinds import Look

_SELLA_MM = (0.0, 2.0, -33.0)


@dataclass(frozen=True)
class Focus:
    """One focus of a tumor: its middle in the plane in mm, each (n, 1, 1), which one it is."""

    number: int
    u: torch.Tensor
    v: torch.Tensor


def place_foci(drawn: Drawn, noise: Noise, coarse: "Coarse") -> list[Focus]:
    """Where the foci grow: in the brain, at the dura, in the posterior fossa or at the sella."""
    deep = (coarse.brain_mm < -6).float()
    edge = 1 - ((coarse.brain_mm + 2).abs() / 3).clamp(0, 1)
    x, y, z = coarse.points.unbind(-1)
    low = ((y < -38) & (z < -14)).float() * deep
    far = ((x - _SELLA_MM[0]) ** 2 + (y - _SELLA_MM[1]) ** 2 + (z - _SELLA_MM[2]) ** 2).sqrt()
    sella = (1 - far / 10).clamp(min=0) * 5
    inner = (coarse.brain_mm < -1).float() * 2 + deep * 4
    special = drawn["dural"] * edge * 12 + drawn["fossa"] * low * 8 + drawn["sellar"] * sella * 4
    visible = coarse.in_frame
    foci = []
    for number in range(FOCI):
        wanted = inner if number else inner * (1 - drawn["dural"] * 0.9) + special
        score = (wanted + noise.uniform(*wanted.shape)) * visible
        best = score.flatten(1).argmax(1)
        u, v = (plane.flatten(1).gather(1, best[:, None])[:, :, None] for plane in (coarse.u, coarse.v))
        foci.append(Focus(number, u, v))
    return foci


@dataclass(frozen=True)
class Coarse:
    """Half the picture's resolution: places in the plane, points, distance to the brain's surface."""

    u: torch.Tensor
    v: torch.Tensor
    points: torch.Tensor
    brain_mm: torch.Tensor
    in_frame: torch.Tensor


def push(drawn: Drawn, coarse: Coarse, focus: Focus) -> tuple[torch.Tensor, torch.Tensor]:
    """Where brain near a growing tumor came from, in the plane in mm, at half resolution."""
    radius = drawn["radius_mm_0"]
    du, dv = coarse.u - focus.u, coarse.v - focus.v
    firm = (coarse.brain_mm / -7).clamp(0, 1) * drawn["tumor"]
    share = drawn["push"] * torch.exp((du * du + dv * dv) / (1.7 * radius) ** 2 * -1) * firm
    side = torch.sign(focus.u) * drawn["midline_mm"] * firm * torch.exp(-((coarse.u / 42) ** 2))
    return coarse.u - share * du + side, coarse.v - share * dv


def measure(
    drawn: Drawn, noise: Noise, focus: Focus, u: torch.Tensor, v: torch.Tensor, white: torch.Tensor
) -> torch.Tensor:
    """The distance from the middle in radii, 1 at the wandering border: (n, rows, columns)."""
    number = focus.number
    cos, sin = drawn[f"lean_{number}"].cos(), drawn[f"lean_{number}"].sin()
    du, dv = u - focus.u, v - focus.v
    radius, flat = drawn[f"radius_mm_{number}"], drawn[f"flat_{number}"]
    along, aside = (cos * du + sin * dv) / radius, (cos * dv - sin * du) / (radius * flat)
    relative = (along * along + aside * aside).sqrt()
    # A border's lobes are a share of the tumor, whatever part of the picture it takes.
    span = (u[:, :1, -1:] - u[:, :1, :1]).abs() + (v[:, :1, -1:] - v[:, :1, :1]).abs()
    waves = (drawn[f"lobes_{number}"] * span / (2 * radius)).clamp(2, 22)
    half = u.shape[-1] // 2
    wander = noise.smooth(waves, half) + 0.45 * noise.smooth((2.3 * waves).clamp(max=22), half)
    relative = relative + drawn[f"rough_{number}"] * enlarge(wander, u.shape[-1])
    return relative - drawn["follows_white"] * (white - 0.4)


def shade(
    image: torch.Tensor, drawn: Drawn, noise: Noise, relative: torch.Tensor, number: int, room: "Room"
) -> tuple[torch.Tensor, torch.Tensor]:
    """The image with one focus of each picture's tumor in it; and what it covers, 0 to 1."""
    size = image.shape[-1]
    soft = drawn[f"soft_{number}"]
    cover = ramp(relative - 1, soft) * room.inside
    base = (image * cover).sum((1, 2), keepdim=True) / (cover.sum((1, 2), keepdim=True) + 1e-3)
    wander = enlarge(noise.smooth(drawn["tumor_waves"], size // 2), size)
    swelling = _cover_edema(drawn, relative, wander, room)
    sign = drawn["edema_sign"] * drawn["edema_odd"] * drawn["edema_strength"]
    image = image + swelling * sign
    # Some infiltrate and leave the folds to be seen.
    target = _paint(drawn, relative, wander, base + drawn["keeps"] * (image - base))
    image = image + cover * drawn["opacity"] * (target - image)
    outline = ramp((relative - 1).abs() - 0.12, 0.04) * room.inside * drawn["outline"]
    return image + outline, torch.maximum(cover, swelling * 0.4)


@dataclass(frozen=True)
class Room:
    """Shares of each pixel: `inside` of what a tumor may cover, `white` and `gray` matter; `dura_mm`."""

    inside: torch.Tensor
    white: torch.Tensor
    gray: torch.Tensor
    dura_mm: torch.Tensor


def shade_tail(image: torch.Tensor, drawn: Drawn, relative: torch.Tensor, room: Room) -> torch.Tensor:
    """The dura beside a tumor that grows on it, thickened and as bright."""
    near = ramp(relative - 2.1, 0.12) * ramp(room.dura_mm.abs() - 1.6, 0.5)
    return blend(image, near * drawn["tail"], drawn["gray"] + drawn["difference"])


def _cover_edema(drawn: Drawn, relative: torch.Tensor, wander: torch.Tensor, room: Room) -> torch.Tensor:
    reach = drawn["edema_reach"] + 0.15 * wander
    return ramp(relative - reach, 0.14) * (room.white + 0.3 * room.gray).clamp(0, 1) * room.inside * drawn["edema"]


def _paint(drawn: Drawn, relative: torch.Tensor, wander: torch.Tensor, base: torch.Tensor) -> torch.Tensor:
    """The tumor's own signal at each place, by its look."""
    look, difference = drawn["look"], drawn["difference"]
    texture = drawn["tumor_texture"] * wander
    bright = base + difference
    dark = base - torch.minimum(difference, (base - 0.02).clamp(min=0.12))
    core = ramp(relative - drawn["core"] - 0.1 * texture, 0.05)
    depth = torch.where(
        look == Look.CYSTIC,
        drawn["csf"].expand_as(base),
        torch.where(drawn["core_bright"] > 0, bright + 0.5 * difference, (base + drawn["core_signal"]).clamp(min=0.02)),
    )
    ring = bright + core * (depth - bright)
    mixed = base + 0.8 * difference * torch.tanh(3 * wander + 0.3)
    faint = base + 1.3 * texture
    paints = (bright, dark, ring, faint, mixed, ring)
    target = texture
    for which, paint in zip(Look, paints, strict=True):
        target = target + (look == which) * paint
    return target
