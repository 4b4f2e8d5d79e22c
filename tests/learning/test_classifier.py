"""The same recipe gives the same bytes, the best epoch is kept, the body frozen first, divergence told."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torchvision
from safetensors.torch import save_file

from brainmri.errors import BadInput
from brainmri.learning.classification import select_classes
from brainmri.learning.fitting import Schedule, train_network
from brainmri.learning.precision import choose_precision
from brainmri.learning.rate import find_floor, find_rate
from brainmri.learning.recipe import EpochPlan, Precision
from brainmri.learning.training import build_training
from tests.learning.samples import RECIPE, make_recipe, make_set

DATA, MANIFEST = make_set()


def test_two_trainings_give_the_same_bytes_and_another_seed_gives_others() -> None:
    first, second, other = (
        train_network(select_classes(DATA, MANIFEST), make_recipe(seed=seed), Schedule(2, 1e-3))
        for seed in (0, 0, 1)
    )
    assert first.epochs == second.epochs
    assert all(torch.equal(value, second.best[key]) for key, value in first.best.items())
    assert first.epochs != other.epochs


def test_only_training_and_validation_images_are_read() -> None:
    data = select_classes(DATA, MANIFEST)
    assert (20, 8) == (len(data.train), len(data.valid))
    assert [0, 1] * 4 == data.valid.classes.tolist()


def test_the_best_epoch_is_the_one_of_lowest_validation_loss() -> None:
    trained = train_network(select_classes(DATA, MANIFEST), make_recipe(), Schedule(4, 3e-3))
    assert min(row.valid_loss for row in trained.epochs) == trained.best_epoch.valid_loss
    assert [0, 1, 2, 3] == [row.epoch for row in trained.epochs]
    if trained.best_epoch.epoch < 3:
        assert any(not torch.equal(value, trained.last[key]) for key, value in trained.best.items())


def test_training_stops_after_its_patience() -> None:
    trained = train_network(select_classes(DATA, MANIFEST), make_recipe(patience=1), Schedule(40, 1e-2))
    assert len(trained.epochs) < 40
    assert len(trained.epochs) == trained.best_epoch.epoch + 2


def test_given_weights_are_frozen_in_the_first_epoch_and_move_later(tmp_path: Path) -> None:
    torch.manual_seed(3)
    state = torchvision.models.resnet18(weights=None).state_dict()
    save_file(state, tmp_path / "w.safetensors")
    recipe = make_recipe(weights=str(tmp_path / "w.safetensors"))
    training = build_training(select_classes(DATA, MANIFEST), recipe, EpochPlan(8, passes=1))
    assert not training.learner.model[0][0].weight.requires_grad
    trained = train_network(select_classes(DATA, MANIFEST), recipe, Schedule(1, 1e-3))
    assert 2 == len(trained.epochs)
    assert not torch.equal(state["conv1.weight"], trained.last["0.0.weight"])


@pytest.mark.parametrize("loss", ["cross_entropy", "focal", "label_smoothing"])
@pytest.mark.parametrize("class_weights", ["none", "balanced"])
def test_every_loss_trains_with_and_without_class_weights(loss: str, class_weights: str) -> None:
    recipe = make_recipe(loss=loss, class_weights=class_weights)
    assert 1 == len(train_network(select_classes(DATA, MANIFEST), recipe, Schedule(1, 1e-3)).epochs)


def test_bf16_trains_and_keeps_float32_weights() -> None:
    trained = train_network(select_classes(DATA, MANIFEST), make_recipe(precision="bf16"), Schedule(1, 1e-3))
    assert Precision.BF16 is trained.training.precision
    assert all(value.dtype in (torch.float32, torch.int64) for value in trained.best.values())


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.BF16])
def test_a_wanted_precision_is_taken_and_auto_is_one_of_them(precision: Precision) -> None:
    assert precision is choose_precision(precision)
    assert choose_precision(Precision.AUTO) in (Precision.FP32, Precision.BF16)


def test_a_rate_that_explodes_is_told_in_one_line() -> None:
    with pytest.raises(BadInput) as caught:
        train_network(
            select_classes(DATA, MANIFEST),
            make_recipe(clip_norm=1e30, weight_decay=1000.0),
            Schedule(3, 99.0),
        )
    said = str(caught.value)
    assert said.startswith("lr: expected a rate that trains, came one that diverges (the ")
    assert "\n" not in said


@pytest.mark.parametrize(
    "rest", [[0.80, 0.82, 0.79, 0.81], [0.81, 1.50, 1.40, 1.30, 1.20, 1.10, 1.00], [0.80, float("1e9")]]
)
def test_the_valley_ends_where_the_loss_is_as_good_as_lowest(rest: list[float]) -> None:
    assert 4 == find_floor([1.30, 1.20, 1.10, 0.95, 0.82, *rest])


def test_a_loss_that_only_rises_has_its_floor_at_the_start() -> None:
    assert 0 == find_floor([1.0, 1.1, 1.2])


def test_the_search_gives_a_rate_and_its_curve_and_two_searches_the_same() -> None:
    # Up to rates at which the loss explodes on no machine before there are enough points.
    recipe = make_recipe(lr_find=RECIPE["train"]["lr_find"] | {"highest": 0.05})
    first, second = (find_rate(select_classes(DATA, MANIFEST), recipe) for _ in range(2))
    assert first == second
    assert 1e-7 < first.learning_rate < 10
    assert len(first.curve) >= 16


def test_a_search_with_too_few_points_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop_early(learner: object, *_: object, **__: object) -> None:
        learner.recorder.lrs, learner.recorder.losses = [1e-3] * 10, [torch.tensor(1.0)] * 10  # type: ignore[attr-defined]

    patched: Callable[..., None] = stop_early
    monkeypatch.setattr("fastai.learner.Learner.lr_find", patched)
    with pytest.raises(
        BadInput, match=r"expected at least 16 points for a valley, came 3.*set lr to a number"
    ):
        find_rate(select_classes(DATA, MANIFEST), make_recipe())
