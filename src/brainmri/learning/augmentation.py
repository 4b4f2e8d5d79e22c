"""Random geometry for a whole batch at once (fastai's affine transforms, one resampling) and gamma.

Where masks come with the images, they move with them.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial

import torch
from fastai.torch_core import TensorImage, TensorImageBase
from fastai.vision.augment import affine_mat, flip_mat, rotate_mat
from fasttransform import Transform
from torch.nn.functional import affine_grid, grid_sample

from brainmri.learning.recipe import AugmentParams

DrawMatrices = Callable[[torch.Tensor], torch.Tensor]


class RandomGeometry(Transform):  # type: ignore[misc]
    """One affine map an image, drawn anew for each batch of training; black comes in from outside.

    As fastai's `AffineCoordTfm`, which works out its few numbers on a GPU, kernel by kernel, and fetches the
    grid's bounds from there for each batch.
    """

    order, split_idx = 30, 0

    def __init__(self, parts: Sequence[DrawMatrices]) -> None:
        """Each part gives float32 (n, 3, 3) for a batch of n images, or None for no change."""
        self.parts = parts
        self.grid = torch.empty(0)

    def encodes(self, x: TensorImageBase) -> TensorImageBase:
        """(n, channels, side, side) -> the same shape; masks follow the images that come before them."""
        plain: torch.Tensor = x.as_subclass(torch.Tensor)
        if isinstance(x, TensorImage):
            matrices = self._draw(len(plain)).to(plain.device, non_blocking=True)
            self.grid = affine_grid(matrices[:, :2], list(plain.shape), align_corners=False)
        return type(x)(grid_sample(plain.float(), self.grid, padding_mode="zeros", align_corners=False))

    def _draw(self, count: int) -> torch.Tensor:
        stand_in = torch.empty(count, 1, 1, 1)
        composed = torch.eye(3).expand(count, 3, 3)
        for part in self.parts:
            matrices = part(stand_in)
            composed = composed if matrices is None else composed @ matrices
        return composed


class RandomGamma(Transform):  # type: ignore[misc]
    """Each channel of each image to a power drawn for it: scanners differ in their curves of gray."""

    order, split_idx = 35, 0

    def __init__(self, most: float) -> None:
        """Powers are log-uniform from 1 / (1 + most) to 1 + most."""
        self.most = most

    def encodes(self, x: TensorImage) -> TensorImage:
        """(n, channels, side, side), 0 to 1 -> the same shape and range; black and white stay."""
        plain: torch.Tensor = x.as_subclass(torch.Tensor)
        bound = math.log1p(self.most)
        powers = torch.empty(*plain.shape[:2], 1, 1).uniform_(-bound, bound).exp()
        return type(x)(plain.clamp(0, 1) ** powers.to(plain.device, non_blocking=True))


def build_augmentation(params: AugmentParams) -> list[Transform]:
    """Batch transforms for training images; a setting of 0 or false leaves its part out.

    Rotation, translation and scale are uniform within their bounds and drawn per image; what comes
    in from outside the image is black. Gamma is drawn per image and channel.
    """
    parts: list[DrawMatrices] = []
    if params.rotate_degrees > 0:
        parts.append(partial(rotate_mat, max_deg=params.rotate_degrees, p=1.0))
    if params.scale > 0:
        parts.append(partial(_scale_matrix, most=params.scale))
    if params.translate > 0:
        parts.append(partial(_translate_matrix, most=params.translate))
    if params.flip:
        parts.append(partial(flip_mat, p=0.5))
    chosen: list[Transform] = [RandomGeometry(parts)] if parts else []
    if params.gamma > 0:
        chosen.append(RandomGamma(params.gamma))
    return chosen


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
