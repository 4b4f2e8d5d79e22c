"""Volumes that pictures are cut from, on a device."""

from dataclasses import dataclass

import torch
from torch.nn.functional import grid_sample


@dataclass(frozen=True)
class Grid:
    """Channels on a regular grid of MNI space.

    `values` are (1, channels, z, y, x); `low_mm` and `high_mm`, (3,), the places x y z of the first and
    the last voxel.
    """

    values: torch.Tensor
    low_mm: torch.Tensor
    high_mm: torch.Tensor

    def sample(self, points: torch.Tensor, mode: str = "bilinear") -> torch.Tensor:
        """Points (n, rows, columns, 3) in mm -> (n, channels, rows, columns); beyond the grid its border."""
        place = (points - self.low_mm) * (2 / (self.high_mm - self.low_mm)) - 1
        cut = grid_sample(self.values, place[None], mode=mode, padding_mode="border", align_corners=True)
        return cut[0].transpose(0, 1)

    def first(self, channels: int) -> "Grid":
        """Its first channels alone."""
        return Grid(self.values[:, :channels], self.low_mm, self.high_mm)
