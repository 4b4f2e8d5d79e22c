"""Smooth random fields and shapes in batches: maps (n, rows, columns), float32."""

from typing import Final

import torch
from torch.nn.functional import interpolate

# Knots of a field's spline along an axis; it has room for three spacings fewer.
_KNOTS: Final = 26
# As many knots as fit into a picture.
MOST_WAVES: Final = 22.0
# Standard deviation of a cubic B-spline surface over independent unit coefficients, in 2-D.
_DEVIATION: Final = 0.479


class Noise:
    """Random fields from one seeded stream on a device."""

    def __init__(self, seed: int, device: torch.device) -> None:
        """The same seed and type of device give the same fields in the same order."""
        self._stream = torch.Generator(device).manual_seed(seed)
        self._device = device

    def white(self, *shape: int) -> torch.Tensor:
        """Independent values of mean 0 and deviation 1."""
        return torch.randn(*shape, generator=self._stream, device=self._device)

    def uniform(self, *shape: int) -> torch.Tensor:
        """Independent values from 0 to 1."""
        return torch.rand(*shape, generator=self._stream, device=self._device)

    def smooth(self, waves: torch.Tensor, size: int) -> torch.Tensor:
        """Fields of mean 0 and deviation 1, (n, size, size).

        `waves` (n, 1, 1) says how many knots of a cubic spline fit into a picture, 1 to 22: what is
        shorter than a knot's spacing is smooth.
        """
        n = len(waves)
        across, down = (_spline(waves, self.uniform(n, 1, 1), size) for _ in range(2))
        field = torch.bmm(torch.bmm(down, self.white(n, _KNOTS, _KNOTS)), across.transpose(1, 2))
        return field / _DEVIATION


def _spline(waves: torch.Tensor, offset: torch.Tensor, size: int) -> torch.Tensor:
    """The weight of each knot at each pixel, (n, size, knots)."""
    place = (torch.arange(size, device=waves.device) + 0.5) / size
    knots = torch.arange(_KNOTS, device=waves.device)
    distance = (place[None, :, None] * waves + offset + 1 - knots).abs_()
    outer = (2 - distance).clamp_(0, 2).pow_(3)
    inner = (1 - distance).clamp_(0, 1).pow_(3)
    return outer.sub_(inner, alpha=4).div_(6)


def enlarge(maps: torch.Tensor, size: int) -> torch.Tensor:
    """(n, h, h) or (n, channels, h, h) to `size` pixels a side, linear."""
    # As one channel each: three channels take a slow way through torch.
    flat = maps.reshape(-1, 1, *maps.shape[-2:])
    larger = interpolate(flat, (size, size), mode="bilinear", align_corners=False)
    return larger.view(*maps.shape[:-2], size, size)


def ramp(distance: torch.Tensor, softness: torch.Tensor | float) -> torch.Tensor:
    """1 well inside (negative distance), 0 well outside, 0.5 at the border; `softness` as distance."""
    return torch.sigmoid(distance / -softness)


def blend(image: torch.Tensor, cover: torch.Tensor, value: torch.Tensor | float) -> torch.Tensor:
    """The image with `value` where `cover` is 1, in place."""
    return image.add_(cover * (value - image))


def join(first: torch.Tensor, second: torch.Tensor, blend_mm: float) -> torch.Tensor:
    """The union of two shapes, given by distances, with a rounded seam (polynomial smooth minimum)."""
    share = (0.5 + 0.5 * (second - first) / blend_mm).clamp_(0, 1)
    return second + share * (first - second) - blend_mm * share * (1 - share)
