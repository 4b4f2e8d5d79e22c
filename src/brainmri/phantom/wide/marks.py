"""What pictures carry beside the scan: burnt-in text, arrows and frames, in batches."""

import string
from functools import cache
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import grid_sample

from brainmri.phantom.wide.choices.marks import MARK_SHARES
from brainmri.phantom.wide.draft import Draft, Part
from brainmri.phantom.wide.fields import blend, make_ruler

_SPRITES, _HEIGHT, _WIDTH = 192, 24, 120
_LETTERS: Final = string.ascii_uppercase + string.digits + ".:/-"
# Of the stock of marks, which is the same for all.
_SEED: Final = 7


def load_sprites(device: torch.device) -> torch.Tensor:
    """A stock of marks, (sprites, height, width), 0 to 1: mostly text, some arrows, crosses and circles."""
    return torch.from_numpy(_draw_sprites()).to(device)


@cache
def _draw_sprites() -> NDArray[np.float32]:
    rng = np.random.default_rng(_SEED)
    sprites = np.zeros((_SPRITES, _HEIGHT, _WIDTH), np.uint8)
    for number, sprite in enumerate(sprites):
        _draw_sprite(rng, number, sprite)
    return (sprites / 255).astype(np.float32)


def _draw_sprite(rng: np.random.Generator, number: int, sprite: NDArray[np.uint8]) -> None:
    """Draws mark `number` into the sprite: every twelfth an arrow, a circle, a cross or star, else text."""
    x, y = _WIDTH // 2, _HEIGHT // 2
    match number % 12:
        case 0:
            cv2.arrowedLine(sprite, (x - 22, y + 7), (x + 12, y - 5), 255, int(rng.integers(1, 4)), 8, 0, 0.4)
        case 1:
            cv2.circle(sprite, (x, y), int(rng.integers(6, 11)), 255, int(rng.integers(1, 3)), 8)
        case 2:
            cv2.drawMarker(sprite, (x, y), 255, int(rng.integers(0, 3)), 16, 2)
        case _:
            _write_text(rng, sprite)


def _write_text(rng: np.random.Generator, sprite: NDArray[np.uint8]) -> None:
    text = "".join(rng.choice(list(_LETTERS), int(rng.integers(1, 9))))
    scale, thickness = rng.uniform(0.4, 0.65), int(rng.integers(1, 3))
    cv2.putText(sprite, text, (2, 18), cv2.FONT_HERSHEY_SIMPLEX, scale, 255, thickness, 8)


def burn(draft: Draft, image: torch.Tensor, sprites: torch.Tensor) -> torch.Tensor:
    """The images (n, size, size), 0 to 1, with each picture's marks and frame on it; in place."""
    for slot in range(len(MARK_SHARES)):
        part = draft.having(f"mark_{slot}")
        if part:
            signal = part[f"mark_signal_{slot}"]
            image[part.places] = blend(part.pick(image), _place(part, slot, sprites), signal)
    part = draft.having("framed")
    if part:
        image[part.places] = blend(part.pick(image), _cover_edges(part), part["frame_signal"])
    return image


def _place(part: Part, slot: int, sprites: torch.Tensor) -> torch.Tensor:
    """What each picture's own mark covers, (n, size, size), 0 to 1."""
    high = part[f"mark_size_{slot}"]
    ruler = make_ruler(part.size, part.device) * 2 - 1
    across = (ruler - part[f"mark_x_{slot}"]) / (high * _WIDTH / _HEIGHT)
    down = (ruler[:, None] - part[f"mark_y_{slot}"]) / high
    shape = (len(part), part.size, part.size)
    grid = torch.stack([across.expand(shape), down.expand(shape)]).permute(1, 2, 3, 0)
    which = part[f"sprite_{slot}"].flatten().long() % len(sprites)
    return grid_sample(sprites[which][:, None], grid, padding_mode="zeros", align_corners=False)[:, 0]


def _cover_edges(part: Part) -> torch.Tensor:
    """1 on bars at the edges of the picture, else 0."""
    ruler = torch.linspace(-1, 1, part.size, device=part.device).abs()
    across, down = ruler > 1 - 2 * part["frame_x"], ruler[:, None] > 1 - 2 * part["frame_y"]
    return (across | down).float()
