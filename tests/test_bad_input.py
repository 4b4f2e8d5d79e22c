"""What a user gets wrong ends in one line that names it and says what to do, and keeps earlier outputs."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.commands import run_stage_here
from tests.house.closure import ROOT
from tests.pictures import draw_head, write_class_folders
from tests.workspace import TINY

PREPARE = ("--raw", "raw", "--prepared", "out/prepared", "--sheet", "out/sheet.png")
AUDIT = ("--prepared", "out/prepared", "--groups", "out/g.csv", "--metrics", "out/a.json", "--plots", "out/p")
SPLIT = ("--prepared", "out/prepared", "--groups", "out/g.csv", "--manifest", "out/split.csv")
SPLIT = (*SPLIT, "--metrics", "out/s.json")
FIND_LR = ("--prepared", "out/prepared", "--manifest", "out/split.csv", "--metrics", "out/lr.json")
FIND_LR = (*FIND_LR, "--curve", "out/curve.csv")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A raw folder of twelve images, beside the tiny params."""
    return _make_folder(tmp_path)


def _make_folder(folder: Path) -> Path:
    params = (ROOT / "params.yaml").read_text().replace("positive: tumor", "positive: yes")
    for old, new in TINY.items():
        params = params.replace(old, new)
    (folder / "params.yaml").write_text(params)
    write_class_folders(folder / "raw", 6)
    return folder


def _stage(folder: Path, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); sys.argv[0] = 'x'; "
    code += f"import runpy; runpy.run_module('stages.{name}', run_name='__main__')"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def _refused(folder: Path, name: str, *arguments: str) -> str:
    done = run_stage_here(name, folder, *arguments)
    assert 1 == done.returncode, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert 1 == len(lines), done.stderr
    assert lines[0].startswith("error: ")
    return lines[0]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that is prepared and split."""
    folder = _make_folder(tmp_path_factory.mktemp("done"))
    for name, arguments in (("prepare", PREPARE), ("audit", AUDIT), ("split", SPLIT)):
        stage = _stage(folder, name, *arguments)
        assert 0 == stage.returncode, stage.stderr
    return folder


@pytest.fixture
def split_folder(done: Path, tmp_path: Path) -> Path:
    """A copy of the folder that is prepared and split."""
    return shutil.copytree(done, tmp_path / "copy")


def _empty(raw: Path) -> None:
    for path in raw.rglob("*.png"):
        path.unlink()


def _many_bad(raw: Path) -> None:
    for number in range(6):
        (raw / "no" / f"bad{number}.png").write_text("text")


def _table_without_label(raw: Path) -> None:
    (raw / "scans.csv").write_text("path\nno/no000.png\nyes/yes000.png\n")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_empty, "came no scan"),
        (_many_bad, "to be rejected (prepare.max_rejected), came 6; the first is no/bad0.png: expected PNG"),
        (_table_without_label, "expected a label or a mask, came neither"),
    ],
)
def test_a_raw_folder_that_can_not_be_used(folder: Path, spoil: Callable[[Path], None], said: str) -> None:
    assert 0 == _stage(folder, "prepare", *PREPARE).returncode
    before = {path: path.read_bytes() for path in (folder / "out" / "prepared").iterdir()}
    spoil(folder / "raw")
    assert said in _refused(folder, "prepare", *PREPARE)
    assert before == {path: path.read_bytes() for path in (folder / "out" / "prepared").iterdir()}


def test_a_few_bad_files_are_rejected_and_the_run_goes_on(folder: Path) -> None:
    (folder / "params.yaml").write_text(
        (folder / "params.yaml").read_text().replace("max_rejected: 0.1", "max_rejected: 0.4")
    )
    (folder / "raw" / "no" / "text.png").write_text("text")
    (folder / "raw" / "no" / "zero.jpg").touch()
    whole = folder / "whole.jpg"
    Image.fromarray(draw_head(5, tumor=False)).save(whole)
    (folder / "raw" / "yes" / "cut.jpg").write_bytes(whole.read_bytes()[:300])
    done = _stage(folder, "prepare", *PREPARE)
    assert 0 == done.returncode, done.stderr
    assert "12 slices of 15 scans, 3 rejected" in done.stdout
    listed = (folder / "out" / "prepared" / "rejected.csv").read_text()
    assert all(name in listed for name in ("no/text.png", "no/zero.jpg", "yes/cut.jpg"))


def test_a_class_may_be_called_no(folder: Path) -> None:
    done = _stage(folder, "prepare", *PREPARE)
    assert 0 == done.returncode, done.stderr
    assert '"negative": "no"' in (folder / "out" / "prepared" / "preparation.json").read_text()


@pytest.mark.parametrize(
    ("old", "new", "stage", "said"),
    [
        (
            "size: 32",
            "size: 7",
            "prepare",
            "prepare.size: expected a whole number of pixels from 32 to 512, came 7",
        ),
        ("positive: yes", "positive: tumour", "prepare", "prepare.positive: expected one of no, yes"),
        ("crop: true", "crop: yes", "prepare", "prepare.crop: expected true or false, came 'yes'"),
        ("  crop:", "  cropp:", "prepare", "prepare.cro"),
        ("arch: resnet18", "arch: resnet35", "find_lr", "arch: expected one of resnet18, resnet34"),
        ("lr: auto", "lr: abc", "find_lr", "lr: expected auto or a number above 0 and below 100, came 'abc'"),
        ("lr: auto", "lr: -1", "find_lr", "lr: expected auto or a number above 0"),
        ("weights: none", "weights: gone.pth", "find_lr", "weights: expected none, phantom, imagenet or"),
        ("  patience:", "  patiense:", "find_lr", "train.patien"),
    ],
)
def test_a_wrong_key_or_value(split_folder: Path, old: str, new: str, stage: str, said: str) -> None:
    text = (split_folder / "params.yaml").read_text()
    assert f"\n{old}" in text or f"  {old}" in text
    (split_folder / "params.yaml").write_text(text.replace(old, new, 1))
    assert said in _refused(split_folder, stage, *(PREPARE if stage == "prepare" else FIND_LR))


def test_a_number_for_lr_needs_no_search_and_1e_3_is_one(split_folder: Path) -> None:
    text = (split_folder / "params.yaml").read_text()
    (split_folder / "params.yaml").write_text(text.replace("\nlr: auto", "\nlr: 1e-3"))
    done = _stage(split_folder, "find_lr", *FIND_LR)
    assert 0 == done.returncode, done.stderr
    assert '"learning_rate": 0.001' in (split_folder / "out" / "lr.json").read_text()


def test_a_set_without_masks_can_not_be_segmented(split_folder: Path) -> None:
    said = _refused(split_folder, "find_lr_segmentation", *FIND_LR)
    assert "raw: expected masks to learn from, came none; name them in scans.csv, column mask" in said


def test_a_comparison_with_a_segmenter_needs_masks_before_any_training(split_folder: Path) -> None:
    text = (split_folder / "params.yaml").read_text()
    arm = "    focal:\n      task: segmentation\n"
    assert "    focal:\n      lr: 1e-3\n      train:\n        loss: focal\n" in text
    text = text.replace("    focal:\n      lr: 1e-3\n      train:\n        loss: focal\n", arm)
    (split_folder / "params.yaml").write_text(text)
    plan = ("--prepared", "out/prepared", "--manifest", "out/split.csv", "--scores", "out/scores")
    said = _refused(split_folder, "plan", *plan, "--units", "out/scores/units.csv")
    assert "raw: expected masks to learn from, came none" in said
    assert not (split_folder / "out" / "scores" / "units.csv").exists()


def test_epochs_of_zero_and_missing_weights_end_training_before_it_begins(split_folder: Path) -> None:
    (split_folder / "out" / "lr.json").write_text('{"learning_rate": 0.001}')
    text = (split_folder / "params.yaml").read_text()
    (split_folder / "params.yaml").write_text(text.replace("\nepochs: 1", "\nepochs: 0"))
    train = ("--prepared", "out/prepared", "--manifest", "out/split.csv", "--lr", "out/lr.json")
    train = (*train, "--model", "out/model", "--history", "out/history.csv", "--metrics", "out/train.json")
    assert "epochs: expected a whole number of at least 1, came 0" in _refused(split_folder, "train", *train)
    assert not (split_folder / "out" / "model").exists()


def test_a_class_with_fewer_images_than_subsets(folder: Path) -> None:
    for number in range(2, 6):
        (folder / "raw" / "yes" / f"yes{number:03d}.png").unlink()
    assert 0 == _stage(folder, "prepare", *PREPARE).returncode
    assert 0 == _stage(folder, "audit", *AUDIT).returncode
    said = _refused(folder, "split", *SPLIT)
    assert "class yes: expected images of at least 3 groups (split.folds), came 2; add scans" in said


def test_one_class_alone_is_audited_and_not_split(folder: Path) -> None:
    shutil.rmtree(folder / "raw" / "no")
    assert 0 == _stage(folder, "prepare", *PREPARE).returncode
    assert "one class alone" in _stage(folder, "audit", *AUDIT).stdout
    assert "expected slices of two classes, came yes; give a folder a class" in _refused(
        folder, "split", *SPLIT
    )


def test_a_stage_refuses_to_run_the_code_of_another_checkout(folder: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path.insert(0, {str(ROOT)!r}); import stages.prepare as p; p.run(p.main)",
            *PREPARE,
        ],
        cwd=folder,
        env={"DVC_STAGE": "prepare"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 1 == done.returncode
    assert "error: stage prepare: expected the code of" in done.stderr
