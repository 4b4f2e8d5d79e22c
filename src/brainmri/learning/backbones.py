"""fastai's classifier on torchvision's networks: built, and its weights named as torchvision names them."""

from typing import Any, Final

import torch
import torchvision
from fastai.vision.learner import create_vision_model, model_meta
from torch import nn

from brainmri.learning.catalogue import Architecture
from brainmri.learning.recipe import Pooling
from brainmri.learning.weights import StartWeights, State, check_body

CLASSES = 2
# What comes before the names of what is no part of the body.
HEAD: Final = "head."


def constructor(arch: Architecture) -> Any:
    """torchvision's function that builds `arch`; fastai knows each by it."""
    return getattr(torchvision.models, arch.value)


def build_network(arch: Architecture, dropout: float, pooling: Pooling) -> nn.Module:
    """The network of `vision_learner`, with random weights: (n, 3, size, size) -> (n, 2) logits."""
    network: nn.Module = create_vision_model(constructor(arch), CLASSES, pretrained=False, ps=dropout)
    set_pooling(network, pooling)
    return network


def set_pooling(network: nn.Module, pooling: Pooling) -> None:
    """Puts `pooling` in the place of fastai's mean and maximum, at the beginning of the head."""
    if pooling is Pooling.ATTENTION:
        head = network[1]  # type: ignore[index]
        head[0] = AttentionPooling(head[2].num_features // 2)


class AttentionPooling(nn.Module):
    """The mean over all places, each weighted by what it shows, beside the maximum.

    The weights are a softmax over places of a linear score of their features (attention pooling as of
    Ilse et al. 2018, arXiv 1802.04712, in its simplest form).
    """

    def __init__(self, features: int) -> None:
        """`features` is the number of channels that come in; twice as many go out."""
        super().__init__()
        self.score = nn.Conv2d(features, 1, 1)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """(n, features, rows, columns) -> (n, 2 * features, 1, 1)."""
        weights = self.score(maps).flatten(2).softmax(dim=-1)
        attended = (maps.flatten(2) * weights).sum(dim=-1)
        return torch.cat([attended, maps.amax((2, 3))], dim=1)[..., None, None]


def split_layers(arch: Architecture) -> Any:
    """fastai's function that splits a network's parameters into groups, of which the last is never frozen."""
    return model_meta[constructor(arch)]["split"]


def start_from(network: nn.Module, arch: Architecture, start: StartWeights) -> None:
    """Loads `start` into the network's body; the head stays as it is."""
    named = _body_names(network, arch)
    own = network.state_dict()
    state = check_body(start.state, {named[key]: own[key] for key in named}, start.name)
    network.load_state_dict({key: state[named[key]] for key in named}, strict=False)


def has_head(network: nn.Module, arch: Architecture, state: State) -> bool:
    """Whether `state` holds all of the network's head, in its shapes: a decoder has another."""
    named, own = _all_names(network, arch), network.state_dict()
    head = {name: own[key].shape for key, name in named.items() if name.startswith(HEAD)}
    return all(name in state and state[name].shape == shape for name, shape in head.items())


def name_weights(network: nn.Module, arch: Architecture, state: State) -> State:
    """A state_dict of `network` by other names: the body by torchvision's, the head below `head.`."""
    named = _all_names(network, arch)
    return {named[key]: value for key, value in state.items()}


def load_named(network: nn.Module, arch: Architecture, state: State) -> None:
    """The inverse of `name_weights`; KeyError for a missing name, RuntimeError for another shape."""
    network.load_state_dict({key: state[name] for key, name in _all_names(network, arch).items()})


def _all_names(network: nn.Module, arch: Architecture) -> dict[str, str]:
    heads = {key: f"{HEAD}{key[2:]}" for key in network.state_dict() if key.startswith("1.")}
    return _body_names(network, arch) | heads


def _body_names(network: nn.Module, arch: Architecture) -> dict[str, str]:
    """fastai numbers the children of a network: `0.4.1.conv1.weight` is `layer1.1.conv1.weight`."""
    children = [name for name, _ in constructor(arch)(weights=None).named_children()]
    names = {}
    for key in network.state_dict():
        part, number, *rest = key.split(".")
        if part == "0":
            names[key] = ".".join([children[int(number)], *rest])
    return names
