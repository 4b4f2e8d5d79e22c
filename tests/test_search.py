"""Searches by hand, with real DVC in a clone: a grid of experiments, and Optuna with a kill in between."""

import csv

import pytest

from tests.workspace import Workspace, kill_all, read_until

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = Workspace(tmp_path_factory.mktemp("search"))
    changes = {
        "  folds: 3\n  paper": "  folds: 4\n  paper",
        "  trials: 24": "  trials: 4",
        "  folds: 3\n  # So": "  folds: 2\n  # So",
        "  startup: 8": "  startup: 2",
    }
    made.change("params.yaml", changes)
    made.run("dvc", "repro", "train")
    made.commit("Run")
    return made


def test_a_grid_is_a_queue_of_experiments(workspace: Workspace) -> None:
    options = ["-S", "train.batch_size=4,8", "-S", "lr=1e-4,3e-4"]
    workspace.run("dvc", "exp", "run", "--queue", *options, "train")
    assert 4 == workspace.run("dvc", "queue", "status").count("Queued")
    workspace.run("dvc", "exp", "run", "--run-all")
    rows = list(csv.DictReader(workspace.run("dvc", "exp", "show", "--csv").splitlines()))
    found = {
        (row["train.batch_size"], row["lr"]) for row in rows if row["typ"] == "branch_base" or row["rev"]
    }
    assert {(size, rate) for size in ("4", "8") for rate in ("0.0001", "0.0003")} <= found


def test_a_search_goes_on_after_a_kill_and_its_best_is_ready_to_run(workspace: Workspace) -> None:
    search = workspace.start("python", "-m", "stages.search")
    first = read_until(search, "search:")
    kill_all(search)
    assert "search: 1 of 4:" in first
    output = workspace.run("python", "-m", "stages.search")
    assert "search: 1 of 4:" not in output
    assert "search: 4 of 4:" in output
    plots = workspace.folder / "plots" / "search"
    rows = list(csv.DictReader((plots / "trials.csv").open()))
    assert 4 == len(rows)
    assert {"complete", "pruned"} >= {row["state"] for row in rows}
    assert (plots / "search.png").read_bytes().startswith(b"\x89PNG")
    best = (plots / "best.txt").read_text().split()
    assert "Running stage 'train'" in workspace.run("dvc", "exp", "run", *best, "train")


def test_a_misspelt_setting_ends_before_any_training(workspace: Workspace) -> None:
    journal = workspace.folder / ".dvc" / "tmp" / "brainmri" / "search.journal"
    before = journal.read_bytes() if journal.exists() else b""
    workspace.change("params.yaml", {"    train.dropout:\n": "    train.dropuot:\n"})
    output = workspace.run("python", "-m", "stages.search", code=1)
    assert output.startswith("error: params.yaml: search.space: unknown key train.dropuot")
    assert 1 == len(output.splitlines())
    assert before == (journal.read_bytes() if journal.exists() else b"")
