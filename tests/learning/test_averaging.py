"""What is validated and kept is the average of the weights, with statistics of its own."""

import numpy as np
import pytest
import torch
from fastai.callback.core import Callback
from hypothesis import given
from hypothesis import strategies as st

from brainmri.learning.averaging import spread
from brainmri.learning.classification import select_classes
from brainmri.learning.fitting import Schedule, train_network
from brainmri.learning.recipe import EpochPlan
from brainmri.learning.training import build_training
from tests.learning.samples import make_recipe, make_set

DATA, MANIFEST = make_set()


def train(decay: float, steps: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """A weight before and after a fit of `steps` epochs of one step."""
    recipe = make_recipe(averaging={"decay": decay, "every": 1, "images": 16}, batch_size=20, least_steps=1)
    learner = build_training(select_classes(DATA, MANIFEST), recipe, EpochPlan(20, passes=1)).learner
    weight = learner.model[1][-1].weight
    before = weight.detach().clone()
    learner.fit(steps, 1e-2)
    return before, weight.detach().clone()


def test_an_average_that_keeps_nothing_is_the_trained_network() -> None:
    before, trained = train(0.0, 2)
    _, averaged = train(0.9, 2)
    first = train(0.0, 1)[1]
    # torch's average starts at the first step's weights: the second step counts for a tenth.
    assert torch.allclose(averaged, 0.9 * first + 0.1 * trained, atol=1e-6)
    assert not torch.equal(before, trained)


@pytest.mark.parametrize(("every", "counts"), [(1, [1, 2, 3, 4, 5]), (2, [2, 4, 5]), (3, [3, 5]), (9, [5])])
def test_the_average_takes_every_so_many_steps_with_their_share(every: int, counts: list[int]) -> None:
    recipe = make_recipe(averaging={"decay": 0.9, "every": every, "images": 16}, batch_size=4)
    learner = build_training(select_classes(DATA, MANIFEST), recipe, EpochPlan(4, passes=1)).learner
    seen = []
    learner.add_cb(_Spy(seen))
    learner.fit(1, 1e-2)
    assert 5 == len(seen)
    expected, last = seen[counts[0] - 1], counts[0]
    for count in counts[1:]:
        kept = 0.9 ** (count - last)
        expected, last = kept * expected + (1 - kept) * seen[count - 1], count
    torch.testing.assert_close(expected, learner.model[1][-1].weight.detach())


class _Spy(Callback):  # type: ignore[misc]
    """Keeps a weight after each step."""

    order = -1000

    def __init__(self, seen: list[torch.Tensor]) -> None:
        self.seen = seen

    def after_step(self) -> None:
        self.seen.append(self.learn.model[1][-1].weight.detach().clone())


def test_the_kept_statistics_are_those_of_training_images_in_the_kept_network() -> None:
    recipe = make_recipe(averaging={"decay": 0.5, "every": 1, "images": 20})
    training = build_training(data := select_classes(DATA, MANIFEST), recipe, EpochPlan(8, passes=1))
    learner = training.learner
    learner.fit_one_cycle(2, 1e-3)
    stem, norm = learner.model[0][0], learner.model[0][1]
    images, _ = learner.dls.valid.new(data.train).one_batch()
    with torch.inference_mode():
        features = stem(images)
    assert torch.allclose(norm.running_mean, features.mean((0, 2, 3)), atol=1e-4)
    assert torch.allclose(norm.running_var, features.var((0, 2, 3)), rtol=1e-3)


def test_a_network_without_batch_normalization_trains_too() -> None:
    trained = train_network(
        select_classes(DATA, MANIFEST), make_recipe(arch="squeezenet1_1"), Schedule(1, 1e-4)
    )
    assert 1 == len(trained.epochs)


@pytest.mark.parametrize(("size", "most", "batch"), [(216, 512, 64), (65, 512, 64), (10_000, 512, 64)])
def test_each_batch_runs_over_the_whole_set(size: int, most: int, batch: int) -> None:
    for part in np.split(spread(size, most, batch), min(size, most) // batch):
        assert batch == len(part)
        assert part.min() < 0.1 * size
        assert part.max() > 0.9 * size - 1


@given(st.integers(2, 500), st.integers(2, 500), st.integers(2, 64))
def test_no_batch_has_one_image_and_no_place_comes_twice(size: int, most: int, batch: int) -> None:
    places = spread(size, most, batch)
    assert len(set(places.tolist())) == len(places) <= min(size, most)
    assert 1 != len(places) % batch
    assert 0 <= places.min() <= places.max() < size
