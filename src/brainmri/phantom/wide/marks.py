"""What pictures carry beside the scan: burnt-in text, arrows and frames, in batches."""

import string
from functools import cache

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import affine_grid, grid_sample

from brainmri.phantom.wide.columns import Drawn

_SPRITES, _HEIGHT, _WIDTH = 192, 24, 120
_LETTERS = string.ascii_uppercase + string.digits + ".:/-"
SLOTS = 2


@cache
def draw_sprites() -> NDArray[np.float32]:
    """A stock of marks, (sprites, height, width), 0 to 1: mostly text, some arrows, crosses and circles."""
    rng = np.random.default_rng(7)
    sprites = np.zeros((_SPRITES, _HEIGHT, _WIDTH), np.uint8)
    for number, sprite in enumerate(sprites):
        x, y = _WIDTH // 2, _HEIGHT // 2
        match number % 12:
            case 0:
                cv2.arrowedLine(sprite, (x - 22, y + 7), (x + 12, y - 5), 255, int(rng.integers(1, 4)), 8, 0, 0.4)
            case 1:
                cv2.circle(sprite, (x, y), int(rng.integers(6, 11)), 255, int(rng.integers(1, 3)), 8)
            case 2:
                cv2.drawMarker(sprite, (x, y), 255, int(rng.integers(0, 3)), 16, 2)
            case _:
                text = "".join(rng.choice(list(_LETTERS), int(rng.integers(1, 9))))
                cv2.putText(sprite, text, (2, 18), cv2.FONT_HERSHEY_SIMPLEX, rng.uniform(0.4, 0.65), 255, int(rng.integers(1, 3)), 8)
    return (sprites / 255).astype(np.float32)


def burn(image: torch.Tensor, drawn: Drawn, sprites: torch.Tensor) -> torch.Tensor:
    """The image (n, size, size), 0 to 1, with each picture's marks and frame on it; in place."""
    for slot in range(SLOTS):
        rows = drawn.rows(f"mark_{slot}")
        if len(rows):
            chosen, part = torch.from_numpy(rows).to(image.device), drawn.take(rows)
            cover = _place(part, slot, sprites, image.shape[-1])
            image[chosen] += cover * (part[f"mark_signal_{slot}"] - image[chosen])
    rows = drawn.rows("framed")
    if len(rows):
        chosen, part = torch.from_numpy(rows).to(image.device), drawn.take(rows)
        image[chosen] += _frame(part, image.shape[-1]) * (part["frame_signal"] - image[chosen])
    return image


def _place(part: Drawn, slot: int, sprites: torch.Tensor, size: int) -> torch.Tensor:
    high = part[f"mark_size_{slot}"][:, 0, 0]
    wide = high * _WIDTH / _HEIGHT
    zero = torch.zeros_like(high)
    x, y = part[f"mark_x_{slot}"][:, 0, 0], part[f"mark_y_{slot}"][:, 0, 0]
    matrix = torch.stack([torch.stack([1 / wide, zero, -x / wide], 1), torch.stack([zero, 1 / high, -y / high], 1)], 1)
    grid = affine_grid(matrix, [len(high), 1, size, size], align_corners=False)
    which = part[f"sprite_{slot}"][:, 0, 0].long() % len(sprites)
    return grid_sample(sprites[which][:, None], grid, padding_mode="zeros", align_corners=False)[:, 0]


def _frame(part: Drawn, size: int) -> torch.Tensor:
    """1 on bars at the edges of the picture, else 0."""
    ruler = torch.linspace(-1, 1, size, device=part.device).abs()
    across, down = ruler > 1 - 2 * part["frame_x"], ruler[:, None] > 1 - 2 * part["frame_y"]
    return (across | down).float()
