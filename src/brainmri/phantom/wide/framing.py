"""Where each pixel of a picture lies in the template: the plane, cropped to the head as `prepare` crops."""

from dataclasses import dataclass

import torch

from brainmri.phantom.wide.columns import Drawn
from brainmri.phantom.wide.volumes import Grid

_PROBES, _REACH_MM = 32, 150.0
_NO_HEAD_MM = 80.0


@dataclass(frozen=True)
class Frame:
    """What a picture shows of its plane: a square around (`middle_x`, `middle_y`) in mm, each (n, 1, 1).

    `low_y` and `high_y` are where the head begins and ends from top to bottom.
    """

    middle_x: torch.Tensor
    middle_y: torch.Tensor
    half_mm: torch.Tensor
    low_y: torch.Tensor
    high_y: torch.Tensor

    def place(self, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Each pixel's place in the picture in mm: (n, 1, size) across and (n, size, 1) down."""
        ruler = (torch.arange(size, device=self.half_mm.device) + 0.5) / size * 2 - 1
        return self.middle_x + self.half_mm * ruler, self.middle_y + self.half_mm * ruler[:, None]


def find_frame(drawn: Drawn, head: Grid) -> Frame:
    """The square around the head, a little larger or smaller."""
    ruler = torch.linspace(-_REACH_MM, _REACH_MM, _PROBES, device=drawn.device)
    x, y = ruler.expand(len(drawn), 1, -1), ruler[:, None].expand(len(drawn), -1, 1)
    channels = head.first(3).sample(locate(drawn, *turn(drawn, x, y)), "nearest")
    skin = torch.minimum(
        channels[:, 1] - drawn["fluid_mm"] - drawn["skull_mm"] - drawn["scalp_mm"], channels[:, 2]
    )
    brain = channels[:, 0] - drawn["fluid_mm"]
    inside = (torch.lerp(skin, brain, drawn["stripped"]) < 0) & (y < drawn["cut_mm"])
    (left, right), (top, bottom) = _ends(inside.any(1), ruler), _ends(inside.any(2), ruler)
    half = torch.maximum(right - left, bottom - top) / 2 * drawn["margin"]
    return Frame(
        (left + right) / 2 + half * drawn["shift_x"],
        (top + bottom) / 2 + half * drawn["shift_y"],
        half,
        top,
        bottom,
    )


def _ends(covered: torch.Tensor, ruler: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The first and last place that is covered, (n, 1, 1); a default where none is."""
    half_step = _REACH_MM / (_PROBES - 1)
    far = torch.full_like(ruler, 1e4)
    low = torch.where(covered, ruler, far).amin(1) - half_step
    high = torch.where(covered, ruler, -far).amax(1) + half_step
    empty = high - low < 20
    low = torch.where(empty, torch.full_like(low, -_NO_HEAD_MM), low)
    high = torch.where(empty, torch.full_like(high, _NO_HEAD_MM), high)
    return low[:, None, None], high[:, None, None]


def turn(drawn: Drawn, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """From the picture's axes to the plane's, each (n, rows, columns) in mm."""
    cos, sin = drawn["turn"].cos(), drawn["turn"].sin()
    x = (x + drawn["shear"] * y) * drawn["stretch_x"]
    y = y * drawn["stretch_y"]
    return cos * x + sin * y, cos * y - sin * x


def locate(drawn: Drawn, u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Places in the plane in mm -> points of MNI space (n, rows, columns, 3)."""
    axes = [
        drawn[f"place_{axis}"] + u * drawn[f"across_{axis}"] + v * drawn[f"down_{axis}"] for axis in "xyz"
    ]
    return torch.stack(axes, dim=-1)
