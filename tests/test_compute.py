"""Where things are mapped over, and in which order results come."""

import subprocess
import sys
from pathlib import Path

import pytest

from brainmri import backend, compute
from brainmri.backend import ComputeParams, ComputeSection, choose, gpus_per_unit
from brainmri.cluster_pool import put_in_order
from brainmri.compute import find_cluster, map_each, map_unordered
from brainmri.errors import BadInput
from brainmri.params import read_params
from tests.cluster_functions import collects, double
from tests.house.closure import ROOT
from tests.house.pipeline import STAGES, params


@pytest.fixture(autouse=True)
def _choose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend._Chosen, "params", None)
    monkeypatch.setattr(compute._Joined, "pool", None)


def test_results_come_in_order_as_soon_as_those_before_are_there() -> None:
    told = []

    def results():
        for place in (2, 0, 1, 3):
            told.append(place)
            yield place, 10 * place

    ordered = put_in_order(results())
    assert next(ordered) == 0
    assert told == [2, 0]
    assert list(ordered) == [10, 20, 30]


def test_ray_is_not_imported_where_it_was_not_asked_for() -> None:
    code = (
        "import sys; from brainmri.compute import map_each; from tests.cluster_functions import double;"
        "list(map_each(double, [3], '')); sys.exit('ray' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_this_machine_is_the_default() -> None:
    assert find_cluster() is None
    choose(read_params(ComputeSection, ROOT / "params.yaml").compute)
    assert find_cluster() is None
    assert 0 == gpus_per_unit()
    assert [0, 2, 4] == list(map_each(double, range(3), "doubling"))


def test_processes_collect_garbage_once_they_have_imported() -> None:
    assert [True, True] == list(map_unordered(collects, range(2), 2))
    code = (
        "import gc, sys; sys.argv[0] = '-m'; import stages; print(gc.isenabled())\n"
        "def main() -> None: print(gc.isenabled())\n"
        "sys.argv[:] = ['stage']; stages.run(main)"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert ["False", "True"] == ran.stdout.split()


def test_no_stage_tracks_where_it_computes() -> None:
    assert not any("compute" in params(stage) for stage in STAGES.values())


def test_gpus_are_those_that_are_asked_for() -> None:
    choose(ComputeParams(backend="ray", shared_folder=True, gpus_per_unit=0.5))
    assert 0.5 == gpus_per_unit()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("backend: local", "backend: spark", "compute.backend: expected local or ray, came 'spark'"),
        ("gpus_per_unit: 0.0", "gpus_per_unit: -1", "compute.gpus_per_unit: expected 0, a share from"),
        (
            "gpus_per_unit: 0.0",
            "gpus_per_unit: 1.5",
            "gpus_per_unit: expected 0, a share from 0.01 to 1, or a",
        ),
        ("gpus_per_unit: 0.0", "gpus_per_unit: 1e-5", "or a whole number, came 1e-05; correct it"),
        ("shared_folder: true", "shared_folder: 1", "compute.shared_folder: expected true (all nodes"),
    ],
)
def test_a_wrong_setting_is_one_line(tmp_path: Path, old: str, new: str, expected: str) -> None:
    path = tmp_path / "params.yaml"
    text = (ROOT / "params.yaml").read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(BadInput) as refused:
        read_params(ComputeSection, path)
    assert expected in str(refused.value)
    assert "\n" not in str(refused.value)
