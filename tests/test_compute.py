"""Where things are mapped over, and in which order results come."""

import errno
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from threading import get_ident
from typing import Any

import pytest

from brainmri import backend, compute, isolation
from brainmri.backend import ComputeParams, ComputeSection, choose, gpus_per_unit
from brainmri.cluster_pool import put_in_order
from brainmri.compute import (
    Needs,
    find_cluster,
    look_at_each,
    map_by_threads,
    map_each,
    map_unordered,
)
from brainmri.confinement import Failure, Limits
from brainmri.errors import BadInput
from brainmri.isolation import isolate_within
from brainmri.params import read_params
from stages import run
from tests.cluster_functions import LOOKS, collects, double, list_looked_for, read_as, tell_blas
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


@pytest.mark.parametrize(
    ("number", "name", "line"),
    [
        (errno.EACCES, "out.csv", "error: out.csv: Permission denied; let the user that runs this use it"),
        (errno.EIO, "out.csv", "error: out.csv: Input/output error; look at its disk"),
        (errno.ENOSPC, None, "error: an output: can't be written (No space left on device); make room"),
        (errno.EPERM, None, None),
    ],
)
def test_what_the_system_says_of_a_file_ends_a_stage_in_a_line(
    number: int, name: str | None, line: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def main() -> None:
        raise OSError(number, os.strerror(number), name)

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", ["stage"])
    with pytest.raises(OSError if line is None else SystemExit) as refused:
        run(main)
    assert str(refused.value).startswith(line or "[Errno 1]")


@pytest.mark.parametrize("count", [3, 2000])
def test_looks_come_in_the_order_of_the_items_and_errors_come_through(count: int) -> None:
    seen = set()

    def look(number: int) -> int:
        seen.add(get_ident())
        time.sleep(0.0001)
        if number < 0:
            raise OSError(errno.EIO, "failed")
        return 2 * number

    assert list(range(0, 2 * count, 2)) == look_at_each(look, range(count))
    assert (len(seen) > 1) == (count > 1000)
    with pytest.raises(OSError, match="failed"):
        look_at_each(look, [*range(count), -1])


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


class _Nodes:
    """A cluster of this process, which notes what it was sent."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.closed = False

    def count(self, _: Needs) -> int:
        return 1

    def map_in_order(self, function: Callable[[Any], Any], items: Iterable[Any], _: Needs) -> Iterator[Any]:
        try:
            for item in items:
                self.sent.append(item)
                yield function(item)
        finally:
            self.closed = True


def test_work_on_what_all_share_is_in_order_and_on_one_thread_a_product(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    items = list(range(20))
    expected = [(item, {1}) for item in items]
    assert expected == map_by_threads(tell_blas, items, 8)
    nodes = _Nodes()
    monkeypatch.setattr(compute, "find_cluster", lambda: nodes)
    assert expected == map_by_threads(tell_blas, items, 8)
    assert [items[:8], items[8:16], items[16:]] == nodes.sent


def test_a_scan_that_a_node_alone_does_not_see_ends_all(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = _Nodes()
    monkeypatch.setattr(isolation, "find_cluster", lambda: nodes)
    LOOKS.clear()
    names = ["never", "README.md", "gone", "unseen", "pins.yaml"]
    monkeypatch.chdir(ROOT)
    results = isolate_within(Limits(500, 30.0))(partial(read_as, "utf-8"), names, "", 1, list_looked_for)
    gone = Failure("can't be read (No such file or directory)")
    assert gone == next(results)
    assert next(results) == Path("README.md").read_text(encoding="utf-8")
    assert gone == next(results)
    assert {"README.md": 1, "gone": 3, "unseen": 1, "pins.yaml": 1} == {
        name: LOOKS[name] for name in names[1:]
    }
    with pytest.raises(BadInput, match=r"^scans/unseen: expected node .+, came: can't be read .+; mount its"):
        next(results)
    assert nodes.closed


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
