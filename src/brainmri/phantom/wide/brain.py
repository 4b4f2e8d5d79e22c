"""The healthy brain, in batches: where each pixel lies in the template, what tissue is there, its signal."""

from dataclasses import dataclass
from typing import Final

import torch

from brainmri.phantom.wide.draft import Draft
from brainmri.phantom.wide.fields import bell, blend, enlarge, ramp
from brainmri.phantom.wide.foci import Focus, push
from brainmri.phantom.wide.framing import locate
from brainmri.phantom.wide.sketch import Sketch
from brainmri.phantom.wide.template import Template
from brainmri.phantom.wide.volumes import Points

# Of slow differences in signal.
_UNREST_WAVES: Final = 5.0


@dataclass(frozen=True)
class Brain:
    """Maps (n, size, size).

    `points`, where each pixel lies; `fluid`, the share of each pixel, 0 to 1; `white`, the share of what is
    not fluid; `level`, the template's own brightness; `ventricle_mm`, the distance to the ventricles,
    negative inside.
    """

    points: Points
    fluid: torch.Tensor
    white: torch.Tensor
    level: torch.Tensor
    ventricle_mm: torch.Tensor


def find_brain(draft: Draft, template: Template, sketch: Sketch, focus: Focus) -> Brain:
    """The brain of the sketch, folded anew and pushed aside by the tumor's main focus."""
    points, ventricle_mm, white = _displace(draft, template, sketch, focus)
    level = template.brain.sample(points)[:, 0]
    # Larger on one side than on the other: from -1 on the left to 1 on the right is twice the share less 1.
    right, more = (points[0] / 3).sigmoid_(), draft["ventricle_side_mm"]
    ventricle_mm = ventricle_mm.sub_(draft["ventricle_mm"] - more).addcmul_(right, more, value=-2)
    steep = 1 / draft["fluid_softness"]
    outer = torch.addcmul((0.5 + draft["atrophy"]) * steep, level, steep, value=-1)
    fluid = torch.maximum(outer, ventricle_mm / -0.7).sigmoid_()
    crisp = torch.sub(level, draft["gray_level"]).div_(0.2).clamp_(0, 1)
    return Brain(points, fluid, crisp.lerp_(white, draft["trust"]), level, ventricle_mm)


def _displace(
    draft: Draft, template: Template, sketch: Sketch, focus: Focus
) -> tuple[Points, torch.Tensor, torch.Tensor]:
    """The point of the template that each pixel shows, its distance to the ventricles and share of white.

    What is smooth is sampled at half the resolution.
    """
    u, v = push(draft, sketch, focus)
    across, down = draft.smooth(draft["fold_waves"], draft["fold_waves"])
    u, v = (torch.addcmul(place, fold, draft["fold_mm"]) for place, fold in ((u, across), (v, down)))
    points = locate(draft.drawn, u, v)
    smooth = [grid.sample(points)[:, 0] for grid in (template.ventricle, template.white)]
    whole = enlarge(torch.cat([points, torch.stack(smooth)]))
    return whole[:3], whole[3], whole[4]


def shade_brain(draft: Draft, brain: Brain) -> torch.Tensor:
    """Its signal: fluid, gray and white matter, with the texture of both, and vessels."""
    matter = torch.lerp(draft["gray"], draft["white"], brain.white)
    bump = bell(((brain.level - draft["nuclei_level"]) / 0.09).square_())
    image = matter.addcmul_(draft["nuclei"], bump).add_(_draw_texture(draft)).lerp_(draft["csf"], brain.fluid)
    (lines,) = draft.smooth_whole(draft["vessel_waves"])
    vessels = ramp(lines.abs_(), 0.025, 1 / 14)
    share = torch.addcmul(0.04 * draft["vessels"], brain.fluid, 0.8 * draft["vessels"])
    return blend(image, vessels.mul_(share).clamp_(0, 1), draft["blood"])


def _draw_texture(draft: Draft) -> torch.Tensor:
    """Fine and slow fields and grain, (n, size, size), in signal."""
    fine, slow = draft.smooth(draft["texture_waves"], torch.full_like(draft["unrest"], _UNREST_WAVES))
    texture = torch.addcmul(draft["texture"] * fine, draft["unrest"], slow)
    grain = draft.noise.white(len(draft), draft.half, draft.half)
    return enlarge(texture.addcmul_(draft["grain"], grain))
