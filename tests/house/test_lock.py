"""The committed dvc.lock was made by the code, params and versions that stand beside it."""

import hashlib
from typing import Any

import pytest

from brainmri.params import load_yaml
from tests.house.closure import ROOT
from tests.house.pipeline import STAGES

LOCK = load_yaml((ROOT / "dvc.lock").read_text())["stages"]


def _value(content: dict[str, Any], key: str) -> Any:
    for part in key.split("."):
        content = content[part]
    return content


def test_every_stage_is_locked() -> None:
    assert set(STAGES) == set(LOCK)


@pytest.mark.parametrize("name", LOCK)
def test_the_locked_code_is_the_code(name: str) -> None:
    for dependency in LOCK[name]["deps"]:
        path = ROOT / dependency["path"]
        if path.suffix == ".py":
            assert hashlib.md5(path.read_bytes()).hexdigest() == dependency["md5"], path.name  # noqa: S324


@pytest.mark.parametrize("name", LOCK)
def test_the_locked_params_and_versions_are_the_params_and_versions(name: str) -> None:
    for file, values in LOCK[name].get("params", {}).items():
        content = load_yaml((ROOT / file).read_text())
        assert values == {key: _value(content, key) for key in values}


@pytest.mark.parametrize("name", LOCK)
def test_tracked_metrics_and_plots_are_those_of_the_locked_run(name: str) -> None:
    for output in LOCK[name].get("outs", []):
        path = ROOT / output["path"]
        if path.is_file() and path.parts[len(ROOT.parts)] in ("metrics", "plots"):
            assert hashlib.md5(path.read_bytes()).hexdigest() == output["md5"], path.name  # noqa: S324
