"""Arrows point down only, and only `learning` and the phantoms bring torch."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.closure import ROOT, imported_names
from tests.house.pipeline import SCRIPTS

PACKAGE = ROOT / "src" / "brainmri"
MAY_IMPORT = {
    "": set(),
    "scans": set(),
    "phantom": set(),
    "dataset": {"scans"},
    "learning": {"dataset", "scans", "phantom.wide"},
    "scoring": {"dataset", "scans"},
    "reporting": {"scoring"},
    "tuning": {"dataset", "learning"},
    "serving": {"dataset", "scans", "learning", "scoring", "figures"},
    "__main__": set(),
    "figures": {
        "dataset",
        "scans",
        "scoring",
        "learning.records",
        "learning.pretraining.records",
        "tuning.records",
    },
}
TORCH_STAGES = {
    "find_lr",
    "train",
    "predict",
    "crossval",
    "find_lr_segmentation",
    "train_segmentation",
    "predict_masks",
    "evaluate_segmentation",
    "pretrain",
    "unseen",
    "predict_unseen",
    "see_outliers",
}
# MONAI brings torch.
SURFACES = PACKAGE / "scoring" / "surfaces.py"
TORCH = {"torch", "torchvision", "fastai", "fastcore", "fasttransform", "safetensors"}
WITHIN = (PACKAGE / "learning", PACKAGE / "phantom" / "wide", PACKAGE / "phantom" / "patients")
OUTSIDE = [
    path
    for path in PACKAGE.rglob("*.py")
    if path != SURFACES and not any(path.is_relative_to(room) for room in WITHIN)
]


def _layer(path: Path) -> str:
    if path.stem == "__main__":
        return path.stem
    return "" if path.parent == PACKAGE else path.relative_to(PACKAGE).parts[0]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.stem)
def test_a_module_imports_from_its_own_layer_or_below(path: Path) -> None:
    layer = _layer(path)
    for name in imported_names(path):
        root, _, rest = name.partition(".")
        target = rest.partition(".")[0]
        if root == "brainmri" and (PACKAGE / target).is_dir() and target not in {layer, ""}:
            allowed = MAY_IMPORT[layer]
            assert target in allowed or any(rest.startswith(part) for part in allowed), name


@pytest.mark.parametrize(
    "path", sorted((PACKAGE / "phantom").rglob("*.py")), ids=lambda path: f"{path.parent.stem}-{path.stem}"
)
def test_the_head_knows_no_phantom_of_it_and_those_of_pretraining_no_patient(path: Path) -> None:
    above = {"wide": {"patients"}, "choices": {"patients"}, "patients": set()}
    hidden = above.get(path.parent.stem, {"wide", "patients"})
    assert not {f"brainmri.phantom.{room}" for room in hidden} & {
        ".".join(name.split(".")[:3]) for name in imported_names(path)
    }


@pytest.mark.parametrize(
    "path", sorted([*OUTSIDE, *(ROOT / "stages").glob("*.py")]), ids=lambda path: path.stem
)
def test_nothing_else_imports_torch_inside_functions_too(path: Path) -> None:
    assert not {name.partition(".")[0] for name in imported_names(path)} & TORCH


def test_ray_is_imported_where_it_was_asked_for_alone() -> None:
    paths = [*PACKAGE.rglob("*.py"), *(ROOT / "stages").glob("*.py")]
    within = {path for path in paths if "ray" in {name.partition(".")[0] for name in imported_names(path)}}
    assert {PACKAGE / f"cluster{end}.py" for end in ("", "_pool", "_queue", "_failures")} == within
    names = {f"brainmri.{path.stem}" for path in within}
    users = {path for path in paths if names & set(imported_names(path))}
    # That one does so in a function, for whom has chosen a cluster (tests/test_compute.py).
    assert {PACKAGE / "compute.py"} == users - within


@pytest.mark.parametrize("name", sorted(set(SCRIPTS.values()) - TORCH_STAGES | {"find_lr"}))
def test_importing_a_stage_brings_no_torch(name: str) -> None:
    code = f"import sys, stages.{name}; sys.exit(bool({{'torch', 'fastai'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("__init__.py")), ids=lambda path: path.parent.name)
def test_a_package_file_is_a_docstring(path: Path) -> None:
    assert not list(imported_names(path))
    assert path.read_text().count('"""') == 2
