"""A stage reruns when, and only when, something it imports or reads has changed."""

from pathlib import Path, PurePosixPath

import pytest

from brainmri.params import load_yaml
from tests.house.closure import ROOT, distributions, own_files
from tests.house.pipeline import SCRIPTS, STAGES, outputs, paths, pins

ALL = [path for stage in STAGES.values() for path in outputs(stage)]
PINS = load_yaml((ROOT / "pins.yaml").read_text())
# What they bring reaches no output: locks, settings as YAML 1.2 by our own rules, bars on the screen;
# pydantic asks for one version of its core; a cluster runs what this machine would, as do
# any number of threads.
HARMLESS = {"filelock", "pydantic_core", "pyyaml", "ray", "threadpoolctl", "tqdm"}


def _find_script(name: str) -> Path:
    return ROOT / "stages" / f"{SCRIPTS[name]}.py"


@pytest.mark.parametrize("name", STAGES)
def test_the_code_a_stage_lists_is_the_code_it_imports(name: str) -> None:
    listed = {path for path in paths(STAGES[name], "deps") if path.endswith(".py")}
    imported = {path.relative_to(ROOT).as_posix() for path in own_files(_find_script(name))}
    assert imported == listed


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_tracks_the_version_of_every_library_it_imports_that_can_change_an_output(name: str) -> None:
    used = distributions(own_files(_find_script(name)))
    assert used - HARMLESS <= pins(STAGES[name]) <= set(PINS)


@pytest.mark.parametrize("name", STAGES)
def test_every_path_a_command_names_is_declared(name: str) -> None:
    stage = STAGES[name]
    declared = {path for kind in ("deps", "outs", "metrics", "plots") for path in paths(stage, kind)}
    named = {word.strip("'") for word in stage["cmd"].split()[3:] if not word.startswith("--")}
    # The name of an arm or of an architecture is no path, and one stage cleans up where other stages write.
    assert named - {"${key}", "${item}", *(str(PurePosixPath(path).parent) for path in ALL)} <= declared


def test_the_pins_are_those_of_the_lock_file() -> None:
    locked = dict(
        line.split(";")[0].strip(" \\").split("==")
        for line in (ROOT / "requirements.lock").read_text().splitlines()
        if line[:1].isalpha()
    )
    assert {name: locked[name] for name in PINS} == PINS


def test_the_lock_file_names_no_index_and_hashes_everything() -> None:
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    requirements = [block for block in text.replace("\\\n", " ").splitlines() if block[:1].isalpha()]
    assert all("--hash=sha256:" in requirement for requirement in requirements)
