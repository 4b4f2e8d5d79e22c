"""The classifier with heads that draw maps, and what pretraining minimizes."""

from typing import NamedTuple

import torch
from torch import nn
from torch.nn.functional import avg_pool2d, binary_cross_entropy_with_logits, cross_entropy

from brainmri.learning.backbones import build_network
from brainmri.learning.batches import standardize
from brainmri.learning.catalogue import Architecture
from brainmri.learning.pretraining.settings import PretrainParams
from brainmri.learning.recipe import Pooling
from brainmri.phantom.wide.batch import PhantomBatch

# Of tumor, fluid, gray and white matter.
MAPS = 4
# In fastai's body: torchvision's layer2 and layer3, an eighth and a sixteenth of the picture's side.
_MAPPED = (5, 6)


class Outputs(NamedTuple):
    """Logits (n, 2), and of the maps (n, 4, rows, columns) at an eighth and at a sixteenth of the side."""

    logits: torch.Tensor
    eighth: torch.Tensor
    sixteenth: torch.Tensor


class MappingNetwork(nn.Module):
    """A classifier whose second and third stage are made to tell tissues and tumor place by place.

    The heads that do so are 1 × 1 convolutions, and left out of what is kept.
    """

    def __init__(self, arch: Architecture, dropout: float) -> None:
        """Random weights, of a ResNet."""
        super().__init__()
        self.classifier = build_network(arch, dropout, Pooling.CONCAT)
        self.heads = nn.ModuleList(
            nn.Conv2d(_count_channels(self.classifier[0][place]), MAPS, 1)  # type: ignore[index]
            for place in _MAPPED
        )

    def forward(self, images: torch.Tensor) -> Outputs:
        """(n, 3, size, size)."""
        features, kept = images, []
        for number, part in enumerate(self.classifier[0]):  # type: ignore[index]
            features = part(features)
            if number in _MAPPED:
                kept.append(features)
        maps = [head(feature) for head, feature in zip(self.heads, kept, strict=True)]
        return Outputs(self.classifier[1](features), *maps)  # type: ignore[index]


class Objective:
    """What is minimized: cross-entropy of tumor or none, and of the maps at two scales."""

    def __init__(self, params: PretrainParams, device: torch.device) -> None:
        """A pixel of tumor counts `tumor_weight` times, against the many without."""
        self._map_weight = params.map_weight
        weights = torch.tensor([params.tumor_weight, *[1.0] * (MAPS - 1)])
        self._weights = weights.view(1, MAPS, 1, 1).to(device)

    def measure(self, outputs: Outputs, batch: PhantomBatch) -> torch.Tensor:
        """The losses (3,), of the classes and of the larger and smaller maps; by pictures that are clear."""
        clear = batch.clear.float()
        share = clear / clear.sum().clamp(min=1)
        classes = cross_entropy(outputs.logits.float(), batch.tumor.long(), reduction="none")
        eighth = self._compare(outputs.eighth, batch.maps)
        sixteenth = self._compare(outputs.sixteenth, avg_pool2d(batch.maps, 2))
        return torch.stack([(losses * share).sum() for losses in (classes, eighth, sixteenth)])

    def add_up(self, losses: torch.Tensor) -> torch.Tensor:
        """The sum that is minimized."""
        return losses[0] + self._map_weight * (losses[1] + losses[2])

    def _compare(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """(n,): a picture's mean over places and maps."""
        losses = binary_cross_entropy_with_logits(
            logits.float(), targets, pos_weight=self._weights, reduction="none"
        )
        return losses.mean((1, 2, 3))


def to_input(images: torch.Tensor) -> torch.Tensor:
    """uint8 (n, 1, size, size) -> (n, 3, size, size), each picture of mean 0 and deviation 1."""
    pixels = standardize(images.float() / 255)
    return pixels.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


def _count_channels(stage: nn.Module) -> int:
    """How many channels come out of a stage of a ResNet."""
    return int([part for part in stage.modules() if isinstance(part, nn.BatchNorm2d)][-1].num_features)
