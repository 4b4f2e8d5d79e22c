"""dvc.yaml as the house checks read it."""

from typing import Any

from brainmri.params import load_yaml
from tests.house.closure import ROOT

_PIPELINE = load_yaml((ROOT / "dvc.yaml").read_text())
STAGES: dict[str, dict[str, Any]] = _PIPELINE["stages"]


def paths(stage: dict[str, Any], kind: str) -> list[str]:
    """The paths of one kind (deps, outs, metrics, plots), whatever options they carry."""
    return [next(iter(item)) if isinstance(item, dict) else item for item in stage.get(kind, [])]


def outputs(stage: dict[str, Any]) -> list[str]:
    """Everything that a stage writes."""
    return [path for kind in ("outs", "metrics", "plots") for path in paths(stage, kind)]


def params(stage: dict[str, Any]) -> set[str]:
    """The keys of params.yaml that a stage tracks."""
    return {item for item in stage.get("params", []) if isinstance(item, str)}


def pins(stage: dict[str, Any]) -> set[str]:
    """The packages whose versions a stage tracks."""
    return {name for item in stage["params"] if isinstance(item, dict) for name in item["pins.yaml"]}


def charted_files() -> list[str]:
    """The files that the top-level plots draw, as often as they do."""
    files: list[str] = []
    for item in _PIPELINE["plots"]:
        files += [item] if isinstance(item, str) else [file for plot in item.values() for file in plot["y"]]
    return files
