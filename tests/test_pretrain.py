"""The pretraining pipeline, small, with real DVC: what it ships, what a kill costs, what is refused."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from brainmri.learning.shipped import SUMS
from brainmri.params import load_yaml
from brainmri.reporting.templates_notice import TEMPLATES_NOTICE
from brainmri.scans.files import hash_file
from tests.learning.pretraining.samples import make_section
from tests.workspace import Workspace, kill_all, read_until

pytestmark = pytest.mark.long

REPRO = ("dvc", "repro", "pretrain/dvc.yaml")
STAGES = {
    "pretrain@resnet18",
    "unseen",
    "outliers",
    "see_outliers@resnet18",
    "predict_unseen@resnet18",
    "novelty_unseen@resnet18",
    "calibrate_unseen@resnet18",
    "evaluate_unseen@resnet18",
    "ship@resnet18",
}
WEIGHTS = Path("classifier") / "weights.safetensors"
TRAIN = ("python", "-m", "stages.pretrain", "--history", "h.csv", "--metrics", "m.json")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = Workspace(tmp_path_factory.mktemp("pretraining") / "workspace")
    _write_section(made, budget=40, familiar=40, valid=60, test=100)
    made.change("pretrain/dvc.yaml", {"      - resnet34\n": ""})
    made.commit("Small")
    made.first_output = made.run(*REPRO)  # type: ignore[attr-defined]
    return made


def _write_section(workspace: Workspace, **changes: int) -> None:
    path = workspace.folder / "params.yaml"
    params = load_yaml(path.read_text())
    params["pretrain"] = make_section(**changes)
    path.write_text(yaml.safe_dump(params, sort_keys=False))


def _stages_run(output: str) -> list[str]:
    return re.findall(r"Running stage 'pretrain/dvc.yaml:([\w@]+)'", output)


def test_one_command_makes_the_folder_that_is_shipped(workspace: Workspace) -> None:
    assert sorted(STAGES) == sorted(_stages_run(workspace.first_output))  # type: ignore[attr-defined]
    shipped, made = workspace.folder / "weights" / "resnet18", workspace.folder / "models" / "pretrained"
    assert {"README.md", "classifier", "novelty", "operating_point.json"} == {
        path.name for path in shipped.iterdir()
    }
    assert (shipped / WEIGHTS).read_bytes() == (made / "resnet18" / WEIGHTS).read_bytes()
    card = (shipped / "README.md").read_text()
    assert hash_file(shipped / WEIGHTS) in card
    assert TEMPLATES_NOTICE in card
    assert "Synthetic: no result on real data." in card
    assert [] == _stages_run(workspace.run(*REPRO))
    assert not list((workspace.folder / ".dvc" / "tmp" / "brainmri").glob("*/checkpoint.safetensors"))


def test_what_is_shipped_answers_as_it_stands(workspace: Workspace) -> None:
    image = np.load(workspace.folder / "data" / "unseen" / "prepared" / "images.npy")[0]
    Image.fromarray(image).save(workspace.folder / "phantom.png")
    # With an installed package beside it, the workspace's own code answers.
    command = ("python", "-m", "brainmri", "predict", "--model", "weights/resnet18", "phantom.png")
    assert "`make weights` lists a new one" in workspace.run(*command, code=2, PYTHONPATH="src")
    sums = workspace.folder / "weights" / SUMS
    before = sums.read_text()
    # As `make weights` would, of the one architecture whose files this workspace has.
    places = [line.split()[-1] for line in before.splitlines()]
    own = [place for place in places if place.startswith("resnet18/")]
    listed = [f"{hash_file(sums.parent / place)}  {place}\n" for place in own]
    sums.write_text("".join(listed))
    answer = workspace.run(*command, PYTHONPATH="src")
    sums.write_text(before)
    assert "phantom.png" in answer
    assert "synthetic" in answer


def test_figures_are_of_the_test_phantoms_and_say_that_they_are_synthetic(workspace: Workspace) -> None:
    found = json.loads((workspace.folder / "metrics" / "pretrain" / "resnet18" / "test.json").read_text())
    assert ("synthetic: no result on real data", "test") == (found["data"], found["subset"])
    assert {"smallest", "second", "third", "largest", "unit"} == set(found["by_size"])


def test_other_unseen_phantoms_cost_no_training(workspace: Workspace) -> None:
    workspace.commit("Run")
    output = workspace.run("dvc", "exp", "run", "-S", "pretrain.unseen.seed=77", "pretrain/dvc.yaml")
    assert STAGES - {"pretrain@resnet18"} == set(_stages_run(output))
    output = workspace.run("dvc", "exp", "run", "-S", "evaluate.seed=7", "pretrain/dvc.yaml")
    assert "unseen" not in _stages_run(output)
    workspace.run("git", "checkout", "-q", ".")


def test_a_killed_stage_goes_on_and_another_recipe_starts_anew(workspace: Workspace, tmp_path: Path) -> None:
    command = (*TRAIN, "--arch", "resnet18", "--model")
    clone = workspace.clone(tmp_path / "clone")
    _write_section(clone, budget=400)
    whole = clone.run(*command, "whole")
    assert "from a checkpoint" not in whole
    _write_section(clone, budget=400, seed=5)
    killed = clone.start(*command, "killed")
    assert "pretrain: 104 of" in read_until(killed, "pretrain: 104 of")
    kill_all(killed)
    _write_section(clone, budget=400, seed=6)
    assert "from a checkpoint" not in clone.run(*command, "other")
    _write_section(clone, budget=400, seed=5)
    assert "pictures, from a checkpoint" in clone.run(*command, "killed")
    fresh = workspace.clone(tmp_path / "fresh")
    _write_section(fresh, budget=400, seed=5)
    fresh.run(*command, "killed")
    name = Path("killed") / "weights.safetensors"
    assert (fresh.folder / name).read_bytes() == (clone.folder / name).read_bytes()


@pytest.mark.parametrize("arch", ["resnet35", "squeezenet1_1"])
def test_an_architecture_that_is_none_or_no_resnet_is_refused(workspace: Workspace, arch: str) -> None:
    output = workspace.run(*TRAIN, "--model", "m", "--arch", arch, code=1)
    assert (
        f"error: --arch: expected one of resnet18, resnet34, resnet50, resnet101, resnet152, came {arch!r}"
        in (output)
    )
    assert "Traceback" not in output
