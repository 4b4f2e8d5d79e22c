"""Where a classifier looks: Grad-CAM in its element-wise form, by Captum.

HiResCAM (Draelos and Carin 2020, arXiv 2011.08891) weighs each place of a layer by its own gradient; Grad-CAM
(Selvaraju et al. 2017, arXiv 1610.02391) by the gradient's mean over the picture. Why so, why in the first
stage and why smoothed: docs/predict.md.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import torch
from captum.attr import LayerGradientXActivation
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import grid_sample, interpolate
from torchvision.transforms.functional import gaussian_blur

from brainmri.learning.backbones import build_network
from brainmri.learning.batches import ArrayDataset, make_loader, to_tensor
from brainmri.learning.cards import Look
from brainmri.learning.catalogue import Architecture
from brainmri.learning.prediction import Classifier, check_size, mirror_for, read_normalization
from brainmri.learning.recipe import EpochPlan
from brainmri.learning.seeing import first_stage, in_memory

_BATCH: Final = 32
# A place of the first stage stands for so many pixels a side.
_STRIDE: Final = 4
# Gradients are noisy from place to place: maps are smoothed by a Gaussian of so many places.
_SMOOTH: Final = 2.0
_SPECK: Final = 1e-5


class _LogOdds(nn.Module):
    """(n, 3, size, size) -> (n,), what decides: of two outputs, that for tumor less the other."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        both: torch.Tensor = self.network(images)
        return both[:, 1] - both[:, 0]


def explain(classifier: Classifier, images: NDArray[np.uint8]) -> Iterator[NDArray[np.float32]]:
    """For each of the prepared images, in order, (size, size): above 0 what speaks for tumor, below against.

    The largest value is 1, or, where nothing speaks for tumor, the lowest is -1. Of a card with several looks
    all maps are added up, as the log odds are: by pixel, so that a place of a smaller picture, which
    stands for more of it, counts as much as it contributes.
    """
    check_size(images, classifier.card)
    looks = classifier.card.looks
    for batches in zip(*(_attribute(classifier, images, look) for look in looks), strict=True):
        if len(looks) == 1:
            sized = _enlarge(classifier, _scale(batches[0]), looks[0], images.shape[-1])
        else:
            parts = (
                look.size**2 * _enlarge(classifier, maps, look, images.shape[-1])
                for look, maps in zip(looks, batches, strict=True)
            )
            sized = _scale(torch.stack(list(parts)).sum(0))
        yield from sized[:, 0].cpu().numpy()


def _attribute(classifier: Classifier, images: NDArray[np.uint8], look: Look) -> Iterator[torch.Tensor]:
    """Smoothed maps of batch after batch, (n, 1, places, places), at one of the classifier's looks."""
    card = classifier.card
    targets = torch.zeros(len(images), dtype=torch.int64)
    dataset = ArrayDataset(to_tensor(mirror_for(in_memory(images), look)), targets, split_idx=1)
    loader = make_loader(dataset, EpochPlan(_BATCH, passes=1), read_normalization(card), look.size)
    network = classifier.network.to(loader.device)
    attribution = LayerGradientXActivation(_LogOdds(network), first_stage(network, card.architecture))
    for batch, _ in loader:
        maps = attribution.attribute(batch).detach().float().sum(1, keepdim=True)
        width = 2 * min(int(3 * _SMOOTH), maps.shape[-1] - 1) + 1
        yield gaussian_blur(maps, [width, width], [_SMOOTH, _SMOOTH])


def _enlarge(classifier: Classifier, maps: torch.Tensor, look: Look, prepared: int) -> torch.Tensor:
    """Maps of a look at a picture, the way round and at the size that it was prepared at."""
    first = 3 if classifier.card.architecture is Architecture.SQUEEZENET1_1 else 0
    large = enlarge(maps, look.size, _STRIDE, first)
    sized = interpolate(large, (prepared, prepared), mode="bilinear", align_corners=False)
    return sized.flip(-1) if look.mirrored else sized


def randomize(classifier: Classifier) -> Classifier:
    """The same network with weights that learnt nothing, as a check (Adebayo et al. 2018, arXiv 1810.03292).

    They are those that a training of its seed begins with, where it begins with random ones.
    """
    card = classifier.card
    torch.manual_seed(card.training["recipe"]["seed"])
    network = build_network(card.architecture, card.dropout, card.pooling)
    return Classifier(network.eval().to(memory_format=torch.channels_last), card)


def find_hottest(heat: NDArray[np.float32]) -> tuple[int, int]:
    """Row and column of the largest value of a map, wherever it lies.

    Of several, the middle one in reading order: a map's edge repeats its last place.
    """
    rows, columns = np.nonzero(heat == heat.max())
    middle = len(rows) // 2
    return int(rows[middle]), int(columns[middle])


def enlarge(maps: torch.Tensor, size: int, stride: int, first: int = 0) -> torch.Tensor:
    """(n, 1, places, places) -> (n, 1, size, size), bilinear.

    Place i is centered on pixel `first` + `stride` i, by the padding of the convolutions: not in the middle
    of the pixels that the usual enlarging takes it for.
    """
    places = (torch.arange(size, device=maps.device) - first) / stride
    at = 2 * places / max(1, maps.shape[-1] - 1) - 1
    down, across = torch.meshgrid(at, at, indexing="ij")
    grid = torch.stack([across, down], dim=-1).expand(len(maps), -1, -1, -1)
    return grid_sample(maps, grid.to(maps.dtype), padding_mode="border", align_corners=True)


def _scale(maps: torch.Tensor) -> torch.Tensor:
    """Each map by its largest value, or, where none is above 0, by its lowest; one of zeros stays."""
    highest, lowest = maps.amax((1, 2, 3), keepdim=True), maps.amin((1, 2, 3), keepdim=True)
    # Smoothing leaves specks above 0 by rounding.
    scale = torch.where(highest > -_SPECK * lowest, highest, -lowest)
    return maps / torch.where(scale > 0, scale, torch.ones_like(scale))
