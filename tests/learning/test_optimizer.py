"""The fused step is the step of fastai's Adam with its gradient clipping."""

from functools import partial
from typing import Any

import pytest
import torch
from fastai.optimizer import Adam
from torch import nn
from torch.nn.utils import clip_grad_norm_

from brainmri.learning.optimizer import FusedAdam

HYPERS = {"lr": [0.02, 0.01], "mom": [0.9, 0.8], "wd": [0.1, 0.1]}


def _make(optimizer: Any) -> tuple[nn.Sequential, Any]:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.Conv2d(8, 4, 1), nn.Conv2d(4, 2, 3)
    )
    network.to(memory_format=torch.channels_last)
    groups = [list(network[:2].parameters()), list(network[2:].parameters())]
    made = optimizer(groups, lr=0.0)
    made.set_hypers(**HYPERS)
    for parameter in network[1].parameters():
        made.state[parameter]["do_wd"] = False
    return network, made


def _backward(network: nn.Sequential, step: int, loud: float) -> None:
    generator = torch.Generator().manual_seed(step)
    images = torch.randn(4, 3, 9, 9, generator=generator).contiguous(memory_format=torch.channels_last)
    (loud * network(images).square().mean()).backward()


@pytest.mark.parametrize("loud", [1e-3, 1e3], ids=["unclipped", "clipped"])
def test_steps_are_those_of_fastai_s_adam_after_clipping(loud: float) -> None:
    own, own_optimizer = _make(partial(FusedAdam, clip_norm=0.5))
    other, other_optimizer = _make(Adam)
    for step in range(5):
        _backward(own, step, loud)
        own_optimizer.step()
        own_optimizer.zero_grad()
        _backward(other, step, loud)
        norm = clip_grad_norm_(other.parameters(), 0.5)
        assert (norm > 0.5) == (loud > 1)
        other_optimizer.step()
        other_optimizer.zero_grad()
        for mine, expected in zip(own.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(mine, expected, rtol=2e-4, atol=2e-6)


def test_what_is_frozen_or_has_no_gradient_stays() -> None:
    network, optimizer = _make(partial(FusedAdam, clip_norm=1.0))
    optimizer.freeze_to(1)
    before = [parameter.clone() for parameter in network.parameters()]
    _backward(network, 0, 1.0)
    optimizer.step()
    moved = [not torch.equal(*pair) for pair in zip(before, network.parameters(), strict=True)]
    assert [False] * 3 + [True] * 4 == moved


def test_gradients_are_gone_after_a_step() -> None:
    network, optimizer = _make(partial(FusedAdam, clip_norm=1.0))
    _backward(network, 0, 1.0)
    optimizer.step()
    optimizer.zero_grad()
    assert all(parameter.grad is None for parameter in network.parameters())
