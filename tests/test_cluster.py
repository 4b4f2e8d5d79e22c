"""The same commands on a Ray cluster of two nodes: the same bytes, and what becomes of nodes that vanish."""

import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.cluster import start_cluster
from tests.workspace import Workspace

pytestmark = pytest.mark.long

LOCKS = ("dvc.lock", "comparison/dvc.lock")
# Its trainings take seconds, so that a node can be killed in one.
ONE_ARM = {
    "    resnet34:\n      arch: resnet18\n    focal:\n      lr: 1e-3\n      train:\n        loss: focal\n": (
        "    focal:\n      lr: 1e-3\n      epochs: 12\n      train:\n        loss: focal\n"
    ),
    "    resnet34_paper:\n      arch: resnet18\n      protocol: paper\n": "",
}
ON_RAY = {"backend: local": "backend: ray"}
SENT = ON_RAY | {"shared_folder: true": "shared_folder: false"}
HEADER = """
from pathlib import Path
from brainmri.backend import ComputeParams, choose
from brainmri.compute import Needs, find_cluster
from tests import cluster_functions as functions
choose(ComputeParams(backend="ray", shared_folder={shared}, gpus_per_unit=0.0))
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with start_cluster({}, {}) as made:
        yield made


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = Workspace(tmp_path_factory.mktemp("cluster") / "untouched")
    made.change("params.yaml", ONE_ARM)
    made.change("params.yaml", {"arch: resnet18": "arch: squeezenet1_1"})
    made.commit("One arm")
    return made


@pytest.fixture(scope="module")
def local(untouched: Workspace) -> Workspace:
    made = untouched.clone(untouched.folder.with_name("local"))
    made.run("dvc", "repro", "comparison/dvc.yaml")
    return made


def drive(space: Workspace, code: str, *, shared: bool = False, code_of_exit: int = 0, **names: str) -> str:
    """What a program prints that maps on the cluster from the workspace."""
    path = os.pathsep.join([str(space.folder / "src"), str(space.folder)])
    program = HEADER.format(shared=shared) + code
    return space.run(sys.executable, "-c", program, code=code_of_exit, PYTHONPATH=path, **names)


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("changes", [ON_RAY, SENT], ids=["shared", "sent"])
def test_dvc_builds_the_same_bytes_on_a_cluster(
    untouched: Workspace, local: Workspace, changes: dict[str, str], tmp_path: Path
) -> None:
    space = untouched.clone(tmp_path / "ray")
    space.change("params.yaml", changes)
    space.run("dvc", "repro", "comparison/dvc.yaml")
    for name in LOCKS:
        assert (local.folder / name).read_bytes() == (space.folder / name).read_bytes()
    # And by no stage is it tracked: with this machine again nothing is to be done.
    space.change("params.yaml", {"backend: ray": "backend: local"})
    assert "up to date" in space.run("dvc", "status", "comparison/dvc.yaml")


@pytest.mark.usefixtures("cluster")
def test_results_come_in_order_whichever_is_done_first(untouched: Workspace) -> None:
    code = "print(list(find_cluster().map_in_order(functions.double, range(20), Needs())))"
    assert str([2 * number for number in range(20)]) in drive(untouched, code)


@pytest.mark.usefixtures("cluster")
def test_what_one_item_refuses_ends_all_in_its_line(untouched: Workspace) -> None:
    code = (
        "try:\n    list(find_cluster().map(functions.refuse_three, range(5), Needs()))\n"
        "except Exception as error:\n    print(type(error).__name__, error)\n"
    )
    assert "BadInput three: expected another number, came 3; take another" in drive(untouched, code)


@pytest.mark.usefixtures("cluster")
def test_an_item_that_is_lost_three_times_is_named_and_the_others_are_done(untouched: Workspace) -> None:
    code = (
        "done = []\n"
        "try:\n"
        "    for _, value in find_cluster().map(functions.crash_at_three, range(6), Needs()):\n"
        "        done.append(value)\n"
        "except Exception as error:\n    print(type(error).__name__, error)\n"
        "print(sorted(done))\n"
    )
    said = drive(untouched, code)
    assert "BadInput compute.backend: expected every item done, came 1" in said
    assert "lost 3 times: 3 (" in said
    assert "[0, 1, 2, 4, 5]" in said


@pytest.mark.usefixtures("cluster")
def test_what_no_node_has_room_for_is_said_at_once(untouched: Workspace) -> None:
    for needs in ("Needs(cores=2)", "Needs(gpus=1.0)"):
        code = (
            f"try:\n    list(find_cluster().map(functions.double, range(3), {needs}))\n"
            "except Exception as error:\n    print(type(error).__name__, error)\n"
        )
        assert "BadInput compute: expected a node with " in drive(untouched, code)


@pytest.mark.usefixtures("cluster")
def test_files_are_sent_to_nodes_and_found_by_their_names(untouched: Workspace, tmp_path: Path) -> None:
    space = untouched.clone(tmp_path / "space")
    for name in ("set/a.txt", "set/deep/b.txt", "own/0.txt", "own/1.txt"):
        (space.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (space.folder / name).write_text(name)
    code = (
        "needs = Needs(common=(Path('set'),), files=lambda n: [Path(f'own/{n}.txt')])\n"
        "print(list(find_cluster().map_in_order(functions.read_names, range(2), needs)))\n"
    )
    expected = [["own/0.txt", "set/a.txt", "set/deep/b.txt"], ["own/1.txt", "set/a.txt", "set/deep/b.txt"]]
    assert str(expected) in drive(space, code)


@pytest.mark.usefixtures("cluster")
def test_a_file_that_lies_elsewhere_is_refused_where_no_folder_is_shared(untouched: Workspace) -> None:
    code = (
        "try:\n    list(find_cluster().map(functions.read_names, [0], Needs(common=(Path('/etc/hosts'),))))\n"
        "except Exception as error:\n    print(type(error).__name__, error)\n"
    )
    assert "BadInput /etc/hosts: expected a path below this folder" in drive(untouched, code)


def test_workers_run_the_drivers_code_whatever_their_own_checkouts_hold(
    untouched: Workspace, tmp_path: Path
) -> None:
    other = untouched.clone(tmp_path / "other")
    package = other.folder / "src" / "brainmri" / "__init__.py"
    package.write_text('"""Another checkout."""\n')
    own = untouched.clone(tmp_path / "own")
    (own.folder / "src" / "brainmri" / "__init__.py").write_text('"""The checkout of the driver."""\n')
    paths = [str(other.folder / "src"), str(tmp_path / "nowhere")]
    code = "print(*{text for _, text in find_cluster().map(functions.tell_code, range(8), Needs())})"
    with start_cluster(*({"PYTHONPATH": path} for path in paths)):
        said = drive(own, code)
    assert "The checkout of the driver." in said
    assert "Another" not in said


def test_a_node_that_is_killed_costs_nothing_but_time(
    untouched: Workspace, local: Workspace, tmp_path: Path
) -> None:
    space = local.clone(tmp_path / "space")
    space.change("params.yaml", ON_RAY)
    outputs = ("data/comparison/focal.csv", "data/comparison/focal.json")
    expected = {name: (space.folder / name).read_bytes() for name in outputs}
    for name in outputs:
        (space.folder / name).unlink()
    stores = space.folder / ".dvc" / "tmp" / "brainmri"
    shutil.rmtree(stores, ignore_errors=True)
    with start_cluster({}, {}) as cluster:
        running = space.start(
            *(sys.executable, "-m", "stages.crossval", "--arm", "focal", "--prepared", "data/prepared"),
            *("--manifest", "data/split.csv", "--units", "data/comparison/units.csv"),
            *("--scores", outputs[0], "--facts", outputs[1]),
        )
        deadline = time.monotonic() + 600
        try:
            # One on each node, the longer one of which may be at its second unit.
            while len(list(stores.glob("*/checkpoint.safetensors"))) < 2:
                assert running.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            cluster.remove_node(cluster.worker_nodes.copy().pop(), allow_graceful=False)
            said, _ = running.communicate(timeout=600)
        finally:
            running.kill()
    assert running.returncode == 0, said
    assert expected == {name: (space.folder / name).read_bytes() for name in outputs}


def test_nobody_at_the_address_is_said_in_one_line_and_nothing_is_written(
    untouched: Workspace, tmp_path: Path
) -> None:
    space = untouched.clone(tmp_path / "space")
    space.change("params.yaml", ON_RAY)
    command = (sys.executable, "-m", "stages.phantom", "--out", "data/phantom")
    said = space.run(*command, code=1, RAY_ADDRESS="127.0.0.1:9")
    assert said.startswith("error: RAY_ADDRESS: expected a Ray cluster at 127.0.0.1:9, came ")
    assert said.count("\n") == 1
    assert not (space.folder / "data" / "phantom").exists()


def test_no_ray_is_said_in_one_line(untouched: Workspace, tmp_path: Path) -> None:
    space = untouched.clone(tmp_path / "space")
    space.change("params.yaml", ON_RAY)
    # A package that can't be imported, before the one that is installed.
    (space.folder / "ray.py").write_text("raise ImportError\n")
    said = space.run(sys.executable, "-m", "stages.phantom", "--out", "data/phantom", code=1)
    assert said.startswith("error: compute.backend: expected Ray to be installed, came none; pip install ")
    assert said.count("\n") == 1
