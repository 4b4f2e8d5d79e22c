import subprocess
import sys

import cv2
import numpy as np
import pytest

from brainmri import compute
from brainmri.errors import BadInput
from brainmri.phantom.patients.dataset import ScanRow, make_data_set
from brainmri.tables import read_rows


def read_all(folder) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_one_seed_gives_the_same_bytes_with_one_process_and_with_two(tmp_path, params, monkeypatch):
    many = params.model_copy(update={"patients": 32, "slices_per_patient": 1, "size_px": 64})
    for cores in (1, 2):
        monkeypatch.setattr(compute, "available_cores", lambda cores=cores: cores)
        make_data_set(many, tmp_path / str(cores))
    assert read_all(tmp_path / "1") == read_all(tmp_path / "2")


def test_another_seed_gives_other_pictures(tmp_path, params):
    small = params.model_copy(update={"patients": 1, "slices_per_patient": 1})
    make_data_set(small, tmp_path / "a")
    make_data_set(small.model_copy(update={"seed": 1}), tmp_path / "b")
    name = "images/P001_1.png"
    assert read_all(tmp_path / "a")[name] != read_all(tmp_path / "b")[name]


def test_table_pictures_and_masks_agree(tmp_path, params):
    count = make_data_set(params, tmp_path)
    rows = read_rows(tmp_path / "scans.csv", ScanRow)
    assert (count.patients, count.slices) == (8, 16)
    assert len({(tmp_path / row.path).read_bytes() for row in rows}) == 16
    assert count.tumor_slices == sum(row.label == "tumor" for row in rows)
    assert [row.path for row in rows] == sorted(row.path for row in rows)
    assert {row.path for row in rows} == {name for name in read_all(tmp_path) if name.startswith("images/")}
    assert {row.mask for row in rows if row.mask} == {
        name for name in read_all(tmp_path) if name.startswith("masks/")
    }
    for row in rows:
        assert (row.label == "tumor") == (row.mask is not None)
        assert row.path.startswith(f"images/{row.patient}_")
        if row.mask:
            mask = cv2.imread(str(tmp_path / row.mask), cv2.IMREAD_UNCHANGED)
            assert np.unique(mask).tolist() == [0, 255]


def test_nothing_of_an_earlier_run_survives_and_other_files_do(tmp_path, params):
    small = params.model_copy(update={"patients": 1, "slices_per_patient": 1})
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "P999_1.png").write_bytes(b"old")
    (tmp_path / "notes.txt").write_text("mine")
    make_data_set(small, tmp_path)
    assert not (tmp_path / "images" / "P999_1.png").exists()
    assert (tmp_path / "notes.txt").exists()


def test_a_file_in_the_way_is_refused_with_one_line(tmp_path, params):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(BadInput, match="expected a folder to write to") as refusal:
        make_data_set(params, tmp_path / "out")
    assert "\n" not in str(refusal.value)


def test_importing_it_brings_no_learning_library():
    heavy = {"torch", "fastai", "sklearn", "nilearn"}
    code = f"import sys, brainmri.phantom.patients.dataset; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
