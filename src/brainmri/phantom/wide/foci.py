"""Where the foci of tumors grow, and the brain that they push away."""

from dataclasses import dataclass
from typing import Final

import torch

from brainmri.phantom.wide.draft import Draft, Part
from brainmri.phantom.wide.fields import MOST_WAVES, bell, enlarge
from brainmri.phantom.wide.framing import Frame
from brainmri.phantom.wide.kinds import FOCI
from brainmri.phantom.wide.landmarks import SELLA_MM
from brainmri.phantom.wide.sketch import Sketch
from brainmri.phantom.wide.volumes import measure_distance

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

    def take(self, part: Part) -> "Focus":
        """That of a part's pictures."""
        return Focus(self.number, part.pick(self.u), part.pick(self.v))

    def read(self, draft: Draft, name: str) -> torch.Tensor:
        """The column `name` of this focus."""
        return draft[f"{name}_{self.number}"]


def place_foci(draft: Draft, sketch: Sketch) -> list[Focus]:
    """Where the foci grow: in the brain, at the dura, in the posterior fossa or at the sella."""
    inner = (sketch.brain_mm < -1).float() * 2 + (sketch.brain_mm < -6).float() * 4
    main = inner * (1 - draft["dural"] * 0.9) + _prefer(draft, sketch)
    return [_place(draft, sketch, number, inner if number else main) for number in range(FOCI)]


def _prefer(draft: Draft, sketch: Sketch) -> torch.Tensor:
    """How much each place is preferred by tumors that have a place of their own."""
    edge = 1 - ((sketch.brain_mm + 2).abs() / 3).clamp(0, 1)
    _, y, z = sketch.points.unbind(0)
    deep = (sketch.brain_mm < -6).float()
    fossa = ((y < _FOSSA_Y_MM) & (z < _FOSSA_Z_MM)).float() * deep
    near = 1 - measure_distance(sketch.points, SELLA_MM) / _SELLA_REACH_MM
    sella = near.clamp_(min=0) * 5
    wanted = draft["dural"] * edge * 12 + draft["fossa"] * fossa * 8
    return wanted.add_(draft["sellar"] * sella, alpha=4)


def _place(draft: Draft, sketch: Sketch, number: int, wanted: torch.Tensor) -> Focus:
    """A place at random among those that are wanted most."""
    score = (wanted + draft.noise.uniform(*wanted.shape)) * sketch.in_frame
    best = score.flatten(1).argmax(1)[:, None]
    u, v = (plane.flatten(1).gather(1, best)[:, :, None] for plane in (sketch.u, sketch.v))
    return Focus(number, u, v)


def push(draft: Draft, sketch: Sketch, focus: Focus) -> tuple[torch.Tensor, torch.Tensor]:
    """Where brain near a growing tumor came from, in the plane in mm, (n, half, half) each."""
    du, dv = sketch.u - focus.u, sketch.v - focus.v
    firm = (sketch.brain_mm / -7).clamp_(0, 1).mul_(draft["tumor"])
    square = (du * du).addcmul_(dv, dv).div_((1.7 * draft["radius_mm_0"]) ** 2)
    share = bell(square).mul_(firm).mul_(draft["push"])
    side = bell((sketch.u / 42).square_()).mul_(firm).mul_(torch.sign(focus.u) * draft["midline_mm"])
    return side.add_(sketch.u).addcmul_(share, du, value=-1), torch.addcmul(sketch.v, share, dv, value=-1)


def measure_focus(part: Part, focus: Focus, frame: Frame, white: torch.Tensor) -> torch.Tensor:
    """The distance from a focus at each pixel, in radii, 1 at its wandering border; all are the part's.

    Where there is white matter, (n, size, size), a focus that follows it reaches farther.
    """
    x, y = frame.place(part.size)
    # A place is the sum of a step across and one down, in every measure.
    across = part["x_to_u"] * x - focus.u, part["x_to_v"] * x - focus.v
    down = part["y_to_u"] * y, part["y_to_v"] * y
    square = _measure_along(part, focus, "along", across, down).square_()
    relative = square.add_(_measure_along(part, focus, "aside", across, down).square_()).sqrt_()
    # A border's lobes are a share of the tumor, whatever part of the picture it takes.
    span = sum((step[:, :, -1:] - step[:, :, :1]).abs() for step in across)
    waves = (focus.read(part, "lobes") * span / (2 * focus.read(part, "radius_mm"))).clamp_(2, MOST_WAVES)
    relative.addcmul_(focus.read(part, "rough"), _draw_border(part, waves))
    return relative.addcmul_(part["follows_white"], white, value=-1).add_(0.4 * part["follows_white"])


def _measure_along(
    part: Part, focus: Focus, axis: str, *steps: tuple[torch.Tensor, torch.Tensor]
) -> torch.Tensor:
    """The distance along an axis of the focus, in radii, of the sum of steps (u, v) in the plane in mm."""
    by_u, by_v = focus.read(part, f"{axis}_u"), focus.read(part, f"{axis}_v")
    first, second = (torch.addcmul(by_u * u, by_v, v) for u, v in steps)
    return first + second


def _draw_border(part: Part, waves: torch.Tensor) -> torch.Tensor:
    """A field (n, size, size) with lobes, and finer ones on them."""
    coarse, fine = part.smooth(waves, (2.3 * waves).clamp_(max=MOST_WAVES))
    return enlarge(coarse.add_(fine, alpha=0.45))
