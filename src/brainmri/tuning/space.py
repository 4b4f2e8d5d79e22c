"""What a search tries: keys of params.yaml, each with its choices or its range; without torch or Optuna."""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, model_validator

from brainmri.dataset.protocols import SplitParams
from brainmri.errors import BadInput
from brainmri.learning.arms import Arm, Shared, change_shared
from brainmri.learning.recipe import Seed
from brainmri.params import PARAMS_PATH, Section

Value = bool | int | float | str
Values = Mapping[str, Value]

_PLACE = "search.space"


class Choices(Section):
    """One of several values."""

    choices: Annotated[list[Value], Field(min_length=2, description="a list of at least two values")]


class Range(Section):
    """Any number between two, on a logarithmic scale if `log`; whole numbers are `choices`."""

    low: Annotated[float, Field(description="a number")]
    high: Annotated[float, Field(description="a number above low")]
    log: Annotated[bool, Field(description="true (a logarithmic scale) or false")]

    @model_validator(mode="after")
    def _check(self) -> "Range":
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError(
                f"expected low below high, and above 0 on a logarithmic scale, came {self.low} and "
                f"{self.high}; correct them"
            )
        return self


class SearchParams(Section):
    """The section `search`."""

    trials: Annotated[int, Field(ge=1, description="a whole number of at least 1")]
    folds: Annotated[int, Field(ge=1, description="a whole number of folds, at least 1")]
    startup: Annotated[int, Field(ge=1, description="a whole number of trials, at least 1")]
    seed: Annotated[int, Field(ge=0, lt=2**32, description="a whole number from 0 to 4294967295")]
    space: Annotated[
        dict[str, Choices | Range],
        Field(min_length=1, description="keys of params.yaml, each with choices, or with low, high and log"),
    ]


class SearchSettings(Shared):
    """The keys of params.yaml that a search reads."""

    seed: Seed
    split: SplitParams
    search: SearchParams


def make_arm(values: Values, shared: Shared, threads: int) -> Arm:
    """The settings of params.yaml with `values`, by dotted keys; `BadInput` for what no training takes."""
    changes: dict[str, Any] = {}
    for name, value in values.items():
        *parents, last = name.split(".")
        section = changes
        for parent in parents:
            section = section.setdefault(parent, {})
            if not isinstance(section, dict):
                raise BadInput(f"{PARAMS_PATH}: {_PLACE}: expected no key below another, came {name}")
        section[last] = value
    return change_shared(shared, changes, threads, f"{PARAMS_PATH}: {_PLACE}")


def check_space(params: SearchParams, shared: Shared, threads: int) -> None:
    """Raises `BadInput` for a key that no training knows, or a value that it refuses, before any training."""
    for name, span in params.space.items():
        if name.split(".")[0] not in Shared.model_fields:
            expected = ", ".join(Shared.model_fields)
            raise BadInput(f"{PARAMS_PATH}: {_PLACE}: expected keys of {expected}, came {name}; remove it")
        ends = span.choices if isinstance(span, Choices) else [span.low, span.high]
        for value in ends:
            make_arm({name: value}, shared, threads)


def name_search(params: SearchSettings, data: str) -> str:
    """A name that searches of the same space, settings and data share, so that they go on with one another.

    How many trials there are, and when pruning begins, may change under way.
    """
    settings = params.model_dump(mode="json", exclude={"search": {"trials", "startup"}})
    facts = {"settings": settings, "data": data}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def read_present(params: SearchParams, shared: Shared) -> dict[str, Value] | None:
    """The present settings as a point of the space; None where one of them lies outside."""
    settings = shared.model_dump(mode="json")
    present: dict[str, Value] = {}
    for name, span in params.space.items():
        value: Any = settings
        for part in name.split("."):
            value = value[part]
        if isinstance(span, Choices):
            inside = value in span.choices
        else:
            inside = isinstance(value, int | float) and span.low <= value <= span.high
        if not inside:
            return None
        present[name] = value
    return present


def tell_changes(values: Values) -> str:
    """As options of `dvc exp run`."""
    return " ".join(f"-S {name}={_spell(value)}" for name, value in sorted(values.items()))


def _spell(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
