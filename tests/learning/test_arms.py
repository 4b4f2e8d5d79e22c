"""Arms: what each changes, and what can't be meant."""

from pathlib import Path
from typing import Any

import pytest

from brainmri.dataset.protocols import Protocol
from brainmri.errors import BadInput
from brainmri.learning import shipped
from brainmri.learning.arms import Arm, ComparisonParams, Settings, read_arm, read_arms
from brainmri.learning.recipe import Recipe
from brainmri.learning.segmentation_recipe import SegmentationRecipe
from tests.learning.samples import RECIPE, SEGMENTATION

SHARED = Settings.model_validate(
    {key: value for key, value in RECIPE.items() if key != "seed"}
    | {"epochs": 2, "lr": "auto", "segmentation": SEGMENTATION}
)


# The list of weights that ship resnet18 alone.
SUMS = "".join(f"{'0' * 64}  resnet18/classifier/{name}\n" for name in ("model.json", "weights.safetensors"))


def make_comparison(arms: dict[str, Any], seeds: list[int] | None = None) -> ComparisonParams:
    """The section with these arms."""
    return ComparisonParams(arms=arms, seeds=seeds or [0], cases="all", suspects=6, threads=2)


def read(arms: dict[str, Any]) -> dict[str, Arm]:
    """The arms, checked."""
    return read_arms(SHARED, make_comparison(arms))


def test_an_arm_is_the_shared_settings_with_its_changes() -> None:
    arms = read(
        {
            "plain": {},
            "deep": {"arch": "resnet50", "lr": 1e-3, "epochs": 4},
            "focal": {"train": {"loss": "focal", "augment": {"flip": False}}},
            "paper": {"protocol": "paper"},
        }
    )
    assert ["plain", "deep", "focal", "paper"] == list(arms)
    assert ("resnet18", "auto", 2) == (arms["plain"].arch, arms["plain"].lr, arms["plain"].epochs)
    assert ("resnet50", 1e-3, 4) == (arms["deep"].arch, arms["deep"].lr, arms["deep"].epochs)
    assert ("focal", False) == (arms["focal"].train.loss, arms["focal"].train.augment.flip)
    assert SHARED.train.augment.rotate_degrees == arms["focal"].train.augment.rotate_degrees
    assert [Protocol.GROUPED, Protocol.PAPER] == [arms["plain"].protocol, arms["paper"].protocol]
    assert {2} == {arm.train.threads for arm in arms.values()}


def test_an_arm_whose_architecture_has_no_shipped_weights_ends_before_any_training(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    (tmp_path / shipped.SUMS).write_text(SUMS)
    arms: dict[str, Any] = {"plain": {}, "ours": {"weights": "phantom"}}
    assert "phantom" == read(arms)["ours"].weights
    with pytest.raises(BadInput, match=r"arms.deep: weights: phantom: .* ships \(resnet18\), came resnet50"):
        read(arms | {"deep": {"weights": "phantom", "arch": "resnet50"}})


def test_an_arm_may_be_the_shipped_detector_as_it_stands(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    (tmp_path / shipped.SUMS).write_text(SUMS)
    arms: dict[str, Any] = {"plain": {}, "shipped": {"task": "zero_shot"}}
    assert [False, True] == [arm.zero_shot for arm in read(arms).values()]
    with pytest.raises(BadInput, match=r"arms.shipped: task: zero_shot: .* \(resnet18\), came resnet50"):
        read(arms | {"shipped": {"task": "zero_shot", "arch": "resnet50"}})
    with pytest.raises(BadInput, match=r"arch alone with task zero_shot, .* came lr; remove it"):
        read(arms | {"shipped": {"task": "zero_shot", "lr": 1e-3}})


def test_arms_that_differ_in_their_share_alone_are_two() -> None:
    arms = read({"plain": {}, "quarter": {"share": 0.25}})
    assert [1.0, 0.25] == [arm.share for arm in arms.values()]
    with pytest.raises(BadInput, match="share: expected a share of the training groups above 0, up to 1"):
        read({"plain": {}, "none": {"share": 0.0}})


def test_a_segmentation_arm_has_the_recipe_of_a_segmenter() -> None:
    arms = read({"plain": {}, "unet": {"task": "segmentation", "segmentation": {"attention": True}}})
    recipe = arms["unet"].recipe(seed=3)
    assert isinstance(recipe, SegmentationRecipe)
    assert (True, 3, SHARED.train.loss) == (recipe.segmentation.attention, recipe.seed, recipe.train.loss)
    assert type(arms["plain"].recipe(seed=3)) is Recipe


@pytest.mark.parametrize(
    ("arms", "said"),
    [
        ({"a b": {}}, "came 'a b'; rename the arm"),
        ({"a;touch x": {}}, "came 'a;touch x'; rename the arm"),
        ({"$(x)": {}}, "came '$(x)'; rename the arm"),
        ({"units": {}}, "expected a name of its own, came units"),
        ({"a": {}, "majority": {"epochs": 3}}, "expected a name of its own, came majority"),
        ({"a": {}, "b": {}}, "expected arms that differ, came a and b"),
        ({"a": {}, "b": {"arch": "resnet18"}}, "expected arms that differ, came a and b"),
        ({"a": {}, "b": {"segmentation": {"attention": True}}}, "expected task segmentation with it"),
        (
            {"a": {}, "b": {"task": "segmentation"}, "c": {"task": "segmentation"}},
            "expected arms that differ, came b and c",
        ),
        (
            {"a": {}, "b": {"task": "segmentation", "arch": "squeezenet1_1"}},
            "comparison.arms.b: arch: expected a ResNet for segmentation, came squeezenet1_1",
        ),
        (
            {"a": {}, "b": {"task": "segmentation", "epochs": 5}},
            "expected no epochs with task segmentation, which has no use for it; remove it, or set segm",
        ),
        (
            {"a": {}, "b": {"task": "segmentation", "train": {"dropout": 0.5}}},
            "expected no train.dropout with task segmentation",
        ),
        (
            {"a": {}, "b": {"task": "segmentation", "train": {"flips": True}}},
            "expected no train.flips with task segmentation, which has no use for it; remove it, or set segm",
        ),
        (
            {"a": {}, "b": {"task": "segmentation", "protocol": "paper"}},
            "comparison.arms.b: expected protocol grouped with task segmentation, came paper",
        ),
        ({"a": {"archh": "resnet18"}}, "comparison.arms.a: unknown key archh (did you mean arch?)"),
        ({"a": {"train": {"los": "focal"}}}, "unknown key train.los (did you mean train.loss?)"),
        ({"a": {"train": {"loss": "hinge"}}}, "train.loss: expected cross_entropy, focal or label_smoothing"),
        ({"a": {"epochs": 0}}, "comparison.arms.a: epochs: expected a whole number of at least 1, came 0"),
        ({"a": {"seed": 1}}, "comparison.arms.a: unknown key seed"),
        ({"a": {"protocol": "paper"}, "b": {}}, "came a with protocol paper; put another one first"),
    ],
)
def test_what_can_t_be_meant_is_said_in_one_line(arms: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput) as raised:
        read(arms)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_seed_twice_is_refused() -> None:
    with pytest.raises(BadInput, match=r"comparison.seeds: expected each seed once, came \[1, 1\]"):
        read_arms(SHARED, make_comparison({"a": {}}, [1, 1]))


def test_an_arm_that_isn_t_there_is_refused() -> None:
    with pytest.raises(BadInput, match="expected an arm b, came a"):
        read_arm("b", SHARED, make_comparison({"a": {}}))
