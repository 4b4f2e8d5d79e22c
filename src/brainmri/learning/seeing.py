"""A classifier and prepared images -> what it says of them and what its stages see in them."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from brainmri.learning.catalogue import Architecture
from brainmri.learning.model_folder import WEIGHTS
from brainmri.learning.prediction import Classifier, predict_logits, read_classifier
from brainmri.replacement import replacing_file

# Where the first stage ends in fastai's body, by the beginning of torchvision's name.
_FIRST_STAGE = {"resnet": (4,), "squeezenet1_1": (0, 4)}
# Of a ResNet from phantoms, whose first stage has seen so much that little is new to it, the stages after it.
_MORE_STAGES = (5, 6)


@dataclass(frozen=True)
class Seen:
    """Of each image: log odds of tumor before calibration (n,), and features (n, channels), float32.

    A feature is a channel of the first stage, its mean over the image; of a network that has seen phantoms
    alone it is one of the first three.
    """

    logits: NDArray[np.float64]
    features: NDArray[np.float32]


def see_images(classifier: Classifier, images: NDArray[np.uint8]) -> Seen:
    """uint8 (n, size, size) or (n, channels, size, size); no image is enough of none."""
    stages = list_stages(classifier)
    means: list[list[torch.Tensor]] = [[] for _ in stages]

    def keep(kept: list[torch.Tensor], _module: nn.Module, _inputs: object, maps: torch.Tensor) -> None:
        kept.append(average_places(maps).cpu())

    handles = [
        stage.register_forward_hook(partial(keep, kept)) for stage, kept in zip(stages, means, strict=True)
    ]
    try:
        logits = predict_logits(classifier, in_memory(images))
    finally:
        for handle in handles:
            handle.remove()
    features = torch.cat([torch.cat(kept) for kept in means], dim=1).numpy()
    # Of several looks, what was seen at the first.
    return Seen(logits, features[: len(logits)])


def in_memory(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The images, copied from a mapped file: torch warns of memory that it must not write to."""
    return images if images.flags.writeable else np.array(images)


def write_features(path: Path, model: Path, images: NDArray[np.uint8]) -> None:
    """Writes the features of all images, in their order, as float32 (images, channels)."""
    seen = see_images(read_classifier(model, WEIGHTS), images)
    with replacing_file(path) as aside, aside.open("wb") as file:
        np.save(file, seen.features)


def list_stages(classifier: Classifier) -> list[nn.Module]:
    """The modules whose maps are features: the first stage, of a network that saw phantoms alone two more."""
    network, card = classifier.network, classifier.card
    more = _MORE_STAGES if card.from_phantoms else ()
    return [first_stage(network, card.architecture), *(network[0][place] for place in more)]  # type: ignore[index]


def first_stage(network: nn.Module, arch: Architecture) -> nn.Module:
    """The module of a classifier whose maps are the first at a quarter of the size, after whole blocks."""
    module: nn.Module = network[0]  # type: ignore[index]
    for place in next(places for name, places in _FIRST_STAGE.items() if arch.value.startswith(name)):
        module = module[place]  # type: ignore[index]
    return module


def average_places(maps: torch.Tensor) -> torch.Tensor:
    """(n, channels, rows, columns) -> (n, channels), float32."""
    return maps.float().mean((2, 3))
