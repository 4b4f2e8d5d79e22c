"""How far apart two outlines are, by MONAI: it brings torch, so this module alone imports it."""

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from monai.metrics.hausdorff_distance import compute_hausdorff_distance
from monai.metrics.surface_dice import compute_surface_dice
from numpy.typing import NDArray

_PERCENTILE = 95


@dataclass(frozen=True)
class Surfaces:
    """`hausdorff95` in the unit of the spacing; `dice` the share of both outlines within the tolerance."""

    hausdorff95: float | None
    dice: float


def compare_surfaces(
    predicted: NDArray[np.bool_], reference: NDArray[np.bool_], spacing: float, tolerance: float
) -> Surfaces | None:
    """Of two masks (size, size) whose pixels are `spacing` wide; None where both are empty.

    Where one is empty no part of the other's outline is near anything: surface Dice 0, and no distance.

    The 95 % Hausdorff distance is the greater of the 95th percentiles of the distances from either outline
    to the other; the surface Dice is that of Nikolov et al. 2018 (arXiv 1809.04430), over pixels of outlines.
    """
    if not (predicted.any() and reference.any()):
        return Surfaces(None, 0.0) if predicted.any() or reference.any() else None
    pair = [torch.from_numpy(np.ascontiguousarray(mask))[None, None] for mask in (predicted, reference)]
    with warnings.catch_warnings():
        # What MONAI tells its own developers.
        warnings.simplefilter("ignore", FutureWarning)
        distance = compute_hausdorff_distance(
            *pair, include_background=True, percentile=_PERCENTILE, spacing=spacing
        )
        share = compute_surface_dice(*pair, [tolerance], include_background=True, spacing=spacing)
    return Surfaces(float(distance), float(share))
