"""What a scanner resolves, in batches: blur, coarse pixels, sharpening and ghosts, as matrices."""

from typing import Final

import torch

from brainmri.phantom.wide.draft import Draft, Part
from brainmri.phantom.wide.fields import bell

# Blur and pixels are given for pictures of this size.
_NOMINAL_SIZE: Final = 96
# No blur is less, in pixels; a sharpened picture is one less a blur of this share of it.
_LEAST_SPREAD: Final = 0.3
_SHARPENING: Final = 1 / 75


def see(draft: Draft, axis: str) -> torch.Tensor:
    """What each row (or column) of the picture sees of the signal's: (n, size, size), sums near 1.

    Blurred, in steps where the resolution is low, sharpened, and along y with a ghost of a shifted one.
    """
    weights = _weigh(draft, axis)
    sharp = draft.having("sharpen")
    if sharp:
        soft = _weigh(sharp, axis, more=draft.size * _SHARPENING)
        weights.index_add_(0, sharp.places, sharp["sharpen"] * (sharp.pick(weights) - soft))
    haunted = draft.having("ghost") if axis == "y" else None
    if haunted:
        ghost = _weigh(haunted, axis, shift=haunted["ghost_shift"] * draft.size)
        weights.index_add_(0, haunted.places, haunted["ghost"] * ghost)
    return weights


def _weigh(draft: Draft, axis: str, more: float = 0, shift: torch.Tensor | None = None) -> torch.Tensor:
    """Gaussian weights (n, size, size), around the diagonal or `shift` (n, 1, 1) pixels beside it.

    They add up to 1 in a row; `more` is added to the deviation, in pixels. A row is the one above it moved
    on by a pixel, unless pixels are coarse, so that a Gaussian is evaluated along one line alone.
    """
    spread = _find_spread(draft, axis)
    line = torch.arange(1 - draft.size, draft.size, device=draft.device)
    weights = (
        _weigh_distance(_move(line, shift, draft.size), spread + more)[:, 0].unfold(1, draft.size, 1).flip(1)
    )
    coarse = draft.having(f"pixel_{axis}")
    if coarse:
        distance, least = _measure_steps(coarse, axis)
        moved = _move(distance, None if shift is None else coarse.pick(shift), draft.size)
        weights[coarse.places] = _weigh_distance(moved, torch.maximum(coarse.pick(spread), least) + more)
    return weights.div_(weights.sum(-1, keepdim=True).clamp_(min=1e-6))


def _find_spread(draft: Draft, axis: str) -> torch.Tensor:
    """The blur's deviation in pixels, (n, 1, 1): a share of the picture, or of however many pixels."""
    finer = (draft.size / _NOMINAL_SIZE) ** (1 - draft["fine"])
    return (draft[f"blur_{axis}"] * finer).clamp_(min=_LEAST_SPREAD)


def _measure_steps(coarse: Part, axis: str) -> tuple[torch.Tensor, torch.Tensor]:
    """The distance (n, size, size) from the middle of each coarse pixel, and the least deviation there."""
    step = coarse[f"pixel_{axis}"] * coarse.size / _NOMINAL_SIZE
    ruler = torch.arange(coarse.size, device=coarse.device)
    seen = (((ruler + 0.5)[:, None] / step).floor_() + 0.5) * step - 0.5
    return ruler - seen, 0.45 * step


def _move(distance: torch.Tensor, shift: torch.Tensor | None, size: int) -> torch.Tensor:
    """Distances from what was shifted; what leaves the picture comes back on the other side."""
    return distance if shift is None else (distance - shift + size / 2) % size - size / 2


def _weigh_distance(distance: torch.Tensor, spread: torch.Tensor) -> torch.Tensor:
    return bell(distance.square() / (2 * spread * spread))
