"""The U-Net has the classifier's body and gives a map of the image's size."""

import pytest
import torch
import torchvision

from brainmri.errors import BadInput
from brainmri.learning.backbones import build_network, load_named, name_weights, start_from
from brainmri.learning.catalogue import Architecture
from brainmri.learning.recipe import Pooling
from brainmri.learning.unet import SelfAttention, build_unet
from brainmri.learning.weights import StartWeights

RESNETS = [arch for arch in Architecture if arch.value.startswith("resnet")]


@pytest.mark.parametrize("arch", RESNETS)
def test_a_map_has_the_size_of_its_image(arch: Architecture) -> None:
    network = build_unet(arch, attention=False).eval()
    with torch.inference_mode():
        assert (2, 1, 96, 96) == network(torch.zeros(2, 3, 96, 96)).shape


def test_any_size_will_do() -> None:
    network = build_unet(Architecture.RESNET18, attention=False).eval()
    with torch.inference_mode():
        assert (1, 1, 75, 75) == network(torch.zeros(1, 3, 75, 75)).shape


def test_the_body_is_the_classifier_s_by_name_and_by_shape() -> None:
    arch = Architecture.RESNET34
    unet, classifier = build_unet(arch, attention=False), build_network(arch, 0.1, Pooling.CONCAT)
    bodies = [
        {
            name: value.shape
            for name, value in name_weights(network, arch, network.state_dict()).items()
            if not name.startswith("head.")
        }
        for network in (unet, classifier)
    ]
    assert bodies[0] == bodies[1]
    theirs = torchvision.models.resnet34(weights=None).state_dict()
    assert set(bodies[0]) == {name for name in theirs if not name.startswith("fc.")}


def test_given_weights_reach_the_body() -> None:
    arch = Architecture.RESNET18
    state = torchvision.models.resnet18(weights=None).state_dict()
    network = build_unet(arch, attention=False)
    start_from(network, arch, StartWeights(state, "given", "0" * 64))
    assert torch.equal(state["layer4.1.conv2.weight"], network.state_dict()["0.7.1.conv2.weight"])


def test_names_lead_back_to_the_same_network() -> None:
    arch = Architecture.RESNET18
    first, second = (build_unet(arch, attention=True).eval() for _ in range(2))
    load_named(second, arch, name_weights(first, arch, first.state_dict()))
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(first(image), second(image))


def test_attention_adds_nothing_at_first_and_looks_at_every_place() -> None:
    torch.manual_seed(0)
    layer = SelfAttention(16)
    maps = torch.rand(1, 16, 3, 3)
    assert torch.equal(maps, layer(maps))
    torch.nn.init.ones_(layer.share)
    changed = maps.clone()
    changed[0, :, 2, 2] += 1
    assert not torch.allclose(layer(maps)[0, :, 0, 0], layer(changed)[0, :, 0, 0])


def test_what_is_no_resnet_is_refused() -> None:
    with pytest.raises(BadInput, match="arch: expected a ResNet for segmentation, came squeezenet1_1"):
        build_unet(Architecture.SQUEEZENET1_1, attention=False)
