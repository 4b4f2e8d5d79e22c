"""Random geometry for a whole batch at once: fastai's affine transforms, composed into one resampling."""

from functools import partial

import torch
from fastai.vision.augment import AffineCoordTfm, affine_mat, flip_mat, rotate_mat

from brainmri.learning.recipe import AugmentParams


def build_augmentation(params: AugmentParams) -> list[AffineCoordTfm]:
    """Batch transforms for training images; a setting of 0 or false leaves its part out.

    Rotation, translation and scale are uniform within their bounds and drawn per image; what comes
    in from outside the image is black.
    """
    parts = []
    if params.rotate_degrees > 0:
        parts.append(partial(rotate_mat, max_deg=params.rotate_degrees, p=1.0))
    if params.scale > 0:
        parts.append(partial(_scale_matrix, most=params.scale))
    if params.translate > 0:
        parts.append(partial(_translate_matrix, most=params.translate))
    if params.flip:
        parts.append(partial(flip_mat, p=0.5))
    return [AffineCoordTfm(aff_fs=parts, pad_mode="zeros", align_corners=False)] if parts else []


def _scale_matrix(images: torch.Tensor, most: float) -> torch.Tensor:
    factor = 1 / _uniform(images, 1 - most, 1 + most)
    zero = torch.zeros_like(factor)
    return affine_mat(factor, zero, zero, zero, factor, zero)  # type: ignore[no-any-return]


def _translate_matrix(images: torch.Tensor, most: float) -> torch.Tensor:
    # The grid runs from -1 to 1: a side is 2 long.
    across, down = _uniform(images, -2 * most, 2 * most), _uniform(images, -2 * most, 2 * most)
    one, zero = torch.ones_like(across), torch.zeros_like(across)
    return affine_mat(one, zero, across, zero, one, down)  # type: ignore[no-any-return]


def _uniform(images: torch.Tensor, low: float, high: float) -> torch.Tensor:
    return images.new_empty(images.shape[0]).uniform_(low, high)
