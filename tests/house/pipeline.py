"""The dvc.yaml files as the house checks read them."""

import posixpath
from typing import Any

from brainmri.params import load_yaml
from tests.house.closure import ROOT

FOLDERS = ("", "comparison", "pretrain", "segmentation")
PARAMS = load_yaml((ROOT / "params.yaml").read_text())
_PIPELINES = [load_yaml((ROOT / folder / "dvc.yaml").read_text()) for folder in FOLDERS]
# Of the root's pipeline alone, in its order.
ROOT_STAGES = list(_PIPELINES[0]["stages"])
_DEFINED: dict[str, dict[str, Any]] = {
    name: stage for pipeline in _PIPELINES for name, stage in pipeline["stages"].items()
}
# One of a kind: what `foreach` repeats stands once, with `${key}` in it.
STAGES = {name: stage.get("do", stage) for name, stage in _DEFINED.items()}
# What a command begins with: `python -m stages.SCRIPT`. Several stages may share a script.
SCRIPTS = {name: stage["cmd"].split()[2].removeprefix("stages.") for name, stage in STAGES.items()}


def paths(stage: dict[str, Any], kind: str) -> list[str]:
    """The paths of one kind (deps, outs, metrics, plots), whatever options they carry."""
    return [next(iter(item)) if isinstance(item, dict) else item for item in stage.get(kind, [])]


def outputs(stage: dict[str, Any]) -> list[str]:
    """Everything that a stage writes."""
    return [path for kind in ("outs", "metrics", "plots") for path in paths(stage, kind)]


def instances() -> dict[str, dict[str, Any]]:
    """Every stage as DVC locks it: what `foreach` repeats under `name@key`, and all names in it resolved."""
    found = {}
    for name, stage in _DEFINED.items():
        if "foreach" in stage:
            keys = stage["foreach"]
            keys = keys if isinstance(keys, list) else lookup(PARAMS, keys.strip("${}"))
            found |= {f"{name}@{key}": _resolve(stage["do"], {"key": key, "item": key}) for key in keys}
        else:
            found[name] = _resolve(stage, {"raw": PARAMS["raw"]})
    return found


def lookup(content: dict[str, Any], key: str) -> Any:
    """The value at a dotted key."""
    for part in key.split("."):
        content = content[part]
    return content


def _resolve(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {_resolve(key, names): _resolve(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolve(item, names) for item in value]
    if isinstance(value, str):
        for name, text in names.items():
            value = value.replace(f"${{{name}}}", text)
    return value


def params(stage: dict[str, Any]) -> set[str]:
    """The sections and keys of params.yaml of which a stage tracks all or a part."""
    return {item.split(".")[0] for item in stage.get("params", []) if isinstance(item, str)}


def pins(stage: dict[str, Any]) -> set[str]:
    """The packages whose versions a stage tracks."""
    return {name for item in stage["params"] if isinstance(item, dict) for name in item["pins.yaml"]}


def charted_files() -> list[str]:
    """The files that the top-level plots draw, as often as they do."""
    files: list[str] = []
    for folder, pipeline in zip(FOLDERS, _PIPELINES, strict=True):
        for item in pipeline["plots"]:
            own = [item] if isinstance(item, str) else [file for plot in item.values() for file in plot["y"]]
            files += [posixpath.normpath(posixpath.join(folder, file)) for file in own]
    return files
