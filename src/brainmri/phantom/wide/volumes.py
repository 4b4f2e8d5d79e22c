"""Volumes that pictures are cut from, on a device."""

from dataclasses import dataclass
from typing import Final, TypeAlias

import torch
from torch.nn.functional import grid_sample

# Below the last sheet there is always another.
_LEAST_STEP: Final = 1e-3
Points: TypeAlias = torch.Tensor  # (3, n, rows, columns), MNI mm: right, anterior, superior


@dataclass(frozen=True)
class Grid:
    """Channels on a regular grid of MNI space.

    `values` are (sheets, channels, rows, columns), contiguous: z, then y and x within a sheet; `low_mm` is
    the place x y z of the first voxel.
    """

    values: torch.Tensor
    low_mm: tuple[float, float, float]
    spacing_mm: float

    def sample(self, points: Points) -> torch.Tensor:
        """The values at points, (n, channels, rows, columns), trilinear; outside those of the border.

        All sheets are one tall picture, in which a point sees a place and the same place a sheet higher: two
        samples in a plane take a fifth of the time of one in space.
        """
        sheets, channels, rows, columns = self.values.shape
        height = (sheets - 2) * channels * rows + rows
        x, y, z = points
        z = self._count(z, 2).clamp_(0, sheets - 1 - _LEAST_STEP)
        sheet = z.floor()
        below = self._count(y, 1).clamp_(0, rows - 1).add_(sheet, alpha=channels * rows)
        # Places as `grid_sample` wants them: -1 is the middle of the first voxel, 1 that of the last.
        across = self._count(x, 0).mul_(2 / (columns - 1))
        places = torch.stack([across, below.mul_(2 / (height - 1))]).sub_(1)
        tall = self.values.as_strided((1, 2 * channels, height, columns), (0, rows * columns, columns, 1))
        where = places.flatten(1, 2).permute(1, 2, 0)[None]
        cut = grid_sample(tall, where, mode="bilinear", padding_mode="border", align_corners=True)
        lower, upper = cut.view(2, channels, *x.shape)
        return torch.lerp(lower, upper, z.sub_(sheet)).transpose(0, 1)

    def look_up(self, points: Points) -> torch.Tensor:
        """The values (n, channels, rows, columns) of the nearest voxels."""
        sheets, channels, rows, columns = self.values.shape
        last = (columns - 1, rows - 1, sheets - 1)
        counts = (self._count(places, axis).round_() for axis, places in enumerate(points))
        x, y, z = (count.clamp_(0, last[axis]).long() for axis, count in enumerate(counts))
        first = ((z * channels * rows + y) * columns + x)[:, None]
        channel = torch.arange(channels, device=first.device).view(-1, 1, 1)
        voxels = first + channel * (rows * columns)
        return self.values.flatten().index_select(0, voxels.flatten()).view_as(voxels)

    def _count(self, places: torch.Tensor, axis: int) -> torch.Tensor:
        """Places along an axis in voxels from the first."""
        return torch.rsub(places, -self.low_mm[axis] / self.spacing_mm, alpha=-1 / self.spacing_mm)


def measure_distance(points: Points, place_mm: tuple[float, float, float], high: float = 1) -> torch.Tensor:
    """The distance of points from a place in mm, (n, rows, columns); heights count 1 / `high` times."""
    x, y, z = (axis.sub(place).square_() for axis, place in zip(points.unbind(0), place_mm, strict=True))
    return x.add_(y).add_(z.div_(high * high)).sqrt_()
