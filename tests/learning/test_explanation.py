"""Heat maps lie where the evidence is, for every kind of network, and say so of a known answer."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from brainmri.learning import explanation
from brainmri.learning.backbones import build_network
from brainmri.learning.catalogue import Architecture
from brainmri.learning.explanation import explain, find_hottest, randomize
from brainmri.learning.prediction import Classifier, read_normalization, run_network
from brainmri.learning.recipe import Pooling
from tests.learning.cards import make_card

SPOT = (40, 20)


class _Seer(nn.Module):
    """A body whose first stage copies brightness at a quarter of the size, and a head that adds it up."""

    def __init__(self, sign: float) -> None:
        super().__init__()
        self.sign = sign
        copy = nn.Conv2d(3, 1, 1, stride=4, bias=False)
        nn.init.ones_(copy.weight)
        self.body = nn.Sequential(*(nn.Identity() for _ in range(4)), copy)

    def __getitem__(self, place: int) -> nn.Module:
        return self.body if place == 0 else nn.Identity()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        bright = self.body(images).relu().sum((1, 2, 3))
        return torch.stack([-self.sign * bright, self.sign * bright], dim=1)


def _spots() -> np.ndarray:
    images = np.full((3, 64, 64), 20, np.uint8)
    images[1, SPOT[0] - 4 : SPOT[0] + 5, SPOT[1] - 4 : SPOT[1] + 5] = 250
    images[2, :9, :9] = 250
    return images


def test_the_hottest_point_is_on_what_the_network_adds_up() -> None:
    classifier = Classifier(_Seer(1.0), make_card(Architecture.RESNET18, 64))
    maps = list(explain(classifier, _spots()))
    assert 3 == len(maps)
    assert (64, 64) == maps[1].shape
    assert 1 == pytest.approx(maps[1].max())
    assert np.abs(np.subtract(find_hottest(maps[1]), SPOT)).max() <= 2
    assert np.abs(np.subtract(find_hottest(maps[2]), (4, 4))).max() <= 4


def test_what_speaks_against_is_below_0() -> None:
    classifier = Classifier(_Seer(-1.0), make_card(Architecture.RESNET18, 64))
    against = list(explain(classifier, _spots()))[1]
    assert against.max() <= 1e-5
    assert -1 == pytest.approx(against.min())
    assert np.abs(np.subtract(find_hottest(-against), SPOT)).max() <= 2


@pytest.mark.parametrize(
    ("arch", "pooling", "size"),
    [
        (Architecture.RESNET18, Pooling.ATTENTION, 48),
        (Architecture.RESNET50, Pooling.CONCAT, 64),
        (Architecture.SQUEEZENET1_1, Pooling.CONCAT, 64),
    ],
)
def test_every_network_has_maps_of_the_prepared_size_and_keeps_its_weights(
    arch: Architecture, pooling: Pooling, size: int
) -> None:
    card = make_card(arch, 64).model_copy(update={"network_size": size, "pooling": pooling})
    classifier = randomize(Classifier(build_network(arch, 0.1, pooling), card))
    before = {name: value.clone() for name, value in classifier.network.state_dict().items()}
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 64), dtype=np.uint8)
    maps = np.stack(list(explain(classifier, images)))
    assert (2, 64, 64) == maps.shape
    assert np.isfinite(maps).all()
    assert all(torch.equal(value, before[name]) for name, value in classifier.network.state_dict().items())
    assert np.array_equal(maps, np.stack(list(explain(classifier, images))))


def test_of_two_sizes_the_maps_are_added_up_as_the_log_odds_are() -> None:
    one = make_card(Architecture.RESNET18, 64)
    cards = [one.model_copy(update={"second_size": more}) for more in (None, 64, 32)]
    alone, twice, both = (np.stack(list(explain(Classifier(_Seer(1.0), card), _spots()))) for card in cards)
    assert alone == pytest.approx(twice, abs=1e-5)
    assert np.array([0.0, 1.0, 1.0]) == pytest.approx(both.max((1, 2)))
    assert np.abs(np.subtract(find_hottest(both[1]), SPOT)).max() <= 3
    assert np.abs(both - alone).max() > 0.01


def test_a_mirrored_look_adds_its_map_the_right_way_round() -> None:
    one = make_card(Architecture.RESNET18, 64)
    cards = [one.model_copy(update={"flips": flips}) for flips in (False, True)]
    alone, twice = (np.stack(list(explain(Classifier(_Seer(1.0), card), _spots()))) for card in cards)
    assert np.abs(np.subtract(find_hottest(twice[1]), SPOT)).max() <= 3
    mirrored = np.ascontiguousarray(_spots()[..., ::-1])
    other = np.stack(list(explain(Classifier(_Seer(1.0), cards[1]), mirrored)))
    assert other[..., ::-1] == pytest.approx(twice, abs=1e-5)
    assert np.abs(twice - alone).max() > 0.01


def test_each_size_counts_in_a_map_as_much_as_in_the_log_odds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explanation, "_scale", lambda maps: maps)
    monkeypatch.setattr(explanation, "_SMOOTH", 0.5)
    spot = np.full((1, 64, 64), 20, np.uint8)
    spot[0, 24:40, 24:40] = 250
    card = make_card(Architecture.RESNET18, 64).model_copy(update={"second_size": 32})
    network, normalization = _Seer(1.0), read_normalization(card)
    whole = sum(float(run_network(network, spot, normalization, size)[0]) for size in (64, 32))
    both = next(explain(Classifier(network, card), spot))
    # A place is 16 pixels of 64 x 64.
    assert 64 * 64 * 16 * whole == pytest.approx(float(both.sum()), rel=0.1)


def test_random_weights_are_the_same_every_time_and_others_for_another_seed() -> None:
    card = make_card(Architecture.RESNET18, 64)
    classifier = Classifier(build_network(Architecture.RESNET18, 0.1, Pooling.CONCAT), card)
    first, second = randomize(classifier).network.state_dict(), randomize(classifier).network.state_dict()
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    other = replace(classifier, card=card.model_copy(update={"training": {"recipe": {"seed": 1}}}))
    third = randomize(other).network.state_dict()
    assert not all(torch.equal(value, third[name]) for name, value in first.items())


def test_of_several_largest_places_the_middle_one_counts() -> None:
    heat = np.zeros((4, 4), np.float32)
    heat[1, 1:4] = 1
    assert (1, 2) == find_hottest(heat)
