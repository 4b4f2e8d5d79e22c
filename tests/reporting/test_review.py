"""The report on a change: figures with their intervals, noise said to be so, pictures before and after."""

import json
import subprocess
from pathlib import Path

import pytest

from brainmri.errors import BadInput
from brainmri.reporting.differences import Difference, Figure, compare, flatten
from brainmri.reporting.review import write_review
from brainmri.reporting.revisions import find_revision


def _git(*arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


def _write(auroc: dict[str, float], picture: bytes, params: str) -> None:
    for name, content in {
        "metrics/test.json": json.dumps({"slice": {"auroc": auroc, "n": 72}}).encode(),
        "plots/roc.png": picture,
        "plots/same.png": b"same",
        "params.yaml": params.encode(),
    }.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(content)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    _git("init", "-qb", "main")
    _write({"value": 0.8, "low": 0.7, "high": 0.9}, b"old", "arch: resnet34\ntrain:\n  lr: 1e-3\n")
    _git("add", "-A")
    _git("commit", "-qm", "Before")
    _write({"value": 0.82, "low": 0.72, "high": 0.92}, b"new", "arch: resnet50\ntrain:\n  lr: 1e-3\n")
    return tmp_path


def test_one_file_tells_params_figures_and_pictures(repository: Path) -> None:
    count = write_review(repository / "report.md", find_revision("main"), find_revision("workspace"), None)
    text = (repository / "report.md").read_text()
    assert 1 == count
    assert "| `arch` | resnet34 | resnet50 |" in text
    assert "train.lr" not in text
    row = "| `slice.auroc` | 0.800 (0.700 to 0.900) | 0.820 (0.720 to 0.920) | +0.02, inside the noise |"
    assert row in text
    assert "slice.n" not in text
    links = [part.split(")")[0] for part in text.split("](")[1:]]
    assert [b"old", b"new"] == [(repository / link).read_bytes() for link in links]


def test_with_a_url_pictures_of_commits_are_linked(repository: Path) -> None:
    _git("add", "-A")
    _git("commit", "-qm", "After")
    before, after = find_revision("main~1"), find_revision("main")
    write_review(repository / "report.md", before, after, "https://example.org/raw")
    text = (repository / "report.md").read_text()
    assert f"(https://example.org/raw/{before.commit}/plots/roc.png)" in text
    assert f"(https://example.org/raw/{after.commit}/plots/roc.png)" in text
    assert not list(repository.glob("report_pictures"))


@pytest.mark.usefixtures("repository")
def test_an_experiment_is_found_by_its_name_and_nothing_else_is() -> None:
    commit = find_revision("main").commit
    _git("update-ref", "refs/exps/aa/bb/bold-try", str(commit))
    assert commit == find_revision("bold-try").commit
    with pytest.raises(BadInput, match=r"expected a commit, .*, came none"):
        find_revision("bolder-try")


def test_outside_of_a_repository_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(BadInput, match="expected a git repository here"):
        find_revision("main")


@pytest.mark.parametrize(
    ("before", "after", "noise"),
    [
        (Figure(0.8, 0.7, 0.9), Figure(0.9, 0.85, 0.95), "inside the noise"),
        (Figure(0.6, 0.55, 0.65), Figure(0.9, 0.85, 0.95), "outside the noise"),
        (Figure(0.6), Figure(0.9, 0.85, 0.95), ""),
        (0.5, 0.7, ""),
        (None, Figure(0.9, 0.85, 0.95), ""),
    ],
)
def test_noise_is_judged_where_both_have_intervals(before: object, after: object, noise: str) -> None:
    assert noise == Difference("auroc", before, after).noise  # type: ignore[arg-type]


def test_intervals_stay_in_one_figure_and_what_came_and_went_is_told() -> None:
    content = {"a": {"value": 1, "low": 0, "high": 2, "bins": "10"}, "b": {"c": True}, "d": [1, 2]}
    assert {"a": Figure(1.0, 0, 2), "a.bins": "10", "b.c": True, "d": "1, 2"} == flatten(content)
    rows = compare({"gone": 1, "same": 2}, {"same": 2, "new": "x"})
    assert [("new", None, "x"), ("gone", 1, None)] == [(row.key, row.before, row.after) for row in rows]


def test_text_of_a_metric_can_t_break_the_table_or_link_away(repository: Path) -> None:
    _write({"value": 0.8, "low": 0.7, "high": 0.9}, b"old", "raw: 'a|b ![x](http://e.org) <img> @all'\n")
    write_review(repository / "report.md", find_revision("main"), find_revision("workspace"), None)
    row = next(line for line in (repository / "report.md").read_text().splitlines() if "`raw`" in line)
    assert 4 == row.replace("\\|", "").count("|")
    assert "![x]" not in row
    assert "@all" not in row
    assert "<img" not in row.replace("\\<", "")
