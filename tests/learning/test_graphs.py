"""Passes are captured anew for each size of images; capturing leaves nothing behind but the graphs."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from brainmri.learning import graphs
from brainmri.learning.classification import select_classes
from brainmri.learning.graphs import CapturedPasses, capture
from brainmri.learning.recipe import EpochPlan, Precision
from brainmri.learning.training import build_training
from tests.learning.samples import make_recipe, make_set

DATA, MANIFEST = make_set(size=64)


class _Recorder:
    """In the place of `make_graphed_callables`, which needs a GPU: runs and replaces as that does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shapes: list[tuple[int, ...]] = []
        self.training: list[bool] = []
        monkeypatch.setattr(graphs.torch.cuda, "make_graphed_callables", self.replace)
        monkeypatch.setattr(graphs.torch.cuda, "get_rng_state", torch.get_rng_state)
        monkeypatch.setattr(graphs.torch.cuda, "set_rng_state", torch.set_rng_state)

    def replace(self, network: nn.Module, arguments: tuple[torch.Tensor, ...]) -> None:
        assert "forward" not in vars(network)
        self.shapes.append(tuple(arguments[0].shape))
        network(*arguments)
        network.forward = self._watch(network, network.forward)  # type: ignore[method-assign]

    def _watch(self, network: nn.Module, forward: Callable[..., Any]) -> Callable[..., Any]:
        def replay(*arguments: torch.Tensor) -> Any:
            self.training.append(network.training)
            return forward(*arguments)

        return replay


def test_each_size_is_captured_once_and_the_network_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = _Recorder(monkeypatch)
    recipe = make_recipe(progressive={"share": 0.5, "size": 32}, batch_size=8)
    learner = build_training(select_classes(DATA, MANIFEST), recipe, EpochPlan(8, passes=1)).learner
    learner.add_cb(CapturedPasses(Precision.FP32))
    learner.fit(4, 1e-3)
    assert [(8, 3, 32, 32), (8, 3, 64, 64)] == recorder.shapes
    assert len(learner.dls.train) * 4 == len(recorder.training)
    assert all(recorder.training)
    assert "forward" not in vars(learner.model)


def test_capturing_undoes_what_it_drew_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    _Recorder(monkeypatch)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5))
    images, buffers = torch.rand(2, 3, 8, 8), [buffer.clone() for buffer in network.buffers()]
    generator = torch.get_rng_state()
    capture(network, images, Precision.FP32)
    assert torch.equal(generator, torch.get_rng_state())
    assert all(torch.equal(*pair) for pair in zip(buffers, network.buffers(), strict=True))
