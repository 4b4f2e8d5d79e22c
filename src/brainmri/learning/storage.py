"""Weights in a file take half of what they take in memory, where their author says so."""

from collections.abc import Mapping
from typing import Final

import torch

_HALVES: Final = (torch.float16, torch.bfloat16)


def halve(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """float16 for matrices and kernels; what has one dimension, as batch normalization has, stays as it is.

    Raises `ValueError` for a weight that float16 can't hold.
    """
    halved = {
        key: value.half() if value.is_floating_point() and value.ndim > 1 else value
        for key, value in state.items()
    }
    lost = [key for key, value in halved.items() if not value.isfinite().all()]
    if lost:
        raise ValueError(f"{lost[0]}: expected numbers within float16's 65504, came larger ones")
    return halved


def widen(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """float32 where halves were stored; all else as it is."""
    return {key: value.float() if value.dtype in _HALVES else value for key, value in state.items()}
