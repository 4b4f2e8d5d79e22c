"""Runs that die: killed, orphaned, twice at once, on a full disk. No work is lost and no byte differs."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from brainmri.params import load_yaml
from tests.workspace import Workspace, kill_all, read_until

PLACE = Path(".dvc") / "tmp" / "brainmri"
SECONDS = 240
KILLS = 20

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """All but the training has run. A small network: its checkpoint is written in milliseconds."""
    made = Workspace(tmp_path_factory.mktemp("clones") / "untrained")
    made.change("params.yaml", {"arch: resnet18": "arch: squeezenet1_1", "lr: auto": "lr: 1e-3"})
    made.change("params.yaml", {"epochs: 1\n": "epochs: 40\n", "patience: 12": "patience: 1000"})
    made.run("dvc", "repro", "shortcuts", "find_lr")
    made.commit("Run")
    return made


@pytest.fixture(scope="module")
def undisturbed(untrained: Workspace) -> Workspace:
    """Where everything has run, and nothing has died."""
    made = untrained.clone(untrained.folder.parent / "undisturbed")
    made.run("dvc", "repro")
    return made


@pytest.fixture
def workspace(untrained: Workspace, tmp_path: Path) -> Workspace:
    """An untrained workspace of the test's own."""
    return untrained.clone(tmp_path / "clone")


def _trained(workspace: Workspace) -> dict[str, Any]:
    """What dvc.lock holds of the training; the stages after it go by nothing else."""
    return dict(workspace.locked()["stages"]["train"])


def _weights(workspace: Workspace) -> bytes:
    return (workspace.folder / "models" / "classifier" / "weights.safetensors").read_bytes()


def _train_command(workspace: Workspace) -> list[str]:
    """What DVC runs for the training, after `python`."""
    stages = load_yaml((workspace.folder / "dvc.yaml").read_text())["stages"]
    return list(stages["train"]["cmd"].split()[1:])


def test_twenty_kills_at_random_moments_cost_no_byte_and_hardly_work(
    workspace: Workspace, undisturbed: Workspace
) -> None:
    moments = random.Random(0)  # noqa: S311 - moments, not secrets
    went_on = 0
    for number in range(KILLS):
        process = workspace.start("dvc", "repro", "train")
        # Every fifth may be killed while it imports, the others while they train or write.
        said = read_until(process, "epoch" if number % 5 else "Running stage")
        before = re.search(r"goes on after epoch (\d+)", said)
        went_on += before is not None
        if number % 5:
            # However fast the machine: after none, one or two more epochs, or in the next.
            more = moments.randrange(3)
            if more:
                read_until(process, f"{more + (int(before[1]) if before else -1)}\t")
        time.sleep(moments.uniform(0, 0.3 if number % 5 else 6))
        if process.poll() is not None:
            break
        kill_all(process)
    else:
        # Not where one of them had done all before it could be killed.
        assert "goes on after epoch" in workspace.run("dvc", "repro", "train")
    assert went_on > 3
    workspace.run("dvc", "repro")
    assert undisturbed.locked() == workspace.locked()
    assert [] == list((workspace.folder / PLACE).glob("*/*.safetensors"))


def test_a_kill_before_dvc_has_recorded_the_training_costs_no_training(
    workspace: Workspace, undisturbed: Workspace
) -> None:
    first = workspace.start(sys.executable, *_train_command(workspace))
    output, _ = first.communicate(timeout=SECONDS)
    assert "train: best of" in output
    output = workspace.run("dvc", "repro", "train")
    assert "goes on after epoch 39" in output
    assert _trained(undisturbed) == _trained(workspace)


def test_a_kill_in_the_middle_of_writing_leaves_the_checkpoint_before(
    workspace: Workspace, undisturbed: Workspace
) -> None:
    # A training that has written half of its third checkpoint when it is killed.
    code = """
import os, signal, runpy, sys
import safetensors.torch
save, count = safetensors.torch.save_file, [0]
def die(tensors, path, metadata):
    save(tensors, path, metadata)
    count[0] += 1
    if count[0] == 3:
        os.truncate(path, os.path.getsize(path) // 2)
        os.kill(os.getpid(), signal.SIGKILL)
safetensors.torch.save_file = die
runpy.run_module("stages.train", run_name="__main__")
"""
    process = workspace.start(sys.executable, "-c", code, *_train_command(workspace)[2:])
    output, _ = process.communicate(timeout=SECONDS)
    assert -signal.SIGKILL == process.returncode, output
    assert 1 == len(list((workspace.folder / PLACE).glob("*/.checkpoint*")))
    again = workspace.start(
        sys.executable, "-c", code.replace("== 3", "== 0"), *_train_command(workspace)[2:]
    )
    output, _ = again.communicate(timeout=SECONDS)
    assert "goes on after epoch" in output
    assert [] == list((workspace.folder / PLACE).glob("*/.checkpoint*"))
    assert _weights(undisturbed) == _weights(workspace)


def test_ctrl_c_ends_in_one_line_and_the_next_run_goes_on(
    workspace: Workspace, undisturbed: Workspace
) -> None:
    process = workspace.start("dvc", "repro", "train")
    read_until(process, "12")
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=SECONDS)
    assert "error: interrupted; the same command runs what is left" in output
    assert "Traceback" not in output
    assert "goes on after epoch" in workspace.run("dvc", "repro", "train")
    assert _trained(undisturbed) == _trained(workspace)


@pytest.mark.parametrize("shell", ["/bin/bash", "/bin/sh"])
def test_an_orphan_is_waited_for_and_its_work_taken_over(
    workspace: Workspace, undisturbed: Workspace, shell: str
) -> None:
    first = workspace.start("dvc", "repro", "train", SHELL=shell)
    read_until(first, "epoch")
    os.kill(first.pid, signal.SIGKILL)
    first.wait(SECONDS)
    output = workspace.run("dvc", "repro", "train", SHELL=shell)
    assert "is at it already; waiting for its end" in output
    assert "goes on after epoch 39" in output
    assert _trained(undisturbed) == _trained(workspace)


def test_two_trainings_in_one_folder_take_turns(workspace: Workspace, undisturbed: Workspace) -> None:
    command = [sys.executable, *_train_command(workspace)]
    first = workspace.start(*command)
    read_until(first, "epoch")
    second = workspace.start(*command)
    assert f"process {first.pid} on " in read_until(second, "training: process")
    first.communicate(timeout=SECONDS)
    output, _ = second.communicate(timeout=SECONDS)
    assert (0, 0) == (first.returncode, second.returncode)
    assert "goes on after epoch 39" in output
    assert _weights(undisturbed) == _weights(workspace)


def test_an_experiment_in_a_copy_goes_on_from_the_checkpoint_in_the_workspace(
    workspace: Workspace, undisturbed: Workspace
) -> None:
    run = ("dvc", "exp", "run", "--temp", "-S", "evaluate.seed=1")
    process = workspace.start(*run)
    read_until(process, "12")
    kill_all(process)
    assert "goes on after epoch" in workspace.run(*run, "-n", "again")
    # It brings everything but what was never made here, the segmenter, and says so (docs/search.md).
    told = workspace.run("dvc", "exp", "apply", "again", code=255)
    failed = told.split("Checkout failed for following targets:\n")[1].split("Is your cache")[0]
    assert {"data/segmentation", "models/segmenter"} == set(failed.split())
    assert "Data and pipelines are up to date." in workspace.run("dvc", "status", "dvc.yaml")
    assert _weights(undisturbed) == _weights(workspace)


def test_a_full_disk_ends_in_one_line_and_the_model_before_comes_back(
    workspace: Workspace, undisturbed: Workspace
) -> None:
    workspace.run("dvc", "repro")
    assert undisturbed.locked() == workspace.locked()
    workspace.commit("Train")
    # Files of at most 10 MB: the model fits, a checkpoint doesn't.
    output = workspace.run("bash", "-c", "ulimit -f 10000; dvc exp run -S seed=2", code=255)
    assert "error: checkpoint: can't be written" in output
    assert "make room" in output
    assert "Traceback" not in output
    model = workspace.folder / "models" / "classifier" / "weights.safetensors"
    assert not model.exists()
    workspace.restore()
    assert undisturbed.locked() == workspace.locked()
    assert model.stat().st_size > 1_000_000


def test_load_on_the_machine_changes_no_byte_of_a_training(
    workspace: Workspace, undisturbed: Workspace
) -> None:
    load = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(3)]
    try:
        workspace.run("dvc", "repro", "train")
        assert _trained(undisturbed) == _trained(workspace)
    finally:
        for process in load:
            process.kill()
            process.wait(SECONDS)


def test_ctrl_c_while_libraries_load_ends_in_one_line(workspace: Workspace) -> None:
    process = workspace.start(sys.executable, "-X", "importtime", *_train_command(workspace))
    # The first of torch's parts is there, and torch is not for a second more.
    assert "torch." in read_until(process, r".*\| +torch\.")
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=SECONDS)
    said = [line for line in output.splitlines() if not line.startswith("import time:")]
    assert ["error: interrupted; the same command runs what is left (a training from its checkpoint)"] == said
