"""What a picture shows of the head at half its resolution, before anything grows in it."""

from dataclasses import dataclass

import torch

from brainmri.phantom.wide.draft import Draft
from brainmri.phantom.wide.framing import Frame, locate, turn
from brainmri.phantom.wide.template import HeadPart
from brainmri.phantom.wide.volumes import Grid, Points

# Nothing is asked for nearer to the picture's edge, as a share of half a picture.
_INNER = 0.94


@dataclass(frozen=True)
class Sketch:
    """Maps (n, half, half), half the pictures' resolution.

    `u` and `v`: places in the plane in mm, a little bent; `points`, where they lie;
    `head` (n, channels, half, half) of `Template.head`; `in_frame` 1 well within the picture, else 0.
    """

    u: torch.Tensor
    v: torch.Tensor
    points: Points
    head: torch.Tensor
    in_frame: torch.Tensor

    @property
    def brain_mm(self) -> torch.Tensor:
        """The distance to the brain's surface, negative inside."""
        return self.head[:, HeadPart.BRAIN]


def draw_sketch(draft: Draft, frame: Frame, head: Grid) -> Sketch:
    """The template's head in the frame, bent by a slow random field."""
    x, y = frame.place(draft.half)
    u, v = turn(draft.drawn, x, y)
    across, down = draft.smooth(draft["elastic_waves"], draft["elastic_waves"])
    u, v = (torch.addcmul(place, bend, draft["elastic_mm"]) for place, bend in ((u, across), (v, down)))
    points = locate(draft.drawn, u, v)
    edge = torch.linspace(-1, 1, draft.half, device=draft.device).abs() < _INNER
    in_frame = (edge & edge[:, None])[None].float() * (y < draft["cut_mm"])
    return Sketch(u, v, points, head.sample(points), in_frame)
