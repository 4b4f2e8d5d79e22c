"""Which model answers: the trained one, or the detector that has seen synthetic MRI alone, and its mark."""

import argparse
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image

from brainmri.dataset.prepared import IMAGES
from brainmri.errors import BadInput
from brainmri.learning import shipped
from brainmri.learning.cards import MODEL
from brainmri.learning.shipped import PHANTOMS
from brainmri.reporting.templates_notice import TEMPLATES_NOTICE
from brainmri.scoring.novelty import DIRECTION
from brainmri.serving import export_command, predict_command, serve_command
from brainmri.serving.answers import NOT_FOR_DIAGNOSIS, ZERO_SHOT
from brainmri.serving.choice import choose_folder
from brainmri.serving.judging import Predictor
from brainmri.serving.model import CLASSIFIER, NOVELTY, OPERATING_POINT, WEIGHTS, Model, read_model
from brainmri.serving.predict import predict_scans
from brainmri.serving.runtimes import Runtime
from brainmri.tables import read_mapping, write_mapping
from tests.house.closure import ROOT
from tests.pictures import draw_head
from tests.scans.samples import dicom, save_dicom
from tests.serving.conftest import LIMITS, Trained

ARCH = "resnet18"
MARKED = f"{NOT_FOR_DIAGNOSIS} {ZERO_SHOT}"
Run = Callable[..., int]


@pytest.fixture
def checkout(shipped_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a command is run: with params.yaml and weights/, and no trained model."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "weights").symlink_to(shipped_weights)
    shutil.copy(ROOT / "params.yaml", folder)
    Image.fromarray(draw_head(1, tumor=True)).save(folder / "head.png")
    monkeypatch.setattr(shipped, "FOLDER", folder / "weights")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """A command as its user gives it; its exit code."""

    def call(module: object, *arguments: object) -> int:
        parser = argparse.ArgumentParser()
        module.add_arguments(parser)  # type: ignore[attr-defined]
        code: int = module.run(parser.parse_args(list(map(str, arguments))))  # type: ignore[attr-defined]
        return code

    return call


def test_without_a_trained_model_the_detector_stands_in_and_is_told(
    checkout: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == run(predict_command, "head.png")
    said = capsys.readouterr()
    assert f"note: no trained model in models: weights/{ARCH} stands in. {ZERO_SHOT}\n" == said.err
    assert said.out.endswith(f"\n{MARKED}\n")


def test_a_trained_model_comes_first_and_is_not_marked(
    checkout: Path, run: Run, trained: Trained, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "models").symlink_to(trained.model)
    assert 0 == run(predict_command, "head.png", "--json")
    said = capsys.readouterr()
    content = json.loads(said.out)
    assert ("models", False) == (content["model"]["folder"], content["model"]["zero_shot"])
    assert ("", NOT_FOR_DIAGNOSIS) == (said.err, content["notice"])


@pytest.mark.parametrize("named", ["zero-shot", f"zero-shot/{ARCH}", f"weights/{ARCH}"])
def test_the_detector_is_asked_for_by_name_and_all_answers_are_marked(
    checkout: Path, run: Run, trained: Trained, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "models").symlink_to(trained.model)
    assert 0 == run(predict_command, "head.png", "--model", named, "--json")
    said = capsys.readouterr()
    content = json.loads(said.out)
    assert (f"weights/{ARCH}", True) == (content["model"]["folder"], content["model"]["zero_shot"])
    assert ("", MARKED) == (said.err, content["notice"])
    assert 0 == run(predict_command, "head.png", "--model", named, "--csv")
    assert (
        capsys.readouterr().out.rstrip().endswith(ZERO_SHOT.partition(",")[0] + ', and no scan of a person."')
    )


def test_the_best_detector_is_taken_where_none_is_named(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = (checkout / "weights" / shipped.SUMS).read_text()
    assert Path("weights") / ARCH == choose_folder(Path("zero-shot"))
    other = shutil.copytree(checkout / "weights", checkout / "several")
    shutil.copytree(other / ARCH, other / "resnet34")
    (other / shipped.SUMS).write_text(lines + lines.replace(ARCH, "resnet34"))
    monkeypatch.setattr(shipped, "FOLDER", other)
    assert Path("several") / "resnet34" == choose_folder(Path("zero-shot"))
    assert Path("several") / ARCH == choose_folder(Path("zero-shot") / ARCH)


def test_a_detector_that_is_not_shipped_is_refused_with_those_that_are(checkout: Path) -> None:
    with pytest.raises(BadInput) as refused:
        choose_folder(Path("zero-shot/resnet50"))
    assert str(refused.value) == (
        f"--model zero-shot: expected an architecture whose weights the project ships ({ARCH}), came "
        "resnet50; choose another"
    )


def test_without_any_model_it_is_said_how_to_make_one(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "FOLDER", checkout / "none")
    with pytest.raises(BadInput, match=r"models: expected a model folder .*; run `dvc repro`"):
        read_model(choose_folder(None))
    with pytest.raises(BadInput, match=r"--model zero-shot: .* \(none in .*none\), came resnet34"):
        choose_folder(Path("zero-shot"))


@pytest.mark.parametrize(
    "name",
    [f"{CLASSIFIER}/{WEIGHTS}", f"{CLASSIFIER}/model.json", OPERATING_POINT, f"{NOVELTY}/direction.npy"],
)
def test_a_detector_of_which_a_file_is_another_is_refused(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    other = shutil.copytree(checkout / "weights", checkout / "other")
    content = bytearray((other / ARCH / name).read_bytes())
    content[-1] ^= 1
    (other / ARCH / name).write_bytes(content)
    monkeypatch.setattr(shipped, "FOLDER", other)
    (checkout / "linked").symlink_to(other / ARCH)
    paths = (Path("other") / ARCH, other / ARCH, Path("other", "..", "other", ARCH), Path("linked"))
    for named in (None, Path("zero-shot"), *paths):
        with pytest.raises(BadInput, match="expected the file of SHA-256"):
            choose_folder(named)
    # A copy elsewhere is one's own.
    shutil.copytree(other / ARCH, checkout / "own")
    assert Path("own") == choose_folder(Path("own"))


@pytest.mark.long
@pytest.mark.parametrize("named", [[], ["--model", "zero-shot"]])
def test_an_export_of_it_is_marked_has_its_card_and_says_the_same(
    checkout: Path, run: Run, trained: Trained, named: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    options = (*named, "--images", trained.prepared.folder, "--out", "out")
    assert 0 == run(export_command, *options)
    assert "probabilities differ from PyTorch's by at most" in capsys.readouterr().out
    models = read_model(Path("weights") / ARCH), read_model(Path("out"))
    answers = [
        predict_scans([trained.raw], Predictor(model, runtime), LIMITS)
        for model, runtime in zip(models, (Runtime.TORCH, Runtime.ONNX), strict=True)
    ]
    assert {MARKED} == {found.notice for found in answers}
    assert [True, True] == [found.model.zero_shot for found in answers]
    for first, second in zip(*(found.scans for found in answers), strict=True):
        assert first.probability_max == pytest.approx(second.probability_max, abs=1e-4)
        for own, exported in zip(first.slices, second.slices, strict=True):
            assert own.novelty == pytest.approx(exported.novelty, abs=1e-3)
    assert (Path("out") / NOVELTY / DIRECTION).is_file()
    card = (checkout / "weights" / ARCH / "README.md").read_text()
    assert TEMPLATES_NOTICE in card
    assert card == Path("out/README.md").read_text()


def test_the_mark_is_model_json_s_whatever_runs_the_network(trained: Trained, tmp_path: Path) -> None:
    folder = shutil.copytree(trained.onnx, tmp_path / "exported")
    path = folder / CLASSIFIER / MODEL
    content = read_mapping(path)
    assert NOT_FOR_DIAGNOSIS == read_model(folder).notice
    write_mapping(path, content | {"training": content["training"] | {"data": PHANTOMS}})
    assert MARKED == read_model(folder).notice


def test_halves_answer_as_the_full_weights_do(checkout: Path, trained: Trained) -> None:
    models = read_model(trained.model), read_model(Path("weights") / ARCH)
    answers = [predict_scans([trained.raw], Predictor(model, Runtime.TORCH), LIMITS) for model in models]
    for first, second in zip(*(found.scans for found in answers), strict=True):
        assert first.probability_max == pytest.approx(second.probability_max, abs=5e-3)


@pytest.mark.long
def test_what_it_draws_is_marked(checkout: Path, run: Run) -> None:
    save_dicom(checkout / "slice.dcm", dicom(draw_head(3, tumor=True)))
    options = ("--model", "zero-shot", "--dicom-out", "filed", "--explain", "drawn")
    assert 0 == run(predict_command, "slice.dcm", *options)
    (capture,) = (pydicom.dcmread(path) for path in (checkout / "filed").iterdir())
    assert f"brainmri zero-shot classifier, {ARCH}" == capture.ManufacturerModelName
    assert capture.ImageComments.endswith(ZERO_SHOT)
    assert 1 == len(list((checkout / "drawn").iterdir()))


def test_its_card_is_what_a_server_shows(checkout: Path) -> None:
    model = read_model(choose_folder(None))
    found = serve_command._find_quality(model, model.weights_sha256)
    assert found.known
    assert "McGill University" in found.body


@pytest.mark.parametrize("named", [[], ["--model", "zero-shot"]])
def test_the_server_takes_it_too(
    checkout: Path, run: Run, monkeypatch: pytest.MonkeyPatch, named: list[str]
) -> None:
    said: list[str] = []

    def open_desk(model: Model, *_: object) -> SimpleNamespace:
        return SimpleNamespace(predictor=Predictor(model, Runtime.TORCH))

    def serve(*given: Any) -> None:
        given[-1]("http://here")
        said.append(given[0].predictor.model.folder.as_posix())

    monkeypatch.setattr(serve_command, "Desk", open_desk)
    monkeypatch.setattr(serve_command, "serve", serve)
    assert 0 == run(serve_command, *named)
    assert [f"weights/{ARCH}"] == said


def test_an_export_of_it_needs_no_set(
    checkout: Path, run: Run, trained: Trained, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == run(export_command, "--out", "out")
    assert "on 256 drawn heads its probabilities differ from PyTorch's by at most" in capsys.readouterr().out
    assert 256 == read_mapping(Path("out/export.json"))["images"]
    with pytest.raises(BadInput, match=r"data/prepared/.*: no such "):
        run(export_command, "--model", trained.model, "--out", "other")
    assert not Path("other").exists()


@pytest.mark.long
def test_an_export_of_it_is_compared_on_a_set_of_any_size_that_of_a_trained_model_is_not(
    checkout: Path, run: Run, trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    large = shutil.copytree(trained.prepared.folder, tmp_path / "large")
    np.save(large / IMAGES, np.array(trained.prepared.images).repeat(2, axis=-1).repeat(2, axis=-2))
    assert 0 == run(export_command, "--model", "zero-shot", "--images", large, "--out", "out")
    assert "probabilities differ from PyTorch's by at most" in capsys.readouterr().out
    with pytest.raises(BadInput, match=r"images: expected .* pixels as the model was trained on"):
        run(export_command, "--model", trained.model, "--images", large, "--out", "other")
    assert not Path("other").exists()
