"""From signal to picture, in batches: coil, resolution, ghosts, noise, window, compression."""

import math
from typing import Final

import torch

from brainmri.phantom.wide.draft import Draft, Part
from brainmri.phantom.wide.fields import enlarge

# Blur and pixels are given for pictures of this size.
_NOMINAL_SIZE: Final = 96
# The window is found on about so many pixels a side.
_SAMPLES: Final = 32
# JPEG's blocks.
_BLOCK: Final = 8


def scan(draft: Draft, signal: torch.Tensor) -> torch.Tensor:
    """Signal (n, size, size) -> pictures, 0 to 1, their percentiles stretched as `prepare` stretches them."""
    speckle = enlarge(draft.noise.white(len(draft), draft.half, draft.half), draft.size)
    image = (signal + draft["smooth_noise"] * speckle).clamp(min=0) * _light(draft)
    image = torch.bmm(torch.bmm(_see(draft, "y"), image), _see(draft, "x").transpose(1, 2))
    return _stretch(draft, _add_noise(draft, image))


def _add_noise(draft: Draft, image: torch.Tensor) -> torch.Tensor:
    """Rician noise (Gudbjartsson and Patz 1995): the magnitude of a complex signal; in place."""
    real, imaginary = (draft.noise.white(*image.shape) for _ in range(2))
    image = image.addcmul_(real, draft["noise"]).square_()
    return image.addcmul_(imaginary.square_(), draft["noise"] ** 2).sqrt_()


def _light(draft: Draft) -> torch.Tensor:
    """How bright each place is: an uneven coil, sometimes a slope, sometimes brighter all around."""
    uneven = draft["bias"] * draft.noise.smooth(torch.full_like(draft["bias"], 2.0), draft.half)
    ruler = torch.linspace(-1, 1, draft.half, device=draft.device)
    angle = draft["slope_turn"]
    slope = draft["slope"] * (ruler * angle.cos() + ruler[:, None] * angle.sin())
    rise = draft["near_coil"] * (ruler * ruler + (ruler * ruler)[:, None])
    return enlarge(torch.exp(uneven + slope + rise), draft.size)


def _see(draft: Draft, axis: str) -> torch.Tensor:
    """What each row (or column) of the picture sees of the signal's: (n, size, size), sums near 1.

    Blurred, in steps where the resolution is low, sharpened, and along y with a ghost of a shifted one.
    """
    ruler = torch.arange(draft.size, device=draft.device, dtype=torch.float32)
    blur = draft[f"blur_{axis}"] * (draft.size / _NOMINAL_SIZE) ** (1 - draft["fine"])
    step = draft[f"pixel_{axis}"] * draft.size / _NOMINAL_SIZE
    seen = (((ruler + 0.5)[:, None] / step).floor() + 0.5) * step - 0.5
    spread = torch.maximum(blur.clamp(min=0.3), 0.45 * step)
    weights = _weigh(ruler - seen, spread)
    sharp = draft.having("sharpen")
    if sharp:
        soft = _weigh(ruler - sharp.pick(seen), sharp.pick(spread) + draft.size / 75)
        weights[sharp.places] += sharp["sharpen"] * (sharp.pick(weights) - soft)
    haunted = draft.having("ghost") if axis == "y" else None
    if haunted:
        away = _shift(haunted, ruler - haunted.pick(seen))
        weights[haunted.places] += haunted["ghost"] * _weigh(away, haunted.pick(spread))
    return weights


def _shift(part: Part, away: torch.Tensor) -> torch.Tensor:
    """Distances in pixels from where the ghost is; what leaves the picture comes back on the other side."""
    return (away - part["ghost_shift"] * part.size + part.size / 2) % part.size - part.size / 2


def _weigh(distance: torch.Tensor, spread: torch.Tensor) -> torch.Tensor:
    """Weights of a Gaussian, which add up to 1 along the last axis."""
    weights = torch.exp(distance.square() / (-2 * spread * spread))
    return weights / weights.sum(-1, keepdim=True).clamp(min=1e-6)


def _stretch(draft: Draft, image: torch.Tensor) -> torch.Tensor:
    """The display's window, curve and, at times, reversal: 0 to 1."""
    low, high = _find_window(draft, image)
    shown = ((image - low) / (high - low + 1e-3)).clamp_(0, 1).pow(draft["gamma"])
    return torch.lerp(shown, 1 - shown, draft["inverted"])


def _find_window(draft: Draft, image: torch.Tensor) -> list[torch.Tensor]:
    """Both ends, (n, 1, 1) each."""
    step = max(1, draft.size // _SAMPLES)
    ordered = image[:, ::step, ::step].flatten(1).sort(dim=1).values
    last = ordered.shape[1] - 1
    places = ((draft[name].flatten(1) * last).long() for name in ("lowest", "highest"))
    return [ordered.gather(1, place)[:, :, None] for place in places]


def compress(draft: Draft, image: torch.Tensor) -> torch.Tensor:
    """JPEG as seen in gray: cosines of blocks of 8 by 8, coarser steps for finer ones; 0 to 1."""
    part = draft.having("jpeg")
    if part is None:
        return image
    cosines = make_cosines(draft.device)
    blocks = _cut(part.pick(image), part.size)
    waves = cosines @ blocks @ cosines.T
    order = torch.arange(_BLOCK, device=draft.device)
    coarse = (1 + 0.35 * (order + order[:, None])) / 255 * part["jpeg_step"][:, :, :, None, None]
    waves = (waves / coarse).round_().mul_(coarse)
    back = (cosines.T @ waves @ cosines).transpose(2, 3).reshape(len(part), part.size, part.size)
    image[part.places] = back.clamp_(0, 1)
    return image


def _cut(image: torch.Tensor, size: int) -> torch.Tensor:
    """Into blocks: (n, rows of blocks, columns of blocks, 8, 8)."""
    places = size // _BLOCK
    return image.view(len(image), places, _BLOCK, places, _BLOCK).transpose(2, 3)


def make_cosines(device: torch.device) -> torch.Tensor:
    """The matrix (8, 8) of the orthonormal cosine transform (DCT-II)."""
    order = torch.arange(_BLOCK, device=device, dtype=torch.float32)
    matrix = torch.cos(math.pi / _BLOCK * (order + 0.5) * order[:, None]) / 2
    matrix[0] /= math.sqrt(2)
    return matrix
