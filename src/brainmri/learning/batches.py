"""Prepared arrays -> fastai's loaders: whole batches cut from memory, no decoding, no workers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from fastai.data.core import DataLoaders, TfmdDL
from fastai.data.transforms import IntToFloatTensor, Normalize
from fastai.torch_core import TensorCategory, TensorImage, TensorImageBase, TensorMask
from fasttransform import Transform
from numpy.typing import NDArray
from torch.nn.functional import interpolate

from brainmri.learning.recipe import EpochPlan, Scaling

# What keeps an image of one value from a division by zero, in 0..1.
_LEAST_DEVIATION = 0.02

# The statistics that torchvision's ImageNet weights were trained with.
_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Normalization:
    """Mean and standard deviation of the pixels, in 0..1, a value a channel; empty: each image's own."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class ArrayDataset:
    """images: uint8 (n, channels, size, size) with 1 or 3 channels.

    targets: int64 (n,), 1 means tumor, or masks, uint8 0/1 (n, 1, size, size). `split_idx` is fastai's: 0 for
    training, 1 for what is not augmented.
    """

    images: torch.Tensor
    targets: torch.Tensor
    split_idx: int
    # Of a batch, the images alone are input. Told to fastai, which else would draw a batch to see it, and so
    # random numbers, when it first needs to know: after an interruption at another moment.
    n_inp: ClassVar[int] = 1

    def __len__(self) -> int:
        """The number of images."""
        return len(self.images)

    @property
    def classes(self) -> torch.Tensor:
        """int64 (n,): 1 where there is tumor."""
        return self.targets if self.targets.ndim == 1 else self.targets.flatten(1).any(dim=1).long()

    def __getitem__(self, places: list[int]) -> tuple[TensorImage, TensorCategory | TensorMask]:
        """The images and targets at `places`, as one batch."""
        # A GPU that is sent a list is waited for.
        chosen = torch.tensor(places).to(self.images.device, non_blocking=True)
        kind = TensorCategory if self.targets.ndim == 1 else TensorMask
        return TensorImage(self.images[chosen]), kind(self.targets[chosen])


class ArrayLoader(TfmdDL):  # type: ignore[misc]
    """fastai's loader for an `ArrayDataset`: order and batches are its own, each batch is one indexing."""

    def create_item(self, s: int | None) -> int:
        """The place in the arrays of an epoch's item; fastai asks for None to see what an item is like."""
        return (s or 0) % len(self.dataset)

    def do_batch(self, b: Sequence[int]) -> tuple[TensorImage, TensorCategory | TensorMask]:
        """The images and targets of the places in `b`."""
        batch: tuple[TensorImage, TensorCategory | TensorMask] = self.dataset[list(b)]
        return batch


class ShrinkImages(Transform):  # type: ignore[misc]
    """Images to a smaller size by averages over whole pixels (torch's `area`); before the augmentation."""

    order = 20

    def __init__(self, usual: int | None) -> None:
        """`usual` is a side in pixels; None leaves images as they are."""
        self.usual = self.size = usual

    def limit(self, size: int | None) -> None:
        """To `size` for now, unless images are smaller anyway; None: back to the usual."""
        self.size = min((side for side in (size, self.usual) if side is not None), default=None)

    def encodes(self, x: TensorImageBase) -> TensorImageBase:
        """(n, channels, side, side), 0 to 1 -> (n, channels, size, size); of a mask, the shares of tumor."""
        if self.size is None or self.size >= x.shape[-1]:
            return x
        return interpolate(x.float(), (self.size, self.size), mode="area")


def standardize(pixels: torch.Tensor) -> torch.Tensor:
    """Each image (n, channels, size, size), 0 to 1, to its own mean 0 and deviation 1."""
    mean, deviation = pixels.mean((1, 2, 3), keepdim=True), pixels.std((1, 2, 3), keepdim=True)
    return (pixels - mean) / (deviation + _LEAST_DEVIATION)


class StandardizeImage(Transform):  # type: ignore[misc]
    """Each image to its own mean 0 and deviation 1: scanners and windows differ in both."""

    order = 99

    def encodes(self, x: TensorImage) -> torch.Tensor:
        """(n, channels, size, size), 0 to 1 -> the same shape."""
        return standardize(x)


class ToNetworkInput(Transform):  # type: ignore[misc]
    """Gray to three channels, and a plain tensor in the channels-last layout (the fast one for CPUs).

    Masks become plain tensors of 0 and 1: tumor is where half of a pixel or more is.
    """

    order = 100

    def encodes(self, x: TensorImageBase) -> torch.Tensor:
        """(n, 1 or 3, size, size) -> (n, 3, size, size); a mask keeps its shape."""
        plain: torch.Tensor = x.as_subclass(torch.Tensor)
        if isinstance(x, TensorMask):
            return (plain >= 0.5).float()
        return plain.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


def training_device() -> torch.device:
    """The GPU, if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def reside(dataset: ArrayDataset, device: torch.device) -> ArrayDataset:
    """The dataset on a GPU, if it takes at most half of what is free there: batches then need no copy."""
    if device.type != "cuda":
        return dataset
    free, _ = torch.cuda.mem_get_info(device)
    if dataset.images.nbytes + dataset.targets.nbytes > free / 2:
        return dataset
    return replace(dataset, images=dataset.images.to(device), targets=dataset.targets.to(device))


def to_tensor(images: NDArray[np.uint8]) -> torch.Tensor:
    """uint8 (n, size, size) or (n, channels, size, size) -> the same values, (n, channels, size, size)."""
    stacked = images[:, None] if images.ndim == 3 else images
    return torch.from_numpy(np.ascontiguousarray(stacked))


def choose_normalization(scaling: Scaling, images: torch.Tensor) -> Normalization:
    """What `scaling` means for training images, uint8 (n, channels, size, size)."""
    if scaling is Scaling.IMAGE:
        return Normalization((), ())
    if scaling is Scaling.IMAGENET:
        return Normalization(*_IMAGENET)
    numbers = images.numpy()
    mean = numbers.mean(axis=(0, 2, 3), dtype=np.float64) / 255
    std = numbers.std(axis=(0, 2, 3), dtype=np.float64) / 255
    return Normalization(tuple(float(x) for x in mean), tuple(float(x) for x in std))


def make_loader(
    dataset: ArrayDataset,
    plan: EpochPlan,
    normalization: Normalization,
    size: int | None,
    augmentation: Sequence[Transform] = (),
) -> ArrayLoader:
    """A loader that shuffles, and drops an incomplete last batch, if the dataset is for training.

    Each image comes `passes` times an epoch, in any order, shrunk to `size` pixels a side (None: as it is).
    """
    training, device = dataset.split_idx == 0, training_device()
    if normalization.mean:
        on_gpu = device.type == "cuda"
        scale = Normalize.from_stats(list(normalization.mean), list(normalization.std), cuda=on_gpu)
    else:
        scale = StandardizeImage()
    after_batch: list[Any] = [IntToFloatTensor(), ShrinkImages(size), *augmentation, scale, ToNetworkInput()]
    return ArrayLoader(
        reside(dataset, device),
        bs=plan.batch_size,
        n=plan.passes * len(dataset),
        shuffle=training,
        drop_last=training,
        num_workers=0,
        after_batch=after_batch,
        device=device,
    )


def join_loaders(training: ArrayLoader, validation: ArrayLoader) -> DataLoaders:
    """fastai's pair of loaders; it asks for a number of classes."""
    loaders = DataLoaders(training, validation, device=training.device)
    loaders.c = 2
    return loaders
