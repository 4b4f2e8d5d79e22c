"""Weights as the project ships them, of networks that learnt nothing."""

from pathlib import Path

import torch

from brainmri.learning.backbones import build_network, name_weights
from brainmri.learning.cards import ChannelStatistics
from brainmri.learning.catalogue import Architecture
from brainmri.learning.model_folder import WEIGHTS, write_model
from brainmri.learning.recipe import Pooling
from brainmri.learning.shipped import PHANTOMS, SUMS
from brainmri.learning.storage import halve
from brainmri.scans.files import hash_file
from tests.learning.cards import make_card

IMAGE = ChannelStatistics(mean={}, std={})


def ship(
    weights: Path,
    arch: Architecture,
    normalization: ChannelStatistics = IMAGE,
    second_size: int | None = None,
) -> None:
    """A random network's classifier/ below `weights`, in float16, and its lines in the list beside it."""
    torch.manual_seed(3)
    card = make_card(arch, 32)
    training = card.training | {"data": PHANTOMS}
    changes = {"normalization": normalization, "training": training, "second_size": second_size}
    card = card.model_copy(update=changes)
    network = build_network(arch, card.dropout, Pooling.CONCAT)
    folder = weights / arch / "classifier"
    write_model(folder, card, {WEIGHTS: halve(name_weights(network, arch, network.state_dict()))})
    list_weights(weights)


def list_weights(weights: Path) -> None:
    """What `make weights` does."""
    patterns = ("*/classifier/*", "*/novelty/*", "*/operating_point.json")
    files = sorted(path for pattern in patterns for path in weights.glob(pattern))
    lines = [f"{hash_file(path)}  {path.relative_to(weights).as_posix()}\n" for path in files]
    (weights / SUMS).write_text("".join(lines))
