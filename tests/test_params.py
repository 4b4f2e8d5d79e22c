"""params.yaml is read by YAML 1.2, and a wrong key ends in one line that names it."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from brainmri.errors import BadInput
from brainmri.params import Section, load_yaml, read_params


class _Inner(Section):
    rate: Annotated[
        Literal["auto"] | Annotated[float, Field(gt=0)], Field(description="auto or a number above 0")
    ]


class _Outer(Section):
    epochs: Annotated[int, Field(ge=1, description="a whole number of at least 1")]
    train: _Inner


def _read(folder: Path, text: str) -> _Outer:
    path = folder / "params.yaml"
    path.write_text(text)
    return read_params(_Outer, path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1.5", 1.5),
        ("-3", -3),
        (".5", 0.5),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("~", None),
        ("", None),
        ("0x1f", "0x1f"),
        ("2024-01-01", "2024-01-01"),
        ("12:30:00", "12:30:00"),
        ("1_000", "1_000"),
        ("abc", "abc"),
    ],
)
def test_scalars_mean_what_yaml_1_2_says(text: str, value: object) -> None:
    assert load_yaml(f"key: {text}") == {"key": value}


def test_good_params_are_read_and_other_keys_of_the_file_ignored(tmp_path: Path) -> None:
    params = _read(tmp_path, "epochs: 3\ntrain:\n  rate: 1e-3\nother: 1\n")
    assert (params.epochs, params.train.rate) == (3, 0.001)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("epochs: abc\ntrain: {rate: 1}", "epochs: expected a whole number of at least 1, came 'abc'"),
        ("epochs: 0\ntrain: {rate: 1}", "epochs: expected a whole number of at least 1, came 0"),
        ("epochs: 1.5\ntrain: {rate: 1}", "epochs: expected a whole number of at least 1, came 1.5"),
        ("epochs: true\ntrain: {rate: 1}", "epochs: expected a whole number of at least 1, came True"),
        ("epochs: 1\ntrain: {rate: abc}", "train.rate: expected auto or a number above 0, came 'abc'"),
        ("epochs: 1\ntrain: {rate: -1}", "train.rate: expected auto or a number above 0, came -1"),
        ("epochs: 1\ntrain: {rat: 1, rate: 1}", "unknown key train.rat (did you mean train.rate?)"),
        ("epochs: 1\ntrain: 3", "train: expected a section with rate, came 3"),
        ("train: {rate: 1}", "missing key epochs: expected a whole number of at least 1"),
        ("a: b: c", "not readable as YAML"),
        ("- 1", "expected `key: value` lines, came list"),
    ],
)
def test_a_wrong_key_is_named_with_what_was_expected_and_what_came(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(BadInput) as caught:
        _read(tmp_path, text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
