"""A space names keys of params.yaml and values that a training takes; anything else is one line."""

from typing import Any

import pytest

from brainmri.errors import BadInput
from brainmri.learning.arms import Shared
from brainmri.params import check_section
from brainmri.tuning.space import (
    SearchParams,
    SearchSettings,
    check_space,
    make_arm,
    name_search,
    read_present,
    tell_changes,
)
from tests.dataset.test_units import SPLIT
from tests.learning.samples import RECIPE

SHARED = Shared.model_validate(
    {key: RECIPE[key] for key in ("arch", "weights", "train")} | {"epochs": 2, "lr": "auto"}
)
RATE = {"low": 1e-4, "high": 1e-2, "log": True}


def _make(space: dict[str, Any], **changes: Any) -> SearchParams:
    values = {"trials": 4, "folds": 2, "startup": 2, "seed": 0, "space": space} | changes
    return check_section(SearchParams, values, "params.yaml")


def _name(
    space: dict[str, Any], data: str = "data", search: dict[str, int] | None = None, **changes: int
) -> str:
    shared = SHARED.model_copy(update={key: value for key, value in changes.items() if key != "seed"})
    settings = SearchSettings(
        **{name: getattr(shared, name) for name in Shared.model_fields},
        seed=changes.get("seed", 0),
        split=SPLIT,
        search=_make(space, **(search or {})),
    )
    return name_search(settings, data)


@pytest.mark.parametrize(
    ("space", "words"),
    [
        ({"train.batchsize": {"choices": [8, 16]}}, "unknown key train.batchsize .*train.batch_size"),
        ({"train.dropout": {"low": 0.0, "high": 1.5, "log": False}}, "train.dropout: expected a share"),
        ({"arch": {"choices": ["resnet34", "resnet35"]}}, "arch: expected one of"),
        ({"train": {"choices": [1, 2]}}, "train: expected a section"),
        ({"protocol": {"choices": ["grouped", "paper"]}}, "expected keys of arch, .*came protocol"),
        ({"train.dropout.x": {"choices": [1, 2]}}, "train.dropout: expected a share"),
    ],
)
def test_what_no_training_takes_is_one_line(space: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=f"search.space: .*{words}"):
        check_space(_make(space), SHARED, 1)


@pytest.mark.parametrize(
    "span",
    [
        {"choices": [1]},
        {"low": 1.0, "high": 0.1, "log": False},
        {"low": 0.0, "high": 0.1, "log": True},
        {"low": 0.1, "high": 0.2},
        3,
    ],
)
def test_a_span_that_is_none_is_one_line(span: object) -> None:
    with pytest.raises(BadInput, match=r"params\.yaml: search"):
        check_section(
            SearchParams,
            {"trials": 4, "folds": 2, "startup": 2, "seed": 0, "space": {"lr": span}},
            "params.yaml: search",
        )


def test_dotted_keys_change_what_they_name_alone() -> None:
    arm = make_arm({"lr": 1e-3, "train.augment.flip": False, "train.batch_size": 4}, SHARED, 1)
    assert (1e-3, False, 4) == (arm.lr, arm.train.augment.flip, arm.train.batch_size)
    assert arm.train.augment.scale == SHARED.train.augment.scale


def test_the_present_settings_are_a_point_of_the_space_or_none() -> None:
    inside = {
        "train.batch_size": {"choices": [4, 8]},
        "train.dropout": {"low": 0.0, "high": 0.5, "log": False},
    }
    assert {"train.batch_size": 8, "train.dropout": 0.1} == read_present(_make(inside), SHARED)
    assert read_present(_make(inside | {"lr": RATE}), SHARED) is None


def test_searches_of_one_space_and_data_go_on_with_one_another() -> None:
    first = _name({"lr": RATE})
    assert first == _name({"lr": RATE}, search={"trials": 40, "startup": 9})
    others = [
        _name({"lr": RATE | {"low": 1e-5}}),
        _name({"lr": RATE}, data="other data"),
        _name({"lr": RATE}, epochs=3),
        _name({"lr": RATE}, seed=1),
        _name({"lr": RATE}, search={"seed": 1}),
    ]
    assert first not in others


def test_settings_are_told_as_dvc_takes_them() -> None:
    told = tell_changes({"train.augment.flip": True, "lr": 0.0003, "arch": "resnet50"})
    assert "-S arch=resnet50 -S lr=0.0003 -S train.augment.flip=true" == told
