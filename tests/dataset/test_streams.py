"""Arrays come out as numpy would save them, and a folder is replaced whole or not at all."""

import io
from pathlib import Path

import numpy as np
import pytest

from brainmri.dataset.streams import ArrayStream, replacing_folder


@pytest.mark.parametrize("count", [0, 1, 5, 12_000])
def test_a_stream_is_the_file_that_numpy_saves(tmp_path: Path, count: int) -> None:
    items = np.random.default_rng(0).integers(0, 256, (count, 3, 4), np.uint8)
    with ArrayStream(tmp_path / "a.npy", (3, 4)) as stream:
        for item in items:
            stream.append(item)
    expected = io.BytesIO()
    np.save(expected, items)
    assert expected.getvalue() == (tmp_path / "a.npy").read_bytes()


def test_an_item_of_another_shape_or_type_is_refused(tmp_path: Path) -> None:
    with ArrayStream(tmp_path / "a.npy", (2, 2)) as stream:
        for item in (np.zeros((2, 3), np.uint8), np.zeros((2, 2), np.int16)):
            with pytest.raises(ValueError, match="expected uint8 of shape"):
                stream.append(item)  # type: ignore[arg-type]


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
    (tmp_path / ".out.00000000").write_text("a file")
    (tmp_path / ".out.11111111").symlink_to(tmp_path / ".out.mine")
    with replacing_folder(tmp_path / "out", ("a",)) as aside:
        (aside / "a").write_text("whole")
    expected = {".out.mine", ".output.ab12_xyz", ".outXab12_xyz", "out.ab12_xyz", ".out.00000000"}
    assert expected | {".out.11111111", "out"} == {path.name for path in tmp_path.iterdir()}
    assert "half" == (tmp_path / ".out.mine" / "images.npy").read_text()
