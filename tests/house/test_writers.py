"""Every file has one writer, and every output is consumed, or for people to look at, or a model."""

import subprocess
from collections import Counter
from pathlib import PurePosixPath

from tests.house.closure import ROOT
from tests.house.pipeline import SCRIPTS, STAGES, charted_files, outputs, paths


def test_every_output_has_one_writer() -> None:
    written = Counter(path for stage in STAGES.values() for path in outputs(stage))
    assert [path for path, writers in written.items() if writers > 1] == []
    folders = {PurePosixPath(path) for path in written}
    assert not any(parent in folders for path in folders for parent in path.parents)


def test_every_output_is_consumed_or_for_people_to_look_at_or_a_model() -> None:
    written = {path for stage in STAGES.values() for path in outputs(stage)}
    read = {path for stage in STAGES.values() for path in paths(stage, "deps")} | {"data/phantom"}
    inside = {path for path in written if any(str(parent) in read for parent in PurePosixPath(path).parents)}
    kept = {path for stage in STAGES.values() for kind in ("metrics", "plots") for path in paths(stage, kind)}
    kept |= {str(parent) for file in charted_files() for parent in PurePosixPath(file).parents}
    kept |= {
        path
        for stage in STAGES.values()
        for item in stage.get("outs", [])
        if isinstance(item, dict)
        for path, options in item.items()
        if options.get("cache") is False
    }
    loose = written - read - kept - inside
    assert all(path.startswith("models/") for path in loose), loose


def test_every_picture_of_a_run_is_shown_by_dvc_and_no_chart_twice() -> None:
    shown = charted_files()
    alone = [file for stage in STAGES.values() for plot in stage.get("plots", []) for file in plot.items()]
    listed = subprocess.run(("git", "ls-files", "plots"), cwd=ROOT, capture_output=True, check=True)
    pictures = {name for name in listed.stdout.decode().splitlines() if name.endswith(".png")}
    assert pictures == {name for name in [*shown, *(name for name, _ in alone)] if name.endswith(".png")}
    assert len(shown) == len(set(shown))
    # DVC unpacks the folders that are plots of a stage, and charts what names no axis as it likes.
    assert [name for name, options in alone if name.endswith(".png") or {"x", "y"} <= set(options)] == [
        name for name, _ in alone
    ]


def test_every_stage_says_what_it_is_for() -> None:
    assert all(stage.get("desc") for stage in STAGES.values())


def test_every_stage_script_is_a_stage() -> None:
    # The search is run by hand: how long, and by how many processes, is no part of a pipeline. So is
    # what trains for several stages at once.
    scripts = {path.stem for path in (ROOT / "stages").glob("*.py")} - {"__init__", "search", "train_arms"}
    assert scripts == set(SCRIPTS.values())
