"""Model folders that are none, or not whole, are refused in one line; no pickle is run."""

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from brainmri.errors import BadInput
from brainmri.scans.files import hash_file
from brainmri.scoring.novelty import FACTS, STATISTICS
from brainmri.serving.export import export_model
from brainmri.serving.judging import Predictor
from brainmri.serving.limits import find_limits
from brainmri.serving.model import CLASSIFIER, NOVELTY, OPERATING_POINT, WEIGHTS, read_model
from brainmri.serving.predict import describe_model, predict_scans
from brainmri.serving.runtimes import ONNX_FILE, Runtime, choose_runtime, open_network
from brainmri.tables import read_mapping, write_mapping
from tests.serving.conftest import LIMITS, SERVE, Trained


class _Malicious:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("pwned"),)  # type: ignore[return-value]


@pytest.fixture
def folder(trained: Trained, tmp_path: Path) -> Path:
    shutil.copytree(trained.model, tmp_path / "model")
    shutil.copy(trained.onnx / CLASSIFIER / ONNX_FILE, tmp_path / "model" / CLASSIFIER)
    return tmp_path / "model"


@pytest.mark.parametrize("name", [CLASSIFIER, OPERATING_POINT, NOVELTY, f"{CLASSIFIER}/model.json"])
def test_a_folder_without_one_of_its_parts_is_refused(folder: Path, name: str) -> None:
    part = folder / name
    shutil.rmtree(part) if part.is_dir() else part.unlink()
    with pytest.raises(BadInput, match=name.rpartition("/")[0] or name):
        read_model(folder)


def test_parts_of_different_models_are_refused(folder: Path) -> None:
    point = read_mapping(folder / OPERATING_POINT)
    write_mapping(folder / OPERATING_POINT, point | {"positive": "glioma"})
    with pytest.raises(BadInput, match="expected the classes no and yes of classifier/, came no and glioma"):
        read_model(folder)


@pytest.mark.parametrize(
    "change", [{"slices": None}, {"architecture": "resnet999"}, {"task": "segmentation"}]
)
def test_a_model_of_another_version_or_task_is_refused(folder: Path, change: dict[str, object]) -> None:
    path = folder / CLASSIFIER / "model.json"
    content = read_mapping(path) | change
    write_mapping(path, {key: value for key, value in content.items() if value is not None})
    with pytest.raises(BadInput, match=r"model\.json"):
        read_model(folder)


@pytest.mark.parametrize(("runtime", "name"), [(Runtime.TORCH, WEIGHTS), (Runtime.ONNX, ONNX_FILE)])
@pytest.mark.parametrize("content", [b"", b"\0" * 2000, pickle.dumps(_Malicious())])
def test_files_that_are_no_weights_are_refused_and_nothing_in_them_is_run(
    folder: Path, runtime: Runtime, name: str, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    (folder / CLASSIFIER / name).write_bytes(content)
    _name_weights(folder, hash_file(folder / CLASSIFIER / WEIGHTS))
    with pytest.raises(BadInput, match=name):
        open_network(read_model(folder), runtime)
    assert not (folder / "pwned").exists()


def _name_weights(folder: Path, sha256: str) -> None:
    facts = read_mapping(folder / NOVELTY / FACTS)
    write_mapping(folder / NOVELTY / FACTS, facts | {"weights_sha256": sha256})


def _retrain(folder: Path) -> None:
    """Other weights of the same architecture."""
    path = folder / CLASSIFIER / WEIGHTS
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_weights_of_another_training_than_novelty_s_are_refused_in_one_line(folder: Path) -> None:
    before = read_model(folder).weights_sha256
    assert hash_file(folder / CLASSIFIER / WEIGHTS) == before
    _retrain(folder)
    with pytest.raises(BadInput) as refused:
        read_model(folder)
    after = hash_file(folder / CLASSIFIER / WEIGHTS)
    assert str(refused.value) == (
        f"{folder / CLASSIFIER / WEIGHTS}: expected the weights that {folder / NOVELTY / FACTS} is of "
        f"(SHA-256 {before}), came others ({after}); run `dvc repro novelty`, or take both from one training"
    )
    _name_weights(folder, after)
    assert after == read_model(folder).weights_sha256


def test_novelty_of_another_training_is_refused_beside_a_graph(trained: Trained, tmp_path: Path) -> None:
    folder = shutil.copytree(trained.onnx, tmp_path / "exported")
    own = hash_file(trained.model / CLASSIFIER / WEIGHTS)
    assert own == read_model(folder).weights_sha256
    _name_weights(folder, "0" * 64)
    with pytest.raises(BadInput, match=rf"onnx: expected .* \(SHA-256 0{{64}}\), came .* \({own}\); export"):
        open_network(read_model(folder), Runtime.ONNX)


def test_a_graph_that_names_no_weights_is_refused(folder: Path) -> None:
    import onnx  # noqa: PLC0415 - of these tests alone

    graph = onnx.load(folder / CLASSIFIER / ONNX_FILE)
    del graph.metadata_props[:]
    onnx.save(graph, folder / CLASSIFIER / ONNX_FILE)
    with pytest.raises(BadInput, match=r"came one of others \(none named\); export anew"):
        open_network(read_model(folder), Runtime.ONNX)


def test_a_model_and_its_export_go_by_one_name(trained: Trained) -> None:
    facts = [
        describe_model(read_model(folder), runtime)
        for folder, runtime in ((trained.model, Runtime.TORCH), (trained.onnx, Runtime.ONNX))
    ]
    assert {hash_file(trained.model / CLASSIFIER / WEIGHTS)} == {fact.sha256 for fact in facts}


def test_weights_of_another_network_are_refused(folder: Path) -> None:
    path = folder / CLASSIFIER / "model.json"
    write_mapping(path, read_mapping(path) | {"architecture": "resnet50"})
    with pytest.raises(BadInput, match=r"doesn't fit model\.json beside it"):
        open_network(read_model(folder), Runtime.TORCH)


def test_the_runtime_is_the_one_whose_file_is_there(folder: Path) -> None:
    assert choose_runtime(read_model(folder), None) is Runtime.TORCH
    (folder / CLASSIFIER / WEIGHTS).unlink()
    assert choose_runtime(read_model(folder), None) is Runtime.ONNX
    with pytest.raises(BadInput, match=r"weights\.safetensors: no such file; run `dvc repro train`"):
        choose_runtime(read_model(folder), Runtime.TORCH)


def test_a_graph_that_export_has_not_made_is_refused(folder: Path) -> None:
    import onnx  # noqa: PLC0415 - of these tests alone

    path = folder / CLASSIFIER / ONNX_FILE
    graph = onnx.load(path)
    graph.graph.input[0].name = "pixels"
    for node in graph.graph.node:
        for place, name in enumerate(node.input):
            if name == "images":
                node.input[place] = "pixels"
    onnx.save(graph, path)
    with pytest.raises(BadInput, match="expected a graph that export has made, came one with pixels"):
        open_network(read_model(folder), Runtime.ONNX)


@pytest.mark.parametrize("place", ["model", "model/exported", "other", "file"])
def test_export_writes_to_a_folder_of_its_own(folder: Path, trained: Trained, place: str) -> None:
    shutil.copytree(folder, folder.parent / "other")
    (folder.parent / "file").touch()
    with pytest.raises(BadInput, match="--out"):
        export_model(read_model(folder), folder.parent / place, trained.prepared.images, LIMITS, SERVE)


def test_a_graph_of_another_size_is_refused(folder: Path) -> None:
    path = folder / CLASSIFIER / "model.json"
    content = read_mapping(path)
    write_mapping(path, content | {"rule": content["rule"] | {"size": 48}})
    with pytest.raises(BadInput, match="expected a graph for 1x48x48 pixels"):
        open_network(read_model(folder), Runtime.ONNX)


def test_novelty_of_another_network_is_refused(folder: Path, trained: Trained) -> None:
    np.save(folder / NOVELTY / STATISTICS, np.zeros((9, 8), np.float32))
    with pytest.raises(BadInput, match="expected 8 features as it was made with, came 64"):
        predict_scans([trained.raw], Predictor(read_model(folder), Runtime.ONNX), LIMITS)


def test_an_exported_model_carries_its_limits(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert LIMITS == find_limits(trained.onnx)
    with pytest.raises(BadInput, match=r"params\.yaml: no such file here"):
        find_limits(trained.model)
