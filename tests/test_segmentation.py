"""The segmentation pipeline, small, with real DVC: what runs, what a variant reruns, what a kill costs."""

import json
import re
import time
from pathlib import Path

import pytest

from tests.workspace import Workspace, kill_all

pytestmark = pytest.mark.long

REPRO = ("dvc", "repro", "segmentation/dvc.yaml")
STAGES = ["find_lr_segmentation", "train_segmentation", "predict_masks", "evaluate_segmentation"]
TRAIN = ("dvc", "repro", "segmentation/dvc.yaml:train_segmentation")
WEIGHTS = Path("models") / "segmenter" / "weights.safetensors"


def _stages_run(output: str) -> list[str]:
    return re.findall(r"Running stage 'segmentation/dvc.yaml:(\w+)'", output)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = Workspace(tmp_path_factory.mktemp("segmentation"))
    made.first_output = made.run(*REPRO)  # type: ignore[attr-defined]
    made.commit("Run")
    return made


def test_one_command_segments_after_what_the_root_pipeline_shares(workspace: Workspace) -> None:
    output = workspace.first_output  # type: ignore[attr-defined]
    assert STAGES == _stages_run(output)
    assert "Running stage 'calibrate'" in output
    assert "Running stage 'evaluate'" not in output
    report = json.loads((workspace.folder / "metrics" / "segmentation.json").read_text())
    assert "test" == report["subset"]
    assert {"segmenter", "classifier"} <= set(report["detection"])
    assert 0 <= report["dice_per_patient_mean"]["value"] <= 1
    pictures = workspace.folder / "plots" / "segmentation" / "evaluation"
    assert {"losses", "lr_find", "overlays", "patients"} == {path.stem for path in pictures.glob("*.png")}
    assert [] == _stages_run(workspace.run(*REPRO))
    assert not list((workspace.folder / ".dvc" / "tmp" / "brainmri").glob("*/checkpoint.safetensors"))


def test_a_variant_is_an_experiment_that_can_be_told_apart(workspace: Workspace) -> None:
    output = workspace.run("dvc", "exp", "run", "-S", "segmentation.loss=focal", "segmentation/dvc.yaml")
    assert STAGES == _stages_run(output)
    assert "segmentation.loss" in workspace.run("dvc", "params", "diff")
    assert "segmentation.json" in workspace.run("dvc", "metrics", "diff")
    workspace.run("dvc", "plots", "diff", "--out", "diff")
    assert "segmentation_losses" in (workspace.folder / "diff" / "index.html").read_text()
    output = workspace.run("dvc", "exp", "run", "-S", "segmentation.flips=false", "segmentation/dvc.yaml")
    assert STAGES[2:] == _stages_run(output)
    workspace.run("git", "checkout", "-q", ".")


def test_another_network_is_the_root_s_arch(workspace: Workspace) -> None:
    output = workspace.run("dvc", "exp", "run", "-S", "arch=resnet34", "segmentation/dvc.yaml")
    assert STAGES == _stages_run(output)
    card = json.loads((workspace.folder / "models" / "segmenter" / "model.json").read_text())
    assert ("resnet34", "segmentation") == (card["architecture"], card["task"])
    workspace.run("git", "checkout", "-q", ".")


def test_a_killed_training_goes_on_to_the_same_bytes(workspace: Workspace, tmp_path: Path) -> None:
    clone = workspace.clone(tmp_path / "clone")
    clone.change("params.yaml", {"  epochs: 2\n": "  epochs: 12\n", "lr: auto": "lr: 1e-3"})
    clone.run(*TRAIN)
    expected = (clone.folder / WEIGHTS).read_bytes()
    clone.run("git", "checkout", "-q", "segmentation/dvc.lock")
    # DVC's own memory of the first run would answer for the second.
    clone.run("rm", "-rf", ".dvc/cache/runs", "models/segmenter")
    process = clone.start(*TRAIN)
    stores = clone.folder / ".dvc" / "tmp" / "brainmri"
    deadline = time.monotonic() + 120
    while not list(stores.glob("*/checkpoint.safetensors")) and time.monotonic() < deadline:
        time.sleep(0.02)
    kill_all(process)
    assert list(stores.glob("*/checkpoint.safetensors"))
    output = clone.run(*TRAIN)
    assert "goes on after epoch" in output
    assert expected == (clone.folder / WEIGHTS).read_bytes()


def test_an_arm_of_the_comparison_can_segment(workspace: Workspace, tmp_path: Path) -> None:
    clone = workspace.clone(tmp_path / "clone")
    # The two it takes to compare.
    others = {
        "    resnet34:\n      arch: resnet18\n    focal:\n": "    focal:\n",
        "    resnet34_paper:\n      arch: resnet18\n      protocol: paper\n": (
            "    unet:\n      task: segmentation\n"
        ),
    }
    clone.change("params.yaml", others)
    clone.run("dvc", "repro", "comparison/dvc.yaml")
    report = json.loads((clone.folder / "metrics" / "comparison.json").read_text())
    assert 0 <= report["arms"]["unet"]["masks"]["dice_per_patient_mean"]["value"] <= 1
    assert "against_first" in report["arms"]["unet"]
    table = (clone.folder / "plots" / "comparison" / "table.md").read_text()
    assert "| segmentation arm |" in table


def test_a_network_without_a_decoder_is_refused_before_training(workspace: Workspace) -> None:
    try:
        output = workspace.run(
            "dvc", "exp", "run", "-S", "arch=squeezenet1_1", "segmentation/dvc.yaml", code=255
        )
    finally:
        workspace.run("git", "checkout", "-q", ".")
    assert "arch: expected a ResNet for segmentation, came squeezenet1_1" in output
    assert "train_segmentation" not in _stages_run(output)
