"""The first epochs, and the search for a learning rate, see smaller images; validation never does."""

from pathlib import Path

import pytest
import torch
from fastai.callback.core import Callback
from fastai.torch_core import TensorImage

from brainmri.learning.batches import ShrinkImages
from brainmri.learning.classification import select_classes
from brainmri.learning.fitting import Schedule, train_network
from brainmri.learning.recipe import EpochPlan
from brainmri.learning.resizing import EarlyStopping
from brainmri.learning.training import build_training
from tests.learning.samples import SMALL, make_recipe, make_set

DATA, MANIFEST = make_set(size=64)


class _Spy(Callback):  # type: ignore[misc]
    """Notes the side of each batch, by kind and epoch."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int, int]] = []

    def after_pred(self) -> None:
        self.seen.append(("train" if self.training else "valid", self.epoch, self.xb[0].shape[-1]))


def _spy(share: float, size: int) -> tuple[_Spy, object]:
    recipe = make_recipe(progressive={"share": share, "size": size}, batch_size=16, **SMALL)
    learner = build_training(select_classes(DATA, MANIFEST), recipe, EpochPlan(16, passes=1)).learner
    learner.add_cb(spy := _Spy())
    return spy, learner


@pytest.mark.parametrize(
    ("share", "size", "sides"),
    [
        (0.5, 32, [32, 32, 64, 64]),
        (0.0, 32, [64] * 4),
        (1.0, 40, [40] * 4),
        (0.6, 32, [32, 32, 64, 64]),
        (0.5, 128, [64] * 4),
    ],
)
def test_the_first_epochs_train_on_smaller_images(share: float, size: int, sides: list[int]) -> None:
    spy, learner = _spy(share, size)
    learner.fit(4, 1e-3)
    assert sides == [side for kind, _, side in spy.seen if kind == "train"]
    assert {64} == {side for kind, _, side in spy.seen if kind == "valid"}


@pytest.mark.parametrize("epochs", [1, 2, 3, 5])
def test_the_last_epoch_is_as_prepared_below_a_share_of_1(epochs: int) -> None:
    spy, learner = _spy(0.9, 32)
    learner.fit(epochs, 1e-3)
    assert 64 == [side for kind, _, side in spy.seen if kind == "train"][-1]


def test_nothing_is_shrunk_while_given_weights_are_frozen() -> None:
    spy, learner = _spy(0.5, 32)
    learner.freeze()
    learner.fit(2, 1e-3)
    learner.lr_find(num_it=24, show_plot=False, suggest_funcs=None)
    assert {64} == {side for *_, side in spy.seen}
    learner.unfreeze()
    learner.fit(2, 1e-3)
    assert [32, 64] == [side for kind, _, side in spy.seen if kind == "train"][-2:]


def test_each_epoch_tells_the_size_that_it_trained_on() -> None:
    recipe = make_recipe(progressive={"share": 0.5, "size": 32}, **SMALL)
    epochs = train_network(select_classes(DATA, MANIFEST), recipe, Schedule(4, 1e-3)).epochs
    assert [32, 32, 64, 64] == [row.train_size for row in epochs]


def test_early_stopping_counts_from_the_first_epoch_at_the_full_size_on() -> None:
    _, learner = _spy(0.5, 32)
    # A rate of 0: no epoch is better than the first.
    learner.fit(20, 0.0, cbs=[EarlyStopping(patience=2)])
    assert 12 == len(learner.recorder.values)


@pytest.mark.parametrize(("share", "side"), [(0.5, 32), (0.0, 64)])
def test_the_search_sees_what_the_first_epochs_see_and_leaves_the_loader_as_it_was(
    share: float, side: int, tmp_path: Path
) -> None:
    spy, learner = _spy(share, 32)
    learner.path = tmp_path
    learner.lr_find(num_it=24, show_plot=False, suggest_funcs=None)
    assert {side} == {side for *_, side in spy.seen}
    assert 64 == learner.dls.train.one_batch()[0].shape[-1]


def test_smaller_images_are_area_averages() -> None:
    images = TensorImage(torch.arange(16.0).reshape(1, 1, 4, 4))
    expected = torch.tensor([[[[2.5, 4.5], [10.5, 12.5]]]])
    assert torch.equal(expected, ShrinkImages(2)(images))
    assert torch.equal(images, ShrinkImages(4)(images))
    assert torch.equal(images, ShrinkImages(None)(images))
