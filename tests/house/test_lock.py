"""The committed dvc.lock was made by the code, params and versions that stand beside it."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from brainmri.params import load_yaml
from tests.house.closure import ROOT
from tests.house.pipeline import FOLDERS, instances, lookup, outputs, paths

LOCK = {
    name: entry
    for folder in FOLDERS
    for name, entry in load_yaml((ROOT / folder / "dvc.lock").read_text())["stages"].items()
}
STAGES = instances()
TRACKED = ("metrics", "plots")


def _md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()  # noqa: S324 - what DVC uses


def _hash(path: Path) -> str:
    """As DVC hashes: a file's bytes; of a folder, the list of its files and their hashes."""
    if path.is_file():
        return _md5(path.read_bytes())
    inside = sorted(file for file in path.rglob("*") if file.is_file())
    rows = [{"md5": _hash(file), "relpath": file.relative_to(path).as_posix()} for file in inside]
    rows.sort(key=lambda row: tuple(row["relpath"].split("/")))
    return f"{_md5(json.dumps(rows, sort_keys=True).encode())}.dir"


def _listed(name: str, kind: str) -> set[str]:
    return {entry["path"] for entry in LOCK[name].get(kind, [])}


def test_every_stage_is_locked() -> None:
    assert set(STAGES) == set(LOCK)


@pytest.mark.parametrize("name", STAGES)
def test_the_locked_command_reads_and_writes_what_the_stage_says(name: str) -> None:
    assert STAGES[name]["cmd"] == LOCK[name]["cmd"]
    assert set(paths(STAGES[name], "deps")) == _listed(name, "deps")
    assert set(outputs(STAGES[name])) == _listed(name, "outs")


@pytest.mark.parametrize("name", STAGES)
def test_the_locked_params_and_versions_are_the_params_and_versions(name: str) -> None:
    wanted: dict[str, dict[str, Any]] = {}
    for item in STAGES[name].get("params", []):
        files = item if isinstance(item, dict) else {"params.yaml": [item]}
        for file, keys in files.items():
            content = load_yaml((ROOT / file).read_text())
            wanted.setdefault(file, {}).update({key: lookup(content, key) for key in keys})
    assert wanted == LOCK[name].get("params", {})


@pytest.mark.parametrize("name", LOCK)
def test_the_locked_code_is_the_code(name: str) -> None:
    for dependency in LOCK[name]["deps"]:
        if dependency["path"].endswith(".py"):
            assert dependency["md5"] == _hash(ROOT / dependency["path"]), dependency["path"]


@pytest.mark.parametrize("name", LOCK)
def test_tracked_metrics_and_plots_are_those_of_the_locked_run(name: str) -> None:
    for entry in [*LOCK[name].get("outs", []), *LOCK[name]["deps"]]:
        if entry["path"].split("/")[0] in TRACKED:
            assert entry["md5"] == _hash(ROOT / entry["path"]), entry["path"]
