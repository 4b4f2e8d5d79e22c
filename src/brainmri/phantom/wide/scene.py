"""All that is known of the healthy heads that pictures show."""

from dataclasses import dataclass

import torch

from brainmri.phantom.wide.brain import Brain
from brainmri.phantom.wide.draft import Part
from brainmri.phantom.wide.head import Shells


@dataclass(frozen=True)
class Scene:
    """The brain, and the shells around it."""

    brain: Brain
    shells: Shells

    def pick_matter(self, part: Part) -> tuple[torch.Tensor, torch.Tensor]:
        """The shares of white and of gray matter of each pixel of a part's pictures."""
        solid = part.pick(self.brain.fluid).neg_().add_(1)
        white = part.pick(self.brain.white).mul_(solid)
        return white, solid.sub_(white)
