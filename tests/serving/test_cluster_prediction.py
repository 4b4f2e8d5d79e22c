"""Scans that the nodes of a cluster read and judge."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.cluster import start_cluster
from brainmri.serving.runtimes import Runtime
from tests.house.closure import ROOT
from tests.serving.conftest import Trained

pytestmark = pytest.mark.long


@pytest.fixture(scope="module", autouse=True)
def _cluster() -> Iterator[None]:
    with start_cluster({}, {}):
        yield


def _predict(folder: Path, *options: str | Path, code: int = 0) -> str:
    command = [sys.executable, "-m", "brainmri", "predict", *map(str, options)]
    # As nodes of one core compute.
    variables = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    assert code == done.returncode, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("runtime", list(Runtime))
def test_nodes_answer_as_this_machine_does(trained: Trained, tmp_path: Path, runtime: Runtime) -> None:
    shutil.copytree(trained.raw, tmp_path / "raw")
    (tmp_path / "raw" / "none.png").write_text("no picture")
    if runtime is Runtime.TORCH:  # what an exported model carries; its folder is shared
        shutil.copyfile(ROOT / "params.yaml", tmp_path / "params.yaml")
    model = trained.model if runtime is Runtime.TORCH else trained.onnx
    options = ["raw", "--json", "--model", model]
    here = _predict(tmp_path, *options, code=1)
    assert '"none.png"' not in here
    assert "raw/none.png" in here
    assert here == _predict(tmp_path, *options, "--backend", "ray", code=1)


def test_scans_that_lie_elsewhere_are_refused_where_no_folder_is_shared(
    trained: Trained, tmp_path: Path
) -> None:
    said = _predict(tmp_path, trained.raw, "--model", trained.onnx, "--backend", "ray", code=2)
    assert "expected a path below this folder" in said
    assert said.count("\n") == 1


def test_heat_maps_are_drawn_here(trained: Trained, tmp_path: Path) -> None:
    shutil.copytree(trained.raw, tmp_path / "raw")
    shutil.copyfile(ROOT / "params.yaml", tmp_path / "params.yaml")
    _predict(tmp_path, "raw", "--model", trained.model, "--backend", "ray", "--explain", tmp_path / "heat")
    assert 60 == len(list((tmp_path / "heat").rglob("*.png")))
