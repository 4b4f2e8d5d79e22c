"""Where each pixel of a picture lies in the template: the plane, cropped to the head as `prepare` crops."""

from dataclasses import dataclass
from typing import Final, Self

import torch

from brainmri.phantom.wide.columns import Drawn
from brainmri.phantom.wide.fields import make_ruler
from brainmri.phantom.wide.template import HeadPart
from brainmri.phantom.wide.volumes import Grid, Points

_PROBES: Final = 32
_REACH_MM: Final = 150.0
# A head narrower than this is none; what is then shown reaches so far to each side.
_LEAST_MM, _NO_HEAD_MM = 20.0, 80.0


@dataclass(frozen=True)
class Frame:
    """What a picture shows of its plane: a square around (`middle_x`, `middle_y`) in mm, each (n, 1, 1).

    `bottom_y` is where the head ends below.
    """

    middle_x: torch.Tensor
    middle_y: torch.Tensor
    half_mm: torch.Tensor
    bottom_y: torch.Tensor

    def take(self, places: torch.Tensor) -> Self:
        """Those of some pictures."""
        return type(self)(*(column.index_select(0, places) for column in vars(self).values()))

    def place(self, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Each pixel's place in the picture in mm: (n, 1, size) across and (n, size, 1) down."""
        ruler = make_ruler(size, self.half_mm.device) * 2 - 1
        down = torch.addcmul(self.middle_y, self.half_mm, ruler[:, None])
        return torch.addcmul(self.middle_x, self.half_mm, ruler), down


def find_frame(drawn: Drawn, head: Grid) -> Frame:
    """The square around the head, a little larger or smaller."""
    ruler = torch.linspace(-_REACH_MM, _REACH_MM, _PROBES, device=drawn.device)
    inside = _probe_head(drawn, head, ruler)
    (left, right), (top, bottom) = _find_ends(inside.any(1), ruler), _find_ends(inside.any(2), ruler)
    half = torch.maximum(right - left, bottom - top) / 2 * drawn["margin"]
    middle_x = (left + right) / 2 + half * drawn["shift_x"]
    middle_y = (top + bottom) / 2 + half * drawn["shift_y"]
    return Frame(middle_x, middle_y, half, bottom)


def _probe_head(drawn: Drawn, head: Grid, ruler: torch.Tensor) -> torch.Tensor:
    """Whether there is head (of the stripped: brain) at each crossing of the ruler with itself, bool."""
    x, y = ruler.expand(len(drawn), 1, -1), ruler[:, None].expand(len(drawn), -1, 1)
    channels = head.look_up(locate(drawn, *turn(drawn, x, y)))
    shells = channels[:, HeadPart.VAULT] - drawn["fluid_mm"] - drawn["skull_mm"] - drawn["scalp_mm"]
    skin = torch.minimum(shells, channels[:, HeadPart.FACE])
    brain = channels[:, HeadPart.BRAIN] - drawn["fluid_mm"]
    return (torch.lerp(skin, brain, drawn["stripped"]) < 0) & (y < drawn["cut_mm"])


def _find_ends(covered: torch.Tensor, ruler: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The first and last place that is covered, (n, 1, 1); a default where none is."""
    half_step = _REACH_MM / (_PROBES - 1)
    far = torch.full_like(ruler, 1e4)
    low = torch.where(covered, ruler, far).amin(1) - half_step
    high = torch.where(covered, ruler, -far).amax(1) + half_step
    empty = high - low < _LEAST_MM
    low, high = low.masked_fill(empty, -_NO_HEAD_MM), high.masked_fill(empty, _NO_HEAD_MM)
    return low[:, None, None], high[:, None, None]


def turn(drawn: Drawn, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """From the picture's axes to the plane's, each (n, rows, columns) in mm."""
    u = torch.addcmul(drawn["x_to_u"] * x, drawn["y_to_u"], y)
    return u, torch.addcmul(drawn["x_to_v"] * x, drawn["y_to_v"], y)


def locate(drawn: Drawn, u: torch.Tensor, v: torch.Tensor) -> Points:
    """Places in the plane in mm, (n, rows, columns), -> points of MNI space."""
    axes = [
        torch.addcmul(drawn[f"place_{axis}"], u, drawn[f"across_{axis}"]).addcmul_(v, drawn[f"down_{axis}"])
        for axis in "xyz"
    ]
    return torch.stack(axes)
