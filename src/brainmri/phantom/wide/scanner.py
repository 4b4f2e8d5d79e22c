"""From signal to picture, in batches: coil, resolution, ghosts, noise, window, compression."""

import math

import torch

from brainmri.phantom.wide.columns import Drawn
from brainmri.phantom.wide.fields import Noise, enlarge


def scan(signal: torch.Tensor, drawn: Drawn, noise: Noise) -> torch.Tensor:
    """Signal (n, size, size) -> the picture, 0 to 1, its percentiles stretched as `prepare` stretches them."""
    size = signal.shape[-1]
    speckle = enlarge(noise.white(len(signal), size // 2, size // 2), size)
    image = (signal + drawn["smooth_noise"] * speckle).clamp(min=0) * _light(drawn, noise, size)
    image = torch.bmm(torch.bmm(_see(drawn, "y", size), image), _see(drawn, "x", size).transpose(1, 2))
    real, imaginary = (noise.white(len(image), size, size) for _ in range(2))
    image = image.addcmul_(real, drawn["noise"]).square_().addcmul_(imaginary.square_(), drawn["noise"] ** 2).sqrt_()
    return _window(image, drawn)


def _light(drawn: Drawn, noise: Noise, size: int) -> torch.Tensor:
    """How bright each place is: an uneven coil, sometimes a slope, sometimes brighter all around."""
    half = size // 2
    uneven = drawn["bias"] * noise.smooth(torch.full_like(drawn["bias"], 2.0), half)
    ruler = torch.linspace(-1, 1, half, device=drawn.device)
    slope = drawn["slope"] * (ruler * drawn["slope_turn"].cos() + ruler[:, None] * drawn["slope_turn"].sin())
    rise = drawn["near_coil"] * (ruler * ruler + (ruler * ruler)[:, None])
    return enlarge(torch.exp(uneven + slope + rise), size)


def _see(drawn: Drawn, axis: str, size: int) -> torch.Tensor:
    """What each row (or column) of the picture sees of the signal's: (n, size, size), sums near 1.

    Blurred, in steps where the resolution is low, sharpened, and along y with a ghost of a shifted one.
    """
    ruler = torch.arange(size, device=drawn.device, dtype=torch.float32)
    blur = drawn[f"blur_{axis}"] * (size / 96) ** (1 - drawn["fine"])
    step = drawn[f"pixel_{axis}"] * size / 96
    seen = (((ruler + 0.5)[:, None] / step).floor() + 0.5) * step - 0.5
    spread = torch.maximum(blur.clamp(min=0.3), 0.45 * step)
    weights = _gauss(ruler - seen, spread)
    rows = drawn.rows("sharpen")
    if len(rows):
        chosen, part = torch.from_numpy(rows).to(drawn.device), drawn.take(rows)
        soft = _gauss(ruler - seen[chosen], spread[chosen] + size / 75)
        weights[chosen] += part["sharpen"] * (weights[chosen] - soft)
    rows = drawn.rows("ghost")
    if axis == "y" and len(rows):
        chosen, part = torch.from_numpy(rows).to(drawn.device), drawn.take(rows)
        away = (ruler - seen[chosen] - part["ghost_shift"] * size + size / 2) % size - size / 2
        weights[chosen] += part["ghost"] * _gauss(away, spread[chosen])
    return weights


def _gauss(distance: torch.Tensor, spread: torch.Tensor) -> torch.Tensor:
    weights = torch.exp(distance.square() / (-2 * spread * spread))
    return weights / weights.sum(-1, keepdim=True).clamp(min=1e-6)


def _window(image: torch.Tensor, drawn: Drawn) -> torch.Tensor:
    step = max(1, image.shape[-1] // 32)
    ordered = image[:, ::step, ::step].flatten(1).sort(dim=1).values
    last = ordered.shape[1] - 1
    low, high = (ordered.gather(1, (drawn[name][:, :, 0] * last).long())[:, :, None] for name in ("lowest", "highest"))
    shown = ((image - low) / (high - low + 1e-3)).clamp_(0, 1).pow(drawn["gamma"])
    return torch.lerp(shown, 1 - shown, drawn["inverted"])


def compress(image: torch.Tensor, drawn: Drawn) -> torch.Tensor:
    """JPEG as seen in gray: cosines of blocks of 8 by 8, coarser steps for finer ones; 0 to 1."""
    rows = drawn.rows("jpeg")
    if not len(rows):
        return image
    chosen, part = torch.from_numpy(rows).to(image.device), drawn.take(rows)
    n, size = len(rows), image.shape[-1]
    cosines = _cosines(image.device)
    blocks = image[chosen].view(n, size // 8, 8, size // 8, 8).transpose(2, 3)
    waves = cosines @ blocks @ cosines.T
    order = torch.arange(8, device=image.device)
    coarse = (1 + 0.35 * (order + order[:, None])) / 255 * part["jpeg_step"][:, :, :, None, None]
    waves = (waves / coarse).round_().mul_(coarse)
    back = (cosines.T @ waves @ cosines).transpose(2, 3).reshape(n, size, size)
    image[chosen] = back.clamp_(0, 1)
    return image


def _cosines(device: torch.device) -> torch.Tensor:
    """The matrix of the orthonormal cosine transform of 8 values (DCT-II)."""
    order = torch.arange(8, device=device, dtype=torch.float32)
    matrix = torch.cos(math.pi / 8 * (order + 0.5) * order[:, None]) / 2
    matrix[0] /= math.sqrt(2)
    return matrix
