"""The healthy brain, in batches: where each pixel lies in the template, what tissue is there, its signal."""

from dataclasses import dataclass

import torch

from brainmri.phantom.wide.draft import Draft
from brainmri.phantom.wide.fields import blend, enlarge, ramp
from brainmri.phantom.wide.foci import Focus, push
from brainmri.phantom.wide.framing import locate
from brainmri.phantom.wide.sketch import Sketch
from brainmri.phantom.wide.template import Template


@dataclass(frozen=True)
class Brain:
    """Maps (n, size, size).

    `points` (n, size, size, 3) of MNI space in mm; `fluid`, the share of each pixel, 0 to 1; `white`, the
    share of what is not fluid; `level`, the template's own brightness; `ventricle_mm`, the distance to
    the ventricles, negative inside.
    """

    points: torch.Tensor
    fluid: torch.Tensor
    white: torch.Tensor
    level: torch.Tensor
    ventricle_mm: torch.Tensor

    @property
    def white_matter(self) -> torch.Tensor:
        """Its share of each pixel."""
        return self.white * (1 - self.fluid)


def find_brain(draft: Draft, template: Template, sketch: Sketch, focus: Focus) -> Brain:
    """The brain of the sketch, folded anew and pushed aside by the tumor's main focus."""
    points, ventricle_mm, white = _displace(draft, template, sketch, focus)
    level = template.brain.sample(points)[:, 0]
    side = torch.tanh(points[..., 0] / 6)
    ventricle_mm = ventricle_mm - draft["ventricle_mm"] - draft["ventricle_side_mm"] * side
    fluid = ramp(level - 0.5 - draft["atrophy"], draft["fluid_softness"])
    fluid = torch.maximum(fluid, ramp(ventricle_mm, 0.7))
    crisp = ((level - draft["gray_level"]) / 0.2).clamp_(0, 1)
    return Brain(points, fluid, torch.lerp(crisp, white, draft["trust"]), level, ventricle_mm)


def _displace(
    draft: Draft, template: Template, sketch: Sketch, focus: Focus
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The point of the template that each pixel shows, its distance to the ventricles and share of white.

    What is smooth is sampled at half the resolution.
    """
    u, v = push(draft, sketch, focus)
    folds = [draft["fold_mm"] * draft.noise.smooth(draft["fold_waves"], draft.half) for _ in range(2)]
    u, v = u + folds[0], v + folds[1]
    points = locate(draft.drawn, u, v)
    smooth = [grid.sample(points)[:, 0] for grid in (template.ventricle, template.white)]
    u, v, ventricle_mm, white = enlarge(torch.stack([u, v, *smooth], dim=1), draft.size).unbind(1)
    return locate(draft.drawn, u, v), ventricle_mm, white


def shade_brain(draft: Draft, brain: Brain) -> torch.Tensor:
    """Its signal: fluid, gray and white matter, with the texture of both, and vessels."""
    matter = draft["gray"] + brain.white * (draft["white"] - draft["gray"])
    bump = ((brain.level - draft["nuclei_level"]) / 0.09).square_().neg_().exp_()
    matter = matter + draft["nuclei"] * bump + _draw_texture(draft)
    image = matter + brain.fluid * (draft["csf"] - matter)
    lines = draft.smooth(draft["vessel_waves"]).abs()
    vessels = ramp(lines * 14 - 1, 0.35) * (0.04 + 0.8 * brain.fluid) * draft["vessels"]
    return blend(image, vessels.clamp_(0, 1), draft["blood"])


def _draw_texture(draft: Draft) -> torch.Tensor:
    """Fine and slow fields and grain, (n, size, size), in signal."""
    fine = draft["texture"] * draft.noise.smooth(draft["texture_waves"], draft.half)
    slow = draft["unrest"] * draft.noise.smooth(torch.full_like(draft["unrest"], 5.0), draft.half)
    grain = draft["grain"] * draft.noise.white(len(draft), draft.half, draft.half)
    return enlarge(fine + slow + grain, draft.size)
