"""params.yaml -> frozen, strict models.

Each stage states the keys it reads as a model derived from `Section`; its field names are the
keys that dvc.yaml lists under `params:`. The description of a field is what an error says was
expected.
"""

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from brainmri.errors import BadInput

PARAMS_PATH = Path("params.yaml")


class Section(BaseModel):
    """A mapping of params.yaml: immutable, no unknown keys, no silent conversion."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class _Yaml12Loader(yaml.SafeLoader):
    """PyYAML with the scalars of YAML 1.2, which is what DVC reads and writes."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - the base class declares it


_FLOAT = (
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
# The core schema, https://yaml.org/spec/1.2.2/#103-core-schema: kind, pattern, first characters.
_CORE_SCHEMA = (
    ("bool", r"true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    ("int", r"[-+]?[0-9]+", [*"-+0123456789"]),
    ("float", _FLOAT, [*"-+.0123456789"]),
    ("null", r"~|null|Null|NULL|", [*"~nN", ""]),
)
for _kind, _pattern, _first in _CORE_SCHEMA:
    _Yaml12Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(f"^(?:{_pattern})$"), _first)

Model = TypeVar("Model", bound=Section)


def load_yaml(text: str) -> Any:
    """YAML 1.2 text -> plain values: `1e-3` is a number, `yes` and `no` are words."""
    return yaml.load(text, Loader=_Yaml12Loader)  # noqa: S506 - derived from SafeLoader


def read_params(model: type[Model], path: Path = PARAMS_PATH) -> Model:
    """The keys of params.yaml that `model` names, checked.

    Raises `BadInput` with one line for the first wrong key.
    """
    values = _read_file(path)
    wanted = {key: values[key] for key in model.model_fields if key in values}
    return check_section(model, wanted, str(path))


def check_section(model: type[Model], values: Mapping[str, Any], place: str) -> Model:
    """Plain values as a model; raises `BadInput` with one line, begun by `place`, for the first wrong key."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise BadInput(f"{place}: {_describe(error.errors()[0], model)}") from None


def _read_file(path: Path) -> dict[str, Any]:
    try:
        values = load_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file here; run from the repository's root") from None
    except yaml.YAMLError as error:
        raise BadInput(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise BadInput(f"{path}: expected `key: value` lines, came {type(values).__name__}")
    return values


def _describe(error: ErrorDetails, model: type[Section]) -> str:
    place = [str(part) for part in error["loc"]]
    parent, expected = _expectation(model, place)
    key = ".".join(parent)
    if error["type"] == "extra_forbidden":
        return f"unknown key {'.'.join(place)}{_suggest(place, model)}; correct or remove it"
    if error["type"] == "missing":
        return f"missing key {key}: expected {expected}; add it"
    if error["type"] == "value_error":
        return f"{key + ': ' if key else ''}{error['ctx']['error']}"
    came = _value_at(error, parent)
    return f"{key}: expected {expected}, came {came!r}; correct the value"


def _value_at(error: ErrorDetails, parent: list[str]) -> Any:
    value = error["input"]
    return value if not isinstance(value, BaseModel) else parent[-1]


def _expectation(model: type[Section], place: list[str]) -> tuple[list[str], str]:
    """The key an error is about (without pydantic's union branches), and what it wants."""
    key: list[str] = []
    current: Any = model
    expected = "another value"
    for part in place:
        field = getattr(current, "model_fields", {}).get(part)
        if field is None:
            break
        key.append(part)
        current = field.annotation
        if field.description:
            expected = field.description
        elif isinstance(current, type) and issubclass(current, Section):
            expected = "a section with " + ", ".join(current.model_fields)
    return key, expected


def _suggest(place: list[str], model: type[Section]) -> str:
    current: Any = model
    for part in place[:-1]:
        current = current.model_fields[part].annotation
    near = difflib.get_close_matches(place[-1], list(current.model_fields), n=1)
    return f" (did you mean {'.'.join([*place[:-1], *near])}?)" if near else ""
