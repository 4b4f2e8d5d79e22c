"""A model travels by its name and version: what is tagged and pushed is what another folder gets."""

from pathlib import Path

import pytest

from tests.house.pipeline import STAGES, outputs, paths
from tests.workspace import Workspace

CONTENT = {
    "models/classifier/weights.safetensors": b"weights",
    "models/classifier/model.json": b"{}",
    "models/novelty/novelty.json": b'{"threshold": 1}',
    "models/operating_point.json": b'{"threshold": 0.5}',
    "models/segmenter/weights.safetensors": b"maps",
}
MAKERS = {
    name: "segmentation/dvc.yaml" if "segment" in name else "dvc.yaml"
    for name, stage in STAGES.items()
    if any(
        path.startswith("models/") and not path.startswith("models/pretrained/") for path in outputs(stage)
    )
}


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A clone whose models are a few bytes that DVC takes for the stages' own, pushed and tagged."""
    made = Workspace(tmp_path_factory.mktemp("released"))
    for name, content in CONTENT.items():
        _write(made.folder / name, content)
    for stage in MAKERS:
        for path in paths(STAGES[stage], "deps") + outputs(STAGES[stage]):
            if not (made.folder / path).exists():
                _write(made.folder / path, b"")
    made.run("dvc", "commit", "-fq", *(f"{file}:{name}" for name, file in MAKERS.items()))
    made.run("dvc", "remote", "add", "-q", "-d", "store", str(tmp_path_factory.mktemp("store")))
    made.commit("Models")
    made.run("dvc", "push", "-q", *(f"{file}:{name}" for name, file in MAKERS.items()))
    for name in ("classifier", "models"):
        made.run("git", "tag", "-a", f"{name}@v1.0.0", "-m", "The first")
    return made


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _read(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != ".gitignore")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def _expected(below: str) -> dict[str, bytes]:
    return {name: content for name, content in CONTENT.items() if name.startswith(f"{below}/")}


@pytest.mark.parametrize(("name", "path"), [("classifier", "models/classifier"), ("models", "models")])
def test_what_is_tagged_is_what_another_folder_gets_by_name(
    released: Workspace, tmp_path: Path, name: str, path: str
) -> None:
    # A clone has no cache: the bytes come from the remote.
    released.run("git", "clone", "-q", str(released.folder), str(tmp_path / "clone"))
    output = released.run("dvc", "--cd", str(tmp_path), "artifacts", "get", "clone", name, "-o", path)
    assert _expected(path) == {
        f"{path}/{file}": content for file, content in _read(tmp_path / path).items()
    }, output
