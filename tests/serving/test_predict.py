"""Scans in, answers out: the pixels, numbers and rejections of `predict`."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.uid import UID
from sklearn.datasets import load_sample_images

from brainmri.learning.model_folder import WEIGHTS
from brainmri.learning.prediction import predict_logits, read_classifier
from brainmri.scoring.calibration import apply_temperature
from brainmri.serving import predict
from brainmri.serving.answers import NOT_FOR_DIAGNOSIS, Answers, SliceAnswer, are_unlike
from brainmri.serving.intake import Taken, take_scans
from brainmri.serving.judging import Images, Predictor
from brainmri.serving.model import CLASSIFIER, Opinion, read_model
from brainmri.serving.predict import predict_scans
from brainmri.serving.runtimes import Runtime
from brainmri.serving.tables import to_csv, to_text
from tests.commands import main, run_here
from tests.house.closure import ROOT
from tests.pictures import draw_head
from tests.rules import RULE
from tests.scans.samples import dicom, save_dicom, save_nifti
from tests.serving.conftest import ISOLATE, LIMITS, POINT, Trained


def _predict(trained: Trained, *paths: Path, runtime: Runtime = Runtime.TORCH) -> Answers:
    folder = trained.model if runtime is Runtime.TORCH else trained.onnx
    return predict_scans(paths, Predictor(read_model(folder), runtime), LIMITS)


def test_pixels_are_exactly_those_of_training(trained: Trained) -> None:
    taken = list(take_scans([trained.raw], read_model(trained.model).rule(LIMITS), ISOLATE))
    assert all(isinstance(item, Taken) for item in taken)
    images = np.stack([piece.image for item in taken for piece in item.prepared.slices])
    assert np.array_equal(trained.prepared.images, images)


def test_probabilities_are_the_model_s_own_calibrated(trained: Trained) -> None:
    logits = predict_logits(
        read_classifier(trained.model / CLASSIFIER, WEIGHTS), np.array(trained.prepared.images)
    )
    answers = _predict(trained, trained.raw)
    found = [scan.slices[0].probability for scan in answers.scans]
    assert apply_temperature(logits, POINT.temperature).tolist() == pytest.approx(found, abs=1e-6)
    for scan in answers.scans:
        assert scan.decision == ("yes" if scan.probability_max >= POINT.threshold else "no")


def test_onnx_says_what_pytorch_says(trained: Trained) -> None:
    torch, onnx = (_predict(trained, trained.raw, runtime=runtime) for runtime in Runtime)
    assert 60 == trained.exported.images
    assert trained.exported.largest_difference < 1e-4
    for first, second in zip(torch.scans, onnx.scans, strict=True):
        assert first.probability_max == pytest.approx(second.probability_max, abs=1e-4)
        assert first.slices[0].novelty == pytest.approx(second.slices[0].novelty, rel=1e-3)
        assert (first.scan, first.unlike) == (second.scan, second.unlike)
    assert ("torch", "onnx") == (torch.model.runtime, onnx.model.runtime)


def test_a_volume_is_answered_slice_by_slice_with_maximum_and_mean(trained: Trained, tmp_path: Path) -> None:
    heads = np.stack([draw_head(number, tumor=number > 6) for number in range(10)])
    (scan,) = _predict(trained, save_nifti(tmp_path / "volume.nii.gz", heads)).scans
    probabilities = [piece.probability for piece in scan.slices]
    assert RULE.slices.most == len(probabilities)
    assert (max(probabilities), float(np.mean(probabilities))) == (
        scan.probability_max,
        scan.probability_mean,
    )
    assert sorted(piece.slice for piece in scan.slices) == [piece.slice for piece in scan.slices]


def test_a_patient_s_files_are_one_answer_and_nobody_is_named(trained: Trained, tmp_path: Path) -> None:
    for number in range(4):
        header = dicom(draw_head(number, tumor=False), PatientName="Roe^Jane")
        header.SOPInstanceUID = UID(f"1.2.{number}")
        header.PatientID = "MRN-SECRET" if number < 3 else "MRN-OTHER"
        header.SeriesInstanceUID = UID(f"1.3.{number}")
        save_dicom(tmp_path / f"{number}.dcm", header)
    answers = _predict(trained, tmp_path)
    assert [("P0001", 3), ("P0002", 1)] == [(patient.patient, patient.scans) for patient in answers.patients]
    highest = max(scan.probability_max for scan in answers.scans if scan.patient == "P0001")
    assert highest == answers.patients[0].probability_max
    for text in (answers.model_dump_json(), to_csv(answers), to_text(answers)):
        assert not [word for word in ("MRN", "SECRET", "OTHER", "Roe", "Jane") if word in text]


def test_what_can_t_be_read_is_rejected_by_name_and_the_rest_is_answered(
    trained: Trained, tmp_path: Path
) -> None:
    Image.fromarray(draw_head(1, tumor=True)).save(tmp_path / "head.png")
    Image.new("L", (64, 64), 7).save(tmp_path / "gray.png")
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "scans.csv").write_text("path\n")
    (tmp_path / "empty").mkdir()
    answers = _predict(trained, tmp_path, tmp_path / "head.png", tmp_path / "gone", tmp_path / "empty")
    assert [f"{tmp_path}/head.png"] == [scan.scan for scan in answers.scans]
    reasons = {Path(item.scan).name: item.reason for item in answers.rejected}
    assert {"gray.png", "notes.txt", "gone", "empty"} == set(reasons)
    assert "one value everywhere" in reasons["gray.png"]
    assert "no such file or folder here" == reasons["gone"]


def _photographs() -> list[NDArray[np.uint8]]:
    photographs = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in load_sample_images().images]
    return [image[:, start : start + 400] for image in photographs for start in (0, 100, 200)]


def _page() -> NDArray[np.uint8]:
    page = np.full((200, 200), 255, np.uint8)
    for line in range(8):
        cv2.putText(page, "NOT A SCAN AT ALL", (5, 20 + 24 * line), 0, 0.6, 0, 1)
    return page


STRANGE: dict[str, Callable[[], list[NDArray[np.uint8]]]] = {
    "photographs": _photographs,
    "inverted": lambda: [255 - draw_head(number, tumor=False) for number in range(300, 306)],
    "text": lambda: [_page()],
    "noise": lambda: [np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)],
    "stripes": lambda: [np.tile(np.array([0, 255], np.uint8).repeat(4), (64, 8))],
}


@pytest.mark.parametrize("runtime", list(Runtime))
@pytest.mark.parametrize("kind", STRANGE)
def test_what_is_no_mri_is_flagged(trained: Trained, tmp_path: Path, kind: str, runtime: Runtime) -> None:
    for number, image in enumerate(STRANGE[kind]()):
        Image.fromarray(image).save(tmp_path / f"{number}.png")
    answers = _predict(trained, tmp_path, runtime=runtime)
    assert answers.scans
    assert all(scan.unlike for scan in answers.scans)


def test_heads_that_were_not_in_training_are_mostly_not_flagged(trained: Trained, tmp_path: Path) -> None:
    for number in range(200, 240):
        Image.fromarray(draw_head(number, tumor=number % 2 == 0)).save(tmp_path / f"{number}.png")
    assert sum(scan.unlike for scan in _predict(trained, tmp_path).scans) <= 4


def _answer(*slices: tuple[float, bool]) -> list[SliceAnswer]:
    return [
        SliceAnswer(slice=place, probability=probability, decision="no", novelty=2 * unlike, unlike=unlike)
        for place, (probability, unlike) in enumerate(slices)
    ]


def test_a_scan_is_unlike_if_the_deciding_slice_is_or_half_of_all_are() -> None:
    assert are_unlike(_answer((0.9, True), (0.1, False), (0.2, False)))
    assert not are_unlike(_answer((0.9, False), (0.1, True), (0.2, False)))
    assert are_unlike(_answer((0.9, False), (0.1, True)))


def test_names_can_t_command_a_terminal_or_forge_a_line(trained: Trained, tmp_path: Path) -> None:
    folder = tmp_path / "d\x1b[31m\n\u202erow"
    folder.mkdir()
    Image.fromarray(draw_head(1, tumor=True)).save(folder / "head.png")
    answered = _command(tmp_path, folder.name, f"gone\n{'n' * 300}", "--model", trained.onnx)
    assert (1, "") == (answered.returncode, answered.stderr)
    assert "d\\x1b[31m\\n\\u202erow/head.png" in answered.stdout
    assert not {"\x1b", "\u202e"} & set(answered.stdout)
    assert 1 == answered.stdout.count("rejected: gone\\nnnn")


def test_a_stranger_s_folder_is_no_place_for_modules(trained: Trained, tmp_path: Path) -> None:
    Image.fromarray(draw_head(1, tumor=True)).save(tmp_path / "head.png")
    for name in ("argparse", "cv2", "dl", "onnxruntime", "traceback"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('planted')")
    answered = _command(tmp_path, "head.png", "--model", trained.onnx)
    assert (0, "") == (answered.returncode, answered.stderr)


def test_what_can_t_be_written_ends_in_one_line_and_no_answer_s_code(
    trained: Trained, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "old.png").touch()
    for place in ("file", "full"):
        refused = _command_here(tmp_path, "x.png", "--explain", place, "--model", trained.model)
        assert (2, 1) == (refused.returncode, refused.stderr.count("\n"))
        assert f"--explain {place}: expected a new or empty folder" in refused.stderr


def _command(folder: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "brainmri", "predict", *map(str, arguments)]
    shutil.copy(ROOT / "params.yaml", folder)
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def _command_here(folder: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
    shutil.copy(ROOT / "params.yaml", folder)
    return run_here(main, folder, "predict", *arguments)


def test_the_command_prints_a_table_json_or_csv_and_its_code_says_how_it_went(
    trained: Trained, tmp_path: Path
) -> None:
    Image.fromarray(draw_head(1, tumor=True)).save(tmp_path / "=head.png")
    (tmp_path / "bad.png").touch()
    model = ("--model", trained.onnx)
    plain = _command(tmp_path, "=head.png", *model)
    assert (0, "") == (plain.returncode, plain.stderr)
    assert NOT_FOR_DIAGNOSIS in plain.stdout
    both = _command_here(tmp_path, "=head.png", "bad.png", "--json", *model)
    assert 1 == both.returncode
    content = json.loads(both.stdout)
    assert ["bad.png"] == [item["scan"] for item in content["rejected"]]
    assert NOT_FOR_DIAGNOSIS == content["notice"]
    table = _command_here(tmp_path, "=head.png", "bad.png", "--csv", *model).stdout.splitlines()
    assert table[0].startswith("scan,patient,slices,probability_max")
    assert table[1].startswith("'=head.png,,1,0.")
    assert all(NOT_FOR_DIAGNOSIS in line for line in table[1:])
    assert table[2].startswith("bad.png,")
    assert 2 == _command_here(tmp_path, "bad.png", *model).returncode
    wrong = _command_here(tmp_path, "=head.png", "--model", "models")
    assert 2 == wrong.returncode
    assert wrong.stderr.startswith("error: models: expected a model folder with classifier/ in it, came none")
    assert 1 == wrong.stderr.count("\n")


def test_lines_of_csv_are_printed_before_what_comes_next_is_judged(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        Image.fromarray(draw_head(number, tumor=True)).save(tmp_path / f"{number}.png")
    lines = []

    def judge(self: Predictor, batches: Iterable[Images]) -> Iterator[Opinion]:
        for images in batches:
            lines.append(sys.stdout.buffer.getvalue().count(b"\n"))  # type: ignore[attr-defined]
            yield self.network.judge(images)

    monkeypatch.setattr(Predictor, "judge", judge)
    monkeypatch.setattr(predict, "_CHUNK", 1)
    done = _command_here(tmp_path, ".", "--csv", "--model", trained.onnx)
    # Of params.yaml, which is no scan, at the end.
    assert (1, 5) == (done.returncode, done.stdout.count("\n"))
    assert [0, 2, 3] == lines  # none before the first, then the columns' too


def test_nobody_who_reads_is_no_error(trained: Trained, tmp_path: Path) -> None:
    Image.fromarray(draw_head(1, tumor=True)).save(tmp_path / "head.png")
    command = [sys.executable, "-m", "brainmri", "predict", "head.png", "--csv", "--model", str(trained.onnx)]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert b"" == running.stderr.read()
    assert 141 == running.returncode


def test_explain_writes_a_picture_a_scan_whose_name_is_no_path(trained: Trained, tmp_path: Path) -> None:
    heads = np.stack([draw_head(number, tumor=number > 6) for number in range(10)])
    save_nifti(tmp_path / "a volume.nii.gz", heads)
    Image.fromarray(heads[8]).save(tmp_path / "..head$.png")
    paths, heat = ("a volume.nii.gz", "..head$.png"), ("--explain", "heat", "--model")
    answered = _command(tmp_path, *paths, *heat, trained.model)
    assert (0, "") == (answered.returncode, answered.stderr)
    names = sorted(path.name for path in (tmp_path / "heat").iterdir())
    assert ["0001__head_png.png", "0002_a_volume_nii_gz.png"] == names
    for name in names:
        with Image.open(tmp_path / "heat" / name) as picture:
            assert picture.width > 500
    refused = _command_here(tmp_path, paths[0], "--explain", "other", "--model", trained.onnx)
    assert (2, 1) == (refused.returncode, refused.stderr.count("\n"))
    assert "weights.safetensors: no such file" in refused.stderr


LEFT_OUT = ("torch", "functorch", "fastai", "fastcore", "fasttransform", "monai", "captum", "safetensors")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a virtual environment with all that is installed here but what is made of torch."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for path in Path(np.__file__).parents[1].iterdir():
        if not path.name.startswith((*LEFT_OUT, "__editable__")):
            (packages / path.name).symlink_to(path)
    return folder / "bin" / "python"


def test_onnx_needs_neither_torch_nor_fastai_and_torch_says_what_is_missing(
    trained: Trained, bare: Path, tmp_path: Path
) -> None:
    Image.fromarray(draw_head(1, tumor=True)).save(tmp_path / "head.png")
    shutil.copy(ROOT / "params.yaml", tmp_path)

    def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
        environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
        command = [bare, *map(str, arguments)]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    assert 1 == run("-c", "import torch").returncode
    predict = ("-m", "brainmri", "predict", "head.png")
    answered = run(*predict, "--runtime", "onnx", "--model", trained.onnx)
    assert (0, "") == (answered.returncode, answered.stderr)
    refused = run(*predict, "--runtime", "torch", "--model", trained.model)
    assert 2 == refused.returncode
    assert "--runtime torch: expected the package safetensors, which is not installed" in refused.stderr
    unexplained = run(*predict, "--explain", "heat", "--model", trained.onnx)
    assert (2, 1) == (unexplained.returncode, unexplained.stderr.count("\n"))
    assert "--explain: expected the package" in unexplained.stderr
