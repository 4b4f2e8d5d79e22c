"""The whole pipeline, small, with real DVC in a clone: what a user types works, and gives the same bytes."""

import json
import re
from pathlib import Path

import pytest

from brainmri.params import load_yaml
from tests.house.pipeline import ROOT_STAGES
from tests.workspace import Workspace

ALL = ROOT_STAGES


def _stages_run(output: str) -> list[str]:
    return re.findall(r"Running stage '(\w+)'", output)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = Workspace(tmp_path_factory.mktemp("clone"))
    made.first_output = made.run("dvc", "repro")  # type: ignore[attr-defined]
    made.commit("Run")
    return made


def test_one_command_runs_every_stage(workspace: Workspace) -> None:
    output = workspace.first_output  # type: ignore[attr-defined]
    assert set(ALL) == set(_stages_run(output))
    assert re.search(r"epoch\s+train_loss\s+valid_loss\s+accuracy\s+time", output)
    report = json.loads((workspace.folder / "metrics" / "test.json").read_text())
    assert {"slice", "patient_max", "patient_mean", "shortcuts", "subset"} <= set(report)
    assert {"value", "low", "high"} <= set(report["slice"]["auroc"])


def test_a_second_run_has_nothing_to_do(workspace: Workspace) -> None:
    assert [] == _stages_run(workspace.run("dvc", "repro"))
    assert "up to date" in workspace.run("dvc", "status", "dvc.yaml")


@pytest.mark.long
def test_two_clones_give_the_same_lock_file_and_metrics(
    workspace: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Workspace(tmp_path_factory.mktemp("other"))
    other.run("dvc", "repro")
    assert workspace.locked() == other.locked()
    written = [str(path.relative_to(other.folder)) for path in other.folder.glob("metrics/*")]
    written += [str(path.relative_to(other.folder)) for path in other.folder.rglob("plots/**/*.png")]
    assert len(written) > 10
    for name in written:
        expected = workspace.run("git", "rev-parse", f"HEAD:{name}").strip()
        assert expected == other.run("git", "hash-object", name).strip(), name


@pytest.mark.long
def test_another_architecture_reruns_find_lr_and_later_only(workspace: Workspace) -> None:
    output = workspace.run("dvc", "exp", "run", "-n", "deeper", "-S", "arch=resnet34")
    assert sorted(ALL[ALL.index("find_lr") :]) == sorted(_stages_run(output))
    assert "deeper" in workspace.run("dvc", "exp", "show", "--csv")
    assert "auroc" in workspace.run("dvc", "metrics", "diff")
    assert "resnet34" in workspace.run("dvc", "params", "diff")
    page = workspace.run("dvc", "plots", "diff", "--out", "diff")
    assert "index.html" in page
    assert "losses" in (workspace.folder / "diff" / "index.html").read_text()
    workspace.restore()


@pytest.mark.long
def test_a_queued_experiment_runs_the_copy_s_code(workspace: Workspace) -> None:
    for seed in (1, 2):
        workspace.run("dvc", "exp", "run", "--queue", "-n", f"seed{seed}", "-S", f"evaluate.seed={seed}")
    broken = workspace.folder / "src" / "brainmri" / "scoring" / "evaluation.py"
    kept = broken.read_text()
    broken.write_text(kept + "\nraise RuntimeError('the code of the workspace ran')\n")
    try:
        # As an editable install of the workspace would: its code is what an import finds.
        output = workspace.run("dvc", "exp", "run", "--run-all", PYTHONPATH=str(broken.parents[2]))
    finally:
        broken.write_text(kept)
    assert "Failed" not in output
    shown = json.loads(workspace.run("dvc", "exp", "show", "--json"))
    found = {one["name"]: one for base in shown for run in base["experiments"] or [] for one in run["revs"]}
    for seed in (1, 2):
        data = found[f"seed{seed}"]["data"]
        assert seed == data["params"]["params.yaml"]["data"]["evaluate"]["seed"]
        assert "auroc" in data["metrics"]["metrics/test.json"]["data"]["slice"], output


@pytest.mark.long
def test_results_travel_through_a_remote(workspace: Workspace, tmp_path: Path) -> None:
    workspace.run("dvc", "remote", "add", "-q", "--local", "-f", "store", str(tmp_path / "store"))
    workspace.run("dvc", "push", "-r", "store")
    clone = tmp_path / "clone"
    workspace.run("git", "clone", "-q", str(workspace.folder), str(clone))
    (clone / ".dvc" / "config.local").write_text((workspace.folder / ".dvc" / "config.local").read_text())
    workspace.run("dvc", "--cd", str(clone), "pull", "-r", "store", "dvc.yaml")
    for name in ("models/classifier/weights.safetensors", "data/prepared/images.npy"):
        assert (workspace.folder / name).read_bytes() == (clone / name).read_bytes()
    assert "up to date" in workspace.run("dvc", "--cd", str(clone), "status", "dvc.yaml")


def test_a_wrong_value_ends_in_one_line_before_any_work_and_earlier_outputs_come_back(
    workspace: Workspace,
) -> None:
    names = ("metrics/test.json", "metrics/train.json", "models/classifier/weights.safetensors")
    before = [(workspace.folder / name).read_bytes() for name in names]
    output = workspace.run("dvc", "exp", "run", "-S", "epochs=abc", code=255)
    assert "error: params.yaml: epochs: expected a whole number of at least 1, came 'abc'" in output
    assert "Traceback" not in output
    workspace.restore()
    assert before == [(workspace.folder / name).read_bytes() for name in names]


@pytest.mark.long
def test_the_paper_s_protocol_reports_on_what_it_watched_and_warns(workspace: Workspace) -> None:
    workspace.run("dvc", "exp", "run", "-S", "split.protocol=paper", "-S", "lr=1e-3")
    report = json.loads((workspace.folder / "metrics" / "test.json").read_text())
    assert "valid" == report["subset"]
    assert report["warning"].startswith("random split")
    assert report["slice"]["n"] == report["last_epoch"]["slice"]["n"] == 6
    point = json.loads((workspace.folder / "models" / "operating_point.json").read_text())
    assert (1.0, 0.5) == (point["temperature"], point["threshold"])
    assert "best" in (workspace.folder / "data" / "predictions.csv").read_text()
    assert "last" in (workspace.folder / "data" / "predictions.csv").read_text()
    workspace.restore()


def test_no_tracked_file_names_a_path_a_host_or_a_time(workspace: Workspace) -> None:
    tracked = workspace.run("git", "ls-files", "metrics", "plots", "dvc.lock").split()
    assert len(tracked) > 15
    for name in tracked:
        content = (workspace.folder / name).read_bytes()
        assert str(workspace.folder).encode() not in content, name
        assert not re.search(rb"\b20\d\d-\d\d-\d\d\b|\d\d:\d\d:\d\d", content), name


def test_params_stay_as_they_were(workspace: Workspace) -> None:
    params = load_yaml((workspace.folder / "params.yaml").read_text())
    assert ("resnet18", 1, "auto") == (params["arch"], params["epochs"], params["lr"])
