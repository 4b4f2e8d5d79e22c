"""Smooth random fields and shapes in batches: maps (n, rows, columns), float32."""

from functools import cache
from typing import Final

import torch

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

    def smooth(self, size: int, *waves: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """For each of `waves` fields of mean 0 and deviation 1, (n, size, size).

        `waves` (n, 1, 1) says how many knots of a cubic spline fit into a picture, 1 to 22: what is
        shorter than a knot's spacing is smooth.
        """
        coefficients, weights = self._draw(size, waves)
        return _shape(coefficients, weights, len(waves))

    def smooth_twice(self, size: int, *waves: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The same fields enlarged to twice the size, as by `enlarge`."""
        coefficients, weights = self._draw(size, waves)
        return _shape(coefficients, _double(weights), len(waves))

    def _draw(self, size: int, waves: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, torch.Tensor]:
        """Coefficients (m, knots, knots), and six times their weights across and down (2, m, size, knots).

        A field's m numbers follow those of the field before it.
        """
        offsets, coefficients = self._draw_knots(len(waves), len(waves[0]))
        weights = _weigh_knots(torch.cat(waves), offsets.reshape(2, -1, 1, 1), size)
        return coefficients.flatten(0, 1), weights

    def _draw_knots(self, fields: int, n: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Where fields begin along both axes, (2, fields, n), and coefficients (fields, n, knots, knots)."""
        offsets = torch.empty(2, fields, n, device=self._device)
        coefficients = torch.empty(fields, n, _KNOTS, _KNOTS, device=self._device)
        for field in range(fields):
            for axis in range(2):
                offsets[axis, field].uniform_(generator=self._stream)
            coefficients[field].normal_(generator=self._stream)
        return offsets, coefficients.div_(6 * 6 * _DEVIATION)


class SharedNoise(Noise):
    """Smooth fields that all pictures of a batch share, as slices of one head do; grain is each one's own."""

    def _draw_knots(self, fields: int, n: int) -> tuple[torch.Tensor, torch.Tensor]:
        offsets, coefficients = super()._draw_knots(fields, 1)
        return offsets.expand(-1, -1, n), coefficients.expand(-1, n, -1, -1)


def _shape(coefficients: torch.Tensor, weights: torch.Tensor, fields: int) -> tuple[torch.Tensor, ...]:
    """Each field, (n, size, size), of knots' coefficients and weights as `Noise` draws them."""
    across, down = weights.unbind(0)
    return torch.bmm(torch.bmm(down, coefficients), across.mT).chunk(fields)


def _weigh_knots(waves: torch.Tensor, offset: torch.Tensor, size: int) -> torch.Tensor:
    """Six times the weight of each knot at each pixel: (..., 1, 1) -> (..., size, knots)."""
    place, knots = _count_knots(size, waves.device)
    distance = torch.addcmul(offset, place, waves).sub(knots).abs_()
    outer = (2 - distance).clamp_(min=0)
    inner = (outer - 1).clamp_(min=0)
    return outer.pow_(3).sub_(inner.pow_(3), alpha=4)


@cache
def _count_knots(size: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """The middle of each pixel as a share of the picture (size, 1), and the knots' numbers, the first -1."""
    return make_ruler(size, device)[:, None], torch.arange(_KNOTS, device=device) - 1.0


@cache
def make_ruler(size: int, device: torch.device) -> torch.Tensor:
    """The middles of pixels along an axis, 0 to 1, (size,)."""
    return (torch.arange(size, device=device) + 0.5) / size


def enlarge(maps: torch.Tensor) -> torch.Tensor:
    """(..., size, size) to twice the size, linear between the middles of pixels."""
    return _double(maps @ _make_doubling(maps.shape[-1], maps.device).T)


def _double(maps: torch.Tensor) -> torch.Tensor:
    """Twice the rows: (..., rows, columns) -> (..., 2 * rows, columns), linear between rows' middles."""
    *others, rows, columns = maps.shape
    doubled = maps.new_empty(*others, rows, 2, columns)
    doubled[..., 0, 0, :], doubled[..., -1, 1, :] = maps[..., 0, :], maps[..., -1, :]
    upper, lower = maps[..., :-1, :], maps[..., 1:, :]
    torch.lerp(upper, lower, 0.75, out=doubled[..., 1:, 0, :])
    torch.lerp(upper, lower, 0.25, out=doubled[..., :-1, 1, :])
    return doubled.flatten(-3, -2)


@cache
def _make_doubling(size: int, device: torch.device) -> torch.Tensor:
    """What `_double` does as a matrix, (2 * size, size)."""
    return _double(torch.eye(size, device=device))


def ramp(
    distance: torch.Tensor, softness: torch.Tensor | float, edge: torch.Tensor | float = 0.0
) -> torch.Tensor:
    """1 well inside (below `edge`), 0 well outside, 0.5 at it; the reverse where `softness` is below 0."""
    if isinstance(softness, torch.Tensor):
        return torch.addcmul(edge / softness, distance, 1 / softness, value=-1).sigmoid_()
    return torch.rsub(distance, edge / softness, alpha=1 / softness).sigmoid_()


def bell(square: torch.Tensor) -> torch.Tensor:
    """A Gaussian of half the square of the distance in deviations; in place."""
    # Numbers too small for float32 take a processor many times as long.
    return square.clamp_(max=80).neg_().exp_()


def blend(image: torch.Tensor, cover: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """The image with `value` where `cover` is 1, in place."""
    return image.lerp_(value, cover)


def join(first: torch.Tensor, second: torch.Tensor, blend_mm: float) -> torch.Tensor:
    """The union of two shapes, given by distances, with a rounded seam (polynomial smooth minimum)."""
    share = (0.5 + 0.5 * (second - first) / blend_mm).clamp_(0, 1)
    return second + share * (first - second) - blend_mm * share * (1 - share)
