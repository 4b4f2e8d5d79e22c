"""What storing a picture with loss leaves of it, in batches."""

import math
from functools import cache
from typing import Final

import torch

from brainmri.phantom.wide.draft import Draft

# JPEG's blocks.
_BLOCK: Final = 8


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


@cache
def make_cosines(device: torch.device) -> torch.Tensor:
    """The matrix (8, 8) of the orthonormal cosine transform (DCT-II)."""
    order = torch.arange(_BLOCK, device=device, dtype=torch.float32)
    matrix = torch.cos(math.pi / _BLOCK * (order + 0.5) * order[:, None]) / 2
    matrix[0] /= math.sqrt(2)
    return matrix
