"""The network that draws maps while it learns, and what it minimizes."""

from dataclasses import replace

import pytest
import torch
from torch.nn.functional import cross_entropy

from brainmri.learning.catalogue import Architecture
from brainmri.learning.pretraining.network import MappingNetwork, Objective, Outputs, to_input
from tests.learning.pretraining.samples import SpotGenerator, make_params

BATCH = SpotGenerator().render(1, 0, 4, 64)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def network() -> MappingNetwork:
    torch.manual_seed(0)
    return MappingNetwork(Architecture.RESNET18, 0.1).eval()


def test_maps_are_an_eighth_and_a_sixteenth_of_the_side(network: MappingNetwork) -> None:
    outputs = network(to_input(BATCH.images))
    assert [(4, 2), (4, 4, 8, 8), (4, 4, 4, 4)] == [tuple(output.shape) for output in outputs]


def test_the_logits_are_those_of_the_classifier_alone(network: MappingNetwork) -> None:
    pixels = to_input(BATCH.images)
    assert torch.equal(network.classifier(pixels), network(pixels).logits)


def test_a_picture_comes_as_three_equal_channels_of_mean_0_and_deviation_1() -> None:
    pixels = to_input(BATCH.images)
    assert torch.equal(pixels[:, 0], pixels[:, 2])
    assert torch.allclose(torch.zeros(4), pixels[:, 0].mean((1, 2)), atol=1e-5)
    assert ((0.85 < pixels[:, 0].std((1, 2))) & (pixels[:, 0].std((1, 2)) < 1)).all()


def _guess() -> Outputs:
    torch.manual_seed(1)
    return Outputs(torch.randn(4, 2), torch.randn(4, 4, 8, 8), torch.randn(4, 4, 4, 4))


def test_what_can_not_be_seen_changes_no_loss() -> None:
    assert [True, True, True, False] == BATCH.clear.tolist()
    objective, guess = Objective(make_params(), CPU), _guess()
    other = replace(BATCH, tumor=BATCH.tumor ^ ~BATCH.clear, maps=BATCH.maps * BATCH.clear.view(-1, 1, 1, 1))
    losses = objective.measure(guess, BATCH)
    assert torch.equal(losses, objective.measure(guess, other))
    assert losses[0] == pytest.approx(float(cross_entropy(guess.logits[:3], BATCH.tumor[:3].long())))


def test_without_any_clear_picture_the_losses_are_0() -> None:
    nothing = replace(BATCH, clear=torch.zeros(4, dtype=torch.bool))
    assert [0.0, 0.0, 0.0] == Objective(make_params(), CPU).measure(_guess(), nothing).tolist()


def test_a_place_of_tumor_counts_as_often_as_is_said() -> None:
    nothing = Outputs(torch.zeros(4, 2), torch.zeros(4, 4, 8, 8), torch.zeros(4, 4, 4, 4))
    whole = replace(BATCH, maps=torch.ones(4, 4, 8, 8))
    losses = Objective(make_params(tumor_weight=3.0), CPU).measure(nothing, whole)
    # ln 2 at every place of four maps, of which one counts three times.
    assert losses[1:].tolist() == pytest.approx([1.5 * 0.693147] * 2)


def test_without_weight_the_maps_are_left_out_of_the_sum() -> None:
    losses = torch.tensor([1.0, 10.0, 100.0])
    assert 1.0 == Objective(make_params(map_weight=0.0), CPU).add_up(losses)
    assert 56.0 == Objective(make_params(map_weight=0.5), CPU).add_up(losses)
