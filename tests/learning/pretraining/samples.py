"""A tiny section `pretrain`, and phantoms as plain as can be."""

from typing import Any

import torch
from torch.nn.functional import avg_pool2d

from brainmri.learning.catalogue import Architecture
from brainmri.learning.pretraining.settings import PretrainParams, PretrainSection
from brainmri.params import load_yaml
from brainmri.phantom.wide.batch import PhantomBatch
from tests.house.closure import ROOT

_TINY: dict[str, Any] = {
    "batch_size": 4,
    "together": 2,
    "sizes": [{"size": 64, "share": 0.75}, {"size": 80, "share": 0.25}],
    "second_size": "none",
    "statistics": 8,
    "log_every": 4,
    "precision": "fp32",
    "threads": 1,
}
_WATCH = {"pictures": 8, "times": 2}
_UNSEEN = {"familiar": 6, "valid": 8, "test": 10, "outliers": 24}


def make_section(**changes: Any) -> dict[str, Any]:
    """The committed section, made tiny, with changes; those of its parts by their own names."""
    section = load_yaml((ROOT / "params.yaml").read_text())["pretrain"]
    section["rule"] |= {"size": changes.pop("size", 64)}
    section["watch"] |= {"size": section["rule"]["size"]} | _WATCH
    section["watch"] |= {key: changes.pop(key) for key in _WATCH if key in changes}
    section["unseen"] |= _UNSEEN | {key: changes.pop(key) for key in _UNSEEN if key in changes}
    section["budget"] = {"resnet18": changes.pop("budget", 16)}
    return section | _TINY | changes


def make_params(**changes: Any) -> PretrainParams:
    """The same, checked."""
    return PretrainSection.model_validate(make_section(**changes)).of(Architecture.RESNET18)


class SpotGenerator:
    """Draws spots in the place of phantoms; every fourth picture's can't be seen."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int, int, int]] = []

    def render(self, seed: int, index: int, count: int, size: int) -> PhantomBatch:
        """As `PhantomGenerator`."""
        self.asked.append((seed, index, count, size))
        random = torch.Generator().manual_seed(1000 * seed + index)
        axis = (torch.arange(size) + 0.5) / size - 0.5
        head = ((axis**2 + axis[:, None] ** 2) < 0.2).float()
        number = torch.arange(count)
        tumor, clear = number % 2 == 1, number % 4 != 3
        row, column = (torch.rand(count, 1, 1, generator=random) * 0.4 - 0.2 for _ in range(2))
        spot = ((axis - column) ** 2 + (axis[:, None] - row) ** 2 < 0.01).float() * tumor.view(-1, 1, 1)
        pixels = 0.3 * head + 0.6 * spot * clear.view(-1, 1, 1)
        pixels = pixels + 0.1 * torch.rand(count, size, size, generator=random)
        maps = torch.stack([spot, head - spot * head, 0.5 * head.expand_as(spot), spot * 0], dim=1)
        return PhantomBatch(
            images=(pixels * 255).round().to(torch.uint8)[:, None],
            tumor=tumor,
            clear=clear,
            maps=avg_pool2d(maps, 8),
            kind=tumor * (1 + number % 3),
            area=spot.mean((1, 2)),
        )
