"""Files and folders are replaced whole or not at all."""

import os
import time
from pathlib import Path

import pytest

from brainmri.replacement import replacing_file, replacing_folder


def test_a_file_is_the_old_one_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a"
    with replacing_file(path) as aside:
        aside.write_text("before")
    with replacing_file(path) as aside:
        aside.write_text("after")
        assert "before" == path.read_text()
    assert ("after", 0o644) == (path.read_text(), path.stat().st_mode & 0o777)
    with pytest.raises(UnicodeEncodeError), replacing_file(path) as aside:
        aside.write_text("half a pair: \ud800", encoding="utf-8")
    assert [path] == list(path.parent.iterdir())
    assert "after" == path.read_text()


def test_folders_inside_are_replaced_whole(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "old").write_text("before")
    with replacing_folder(folder, ("images",)) as aside:
        (aside / "images").mkdir()
        (aside / "images" / "new").write_text("after")
    assert ["new"] == [path.name for path in (folder / "images").iterdir()]


def test_what_was_written_aside_replaces_and_what_was_not_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    for name in ("old", "both", "mine"):
        (folder / name).write_text("before")
    with replacing_folder(folder, ("old", "both", "new")) as aside:
        (aside / "both").write_text("after")
        (aside / "new").write_text("after")
    found = {path.name: path.read_text() for path in folder.iterdir()}
    assert {"both": "after", "new": "after", "mine": "before"} == found
    assert [folder] == list(tmp_path.iterdir())


def test_an_error_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "a").write_text("before")
    with pytest.raises(UnicodeEncodeError), replacing_folder(folder, ("a",)) as aside:
        (aside / "a").write_text("half a pair: \ud800", encoding="utf-8")
    assert "before" == (folder / "a").read_text()
    assert [folder] == list(tmp_path.iterdir())


def test_what_a_killed_run_left_aside_is_removed_and_nothing_else(tmp_path: Path) -> None:
    for name in (".out.ab12_xyz", ".out.mine", ".output.ab12_xyz", ".outXab12_xyz", "out.ab12_xyz"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "images.npy").write_text("half")
    (tmp_path / ".out.ab12_xyz" / ".lock").touch()
    (tmp_path / ".out.00000000").write_text("a file")
    (tmp_path / ".out.11111111").symlink_to(tmp_path / ".out.mine")
    with replacing_folder(tmp_path / "out", ("a",)) as aside:
        (aside / "a").write_text("whole")
    expected = {".out.mine", ".output.ab12_xyz", ".outXab12_xyz", "out.ab12_xyz", ".out.00000000"}
    assert expected | {".out.11111111", "out"} == {path.name for path in tmp_path.iterdir()}
    assert "half" == (tmp_path / ".out.mine" / "images.npy").read_text()


def test_what_a_living_run_has_aside_stays(tmp_path: Path) -> None:
    folder, old = tmp_path / "out", tmp_path / ".out.00000000"
    # Of a run that has just begun, and of one that was killed as it began.
    for path in (old, tmp_path / ".out.11111111"):
        path.mkdir()
    os.utime(old, times=(time.time() - 120,) * 2)
    with replacing_folder(folder, ("a", "b")) as first:
        (first / "a").write_text("first")
        with replacing_folder(folder, ("a", "b")) as second:
            assert first.is_dir()
            (second / "a").write_text("second")
            (second / "b").write_text("second")
        assert {"a", "b"} == {path.name for path in folder.iterdir()}
    assert ["a"] == [path.name for path in folder.iterdir()]
    assert "first" == (folder / "a").read_text()
    assert {"out", ".out.11111111"} == {path.name for path in tmp_path.iterdir()}
