"""Where the foci of tumors grow, and the brain that they push away."""

from dataclasses import dataclass
from typing import Final

import torch

from brainmri.phantom.wide.draft import Draft
from brainmri.phantom.wide.kinds import FOCI
from brainmri.phantom.wide.landmarks import SELLA_MM
from brainmri.phantom.wide.sketch import Sketch

# So far from the sella a focus may still lie.
_SELLA_REACH_MM: Final = 10
# What is behind and below is in the posterior fossa.
_FOSSA_Y_MM, _FOSSA_Z_MM = -38, -14


@dataclass(frozen=True)
class Focus:
    """One focus of a tumor: which one it is, and its middle in the plane in mm, each (n, 1, 1)."""

    number: int
    u: torch.Tensor
    v: torch.Tensor


def place_foci(draft: Draft, sketch: Sketch) -> list[Focus]:
    """Where the foci grow: in the brain, at the dura, in the posterior fossa or at the sella."""
    inner = (sketch.brain_mm < -1).float() * 2 + (sketch.brain_mm < -6).float() * 4
    main = inner * (1 - draft["dural"] * 0.9) + _prefer(draft, sketch)
    return [_place(draft, sketch, number, inner if number else main) for number in range(FOCI)]


def _prefer(draft: Draft, sketch: Sketch) -> torch.Tensor:
    """How much each place is preferred by tumors that have a place of their own."""
    edge = 1 - ((sketch.brain_mm + 2).abs() / 3).clamp(0, 1)
    x, y, z = sketch.points.unbind(-1)
    deep = (sketch.brain_mm < -6).float()
    fossa = ((y < _FOSSA_Y_MM) & (z < _FOSSA_Z_MM)).float() * deep
    far = ((x - SELLA_MM[0]) ** 2 + (y - SELLA_MM[1]) ** 2 + (z - SELLA_MM[2]) ** 2).sqrt()
    sella = (1 - far / _SELLA_REACH_MM).clamp(min=0) * 5
    return draft["dural"] * edge * 12 + draft["fossa"] * fossa * 8 + draft["sellar"] * sella * 4


def _place(draft: Draft, sketch: Sketch, number: int, wanted: torch.Tensor) -> Focus:
    """A place at random among those that are wanted most."""
    score = (wanted + draft.noise.uniform(*wanted.shape)) * sketch.in_frame
    best = score.flatten(1).argmax(1)[:, None]
    u, v = (plane.flatten(1).gather(1, best)[:, :, None] for plane in (sketch.u, sketch.v))
    return Focus(number, u, v)


def push(draft: Draft, sketch: Sketch, focus: Focus) -> tuple[torch.Tensor, torch.Tensor]:
    """Where brain near a growing tumor came from, in the plane in mm, (n, half, half) each."""
    radius = draft["radius_mm_0"]
    du, dv = sketch.u - focus.u, sketch.v - focus.v
    firm = (sketch.brain_mm / -7).clamp(0, 1) * draft["tumor"]
    share = draft["push"] * torch.exp((du * du + dv * dv) / (1.7 * radius) ** 2 * -1) * firm
    side = torch.sign(focus.u) * draft["midline_mm"] * firm * torch.exp(-((sketch.u / 42) ** 2))
    return sketch.u - share * du + side, sketch.v - share * dv
