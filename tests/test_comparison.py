"""The comparison, small, with real DVC in a clone: what reruns, what goes, and what a kill costs."""

import json
import re
import time
from pathlib import Path

import pytest

from tests.workspace import Workspace, kill_all

pytestmark = pytest.mark.long

ARMS = ["resnet34", "focal", "resnet34_paper"]
REPRO = ("dvc", "repro", "comparison/dvc.yaml")


def _stages_run(output: str) -> list[str]:
    return re.findall(r"Running stage 'comparison/dvc.yaml:([\w@]+)'", output)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = Workspace(tmp_path_factory.mktemp("comparison"))
    made.first_output = made.run(*REPRO)  # type: ignore[attr-defined]
    made.commit("Run")
    return made


def test_one_command_trains_every_arm_after_what_the_root_pipeline_shares(workspace: Workspace) -> None:
    output = workspace.first_output  # type: ignore[attr-defined]
    first, *arms, last = _stages_run(output)
    assert ("plan", "compare") == (first, last)
    # DVC promises no order among those that don't need each other.
    assert sorted(f"crossval@{arm}" for arm in ARMS) == sorted(arms)
    assert "Running stage 'split'" in output
    assert "Running stage 'train'" not in output
    report = json.loads((workspace.folder / "metrics" / "comparison.json").read_text())
    assert ["focal", "resnet34"] == sorted(report["arms"])
    assert ["resnet34_paper"] == list(report["paper_protocol"])
    table = (workspace.folder / "plots" / "comparison" / "table.md").read_text()
    assert all(f"| {name} |" in table for name in ("resnet34", "focal", "soft vote of the arms"))
    assert [] == _stages_run(workspace.run(*REPRO))


def test_an_edited_arm_reruns_alone_and_a_removed_one_leaves_nothing(workspace: Workspace) -> None:
    workspace.change("params.yaml", {"loss: focal": "loss: cross_entropy"})
    assert ["plan", "crossval@focal", "compare"] == _stages_run(workspace.run(*REPRO))
    workspace.change(
        "params.yaml", {"    focal:\n      lr: 1e-3\n      train:\n        loss: cross_entropy\n": ""}
    )
    assert ["plan", "compare"] == _stages_run(workspace.run(*REPRO))
    left = {path.stem for path in (workspace.folder / "data" / "comparison").iterdir()}
    assert {"resnet34", "resnet34_paper", "units"} == left
    workspace.run("git", "checkout", "-q", ".")


@pytest.mark.parametrize("name", ["a b", "a;touch planted", "$(touch planted)"])
def test_a_name_that_a_shell_would_read_ends_before_any_training(workspace: Workspace, name: str) -> None:
    workspace.change("params.yaml", {"    focal:\n": f'    "{name}":\n'})
    try:
        output = workspace.run(*REPRO, code=255)
    finally:
        workspace.run("git", "checkout", "-q", ".")
    assert "expected names of letters, digits, - and _" in output
    assert not any("crossval" in stage for stage in _stages_run(output))
    assert not (workspace.folder / "planted").exists()


def test_a_variant_of_one_arm_is_an_experiment(workspace: Workspace) -> None:
    # `+` adds what the arm doesn't name yet.
    changes = ["-S", "comparison.arms.focal.lr=2e-3", "-S", "+comparison.arms.focal.epochs=2"]
    output = workspace.run("dvc", "exp", "run", *changes, "comparison/dvc.yaml")
    assert "crossval@resnet34" not in _stages_run(output)
    assert "crossval@focal" in _stages_run(output)
    assert "comparison.arms.focal.epochs" in workspace.run("dvc", "params", "diff")
    workspace.run("git", "checkout", "-q", ".")


def test_a_killed_comparison_loses_only_the_units_under_way(workspace: Workspace, tmp_path: Path) -> None:
    clone, undisturbed = workspace.clone(tmp_path / "clone"), workspace.clone(tmp_path / "undisturbed")
    for space in (clone, undisturbed):
        space.change("params.yaml", {"lr: 1e-3": "lr: 1.5e-3"})
    undisturbed.run(*REPRO)
    process = clone.start(*REPRO)
    stores = clone.folder / ".dvc" / "tmp" / "brainmri"
    deadline = time.monotonic() + 120
    while not list(stores.glob("*/outcome.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    kill_all(process)
    done = {path: path.stat().st_mtime_ns for path in stores.glob("*/outcome.json")}
    assert done
    clone.run(*REPRO)
    name = "data/comparison/focal.csv"
    assert (undisturbed.folder / name).read_bytes() == (clone.folder / name).read_bytes()
    assert not list(stores.glob("*/outcome.json"))


def test_all_arms_at_once_leave_dvc_nothing_to_train(workspace: Workspace, tmp_path: Path) -> None:
    ahead, one_by_one = workspace.clone(tmp_path / "ahead"), workspace.clone(tmp_path / "one_by_one")
    for space in (ahead, one_by_one):
        space.change(
            "params.yaml", {"lr: 1e-3": "lr: 1.7e-3", "protocol: paper": "protocol: paper\n      lr: 2e-3"}
        )
    one_by_one.run(*REPRO)
    said = ahead.run("python", "-m", "stages.train_arms", code=1)
    assert "expected all before the arms to be up to date, came plan;" in said.splitlines()[-1]
    ahead.run("dvc", "repro", "comparison/dvc.yaml:plan")
    said = ahead.run("python", "-m", "stages.train_arms")
    # The first arm is as it was, and is left alone.
    told = re.findall(r"^train_arms: \d+ of \d+: (\w+): ", said, re.MULTILINE)
    assert {"focal", "resnet34_paper"} == set(told)
    stores = ahead.folder / ".dvc" / "tmp" / "brainmri"
    kept = {path: path.stat().st_mtime_ns for path in stores.glob("*/outcome.json")}
    assert len(kept) == len(told)
    for name in ("focal", "resnet34_paper"):
        ahead.run("dvc", "repro", "--single-item", f"comparison/dvc.yaml:crossval@{name}")
    assert kept == {path: path.stat().st_mtime_ns for path in stores.glob("*/outcome.json")}
    ahead.run(*REPRO)
    assert not list(stores.glob("*/outcome.json"))
    for name in ("focal.csv", "focal.json", "resnet34_paper.csv", "resnet34_paper.json"):
        path = Path("data", "comparison", name)
        assert (one_by_one.folder / path).read_bytes() == (ahead.folder / path).read_bytes()
    assert "train_arms: all arms are up to date" in ahead.run("python", "-m", "stages.train_arms")
    # Of what lies above the plan, which DVC would do anew before it.
    ahead.change("params.yaml", {"paper_valid_share: 0.2\n  seed: 2": "paper_valid_share: 0.2\n  seed: 3"})
    said = ahead.run("python", "-m", "stages.train_arms", code=1)
    assert "expected all before the arms to be up to date, came split;" in said.splitlines()[-1]
