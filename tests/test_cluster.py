"""The same commands on a Ray cluster of two nodes: the same bytes, and what becomes of nodes that vanish."""

import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from benchmarks.cluster import start_cluster
from brainmri.learning.checkpoint import CheckpointStore
from brainmri.learning.finished import PLACE
from brainmri.params import load_yaml
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
# Few trials, two of which fit on the nodes at once.
SEARCHED = {
    "  folds: 3\n  paper": "  folds: 4\n  paper",
    "  trials: 24": "  trials: 4",
    "  folds: 3\n  # So": "  folds: 2\n  # So",
    "  startup: 8": "  startup: 2",
}
CROSSVAL = (
    *(sys.executable, "-m", "stages.crossval", "--arm", "focal", "--prepared", "data/prepared"),
    *("--manifest", "data/split.csv", "--units", "data/comparison/units.csv"),
    *("--scores", "data/comparison/focal.csv", "--facts", "data/comparison/focal.json"),
)
OUTPUTS = ("data/comparison/focal.csv", "data/comparison/focal.json")
TELL = """
import json
pool = find_cluster()
def ask(function, count, **needs):
    return list(pool.map_in_order(function, range(count), Needs(**needs)))
print(json.dumps({
    "doubled": ask(functions.double, 20),
    "collects": ask(functions.collects, 4),
    "children": ask(functions.tell_children, 2),
    "processes": ask(functions.tell_process, 6),
    "own_processes": ask(functions.tell_process, 6, fresh=True),
}))
"""
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
    made.change("params.yaml", {"arch: resnet18": "arch: squeezenet1_1", "least_steps: 24": "least_steps: 8"})
    made.commit("One arm")
    return made


@pytest.fixture(scope="module")
def local(untouched: Workspace) -> Workspace:
    made = untouched.clone(untouched.folder.with_name("local"))
    made.run("dvc", "repro", "comparison/dvc.yaml")
    return made


@pytest.fixture(scope="module")
def told(cluster: Any, untouched: Workspace) -> dict[str, list[Any]]:
    """What functions gave that one program mapped on the cluster."""
    answers: dict[str, list[Any]] = json.loads(drive(untouched, TELL).splitlines()[-1])
    return answers


def drive(space: Workspace, code: str, *, shared: bool = False, code_of_exit: int = 0, **names: str) -> str:
    """What a program prints that maps on the cluster from the workspace."""
    path = os.pathsep.join([str(space.folder / "src"), str(space.folder)])
    program = HEADER.format(shared=shared) + code
    return space.run(sys.executable, "-c", program, code=code_of_exit, PYTHONPATH=path, **names)


def list_running(journal: Path) -> list[optuna.trial.FrozenTrial]:
    """The trials of a search that are under way."""
    if not journal.exists():
        return []
    storage = JournalStorage(JournalFileBackend(str(journal)))
    found = optuna.get_all_study_summaries(storage)
    if not found:
        return []
    study = optuna.load_study(study_name=found[0].study_name, storage=storage)
    return study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,))


def wait_for_both(running: "subprocess.Popen[str]", folder: Path, pattern: str) -> None:
    """Until what is mapped on two nodes has left a file on each, or for ten minutes."""
    deadline = time.monotonic() + 600
    while len(list(folder.glob(pattern))) < 2:
        assert running.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)


def forget_units(local: Workspace, folder: Path) -> tuple[Workspace, dict[str, bytes]]:
    """A workspace that computes on a cluster and has no unit of the arm, and what these gave."""
    space = local.clone(folder)
    space.change("params.yaml", ON_RAY)
    expected = read_outputs(space)
    for name in OUTPUTS:
        (space.folder / name).unlink()
    shutil.rmtree(space.folder / ".dvc" / "tmp" / "brainmri", ignore_errors=True)
    return space, expected


def mark(kept: list[Path]) -> None:
    """Makes outcomes that nodes gave known by a best epoch that there is none of."""
    for path in kept:
        store = CheckpointStore(path.parent)
        found = store.read_outcome() or {}
        found["outcome"]["facts"]["best_epoch"] = 99
        store.write_outcome(found)


def read_outputs(space: Workspace) -> dict[str, bytes]:
    """What the units of the arm gave."""
    return {name: (space.folder / name).read_bytes() for name in OUTPUTS}


@pytest.mark.usefixtures("cluster")
def test_dvc_builds_the_same_bytes_on_a_cluster(
    untouched: Workspace, local: Workspace, tmp_path: Path
) -> None:
    space = untouched.clone(tmp_path / "ray")
    space.change("params.yaml", ON_RAY)
    space.run("dvc", "repro", "comparison/dvc.yaml")
    _check_locks(local, space)


@pytest.mark.usefixtures("cluster")
def test_what_nodes_are_sent_gives_the_same_bytes(local: Workspace, tmp_path: Path) -> None:
    space = local.clone(tmp_path / "ray")
    space.change("params.yaml", SENT)
    # All that is mapped.
    mapped = ("phantom", "prepare", "audit", "shortcuts", "comparison/dvc.yaml:crossval@focal")
    space.run("dvc", "repro", "--force", "--single-item", *mapped)
    _check_locks(local, space)
    # Nodes keep nothing: what they finished is here, and taken as it is.
    kept = list((space.folder / PLACE).glob("*/outcome.json"))
    mark(kept)
    space.change("params.yaml", ON_RAY)
    space.run(*CROSSVAL)
    units = json.loads((space.folder / OUTPUTS[1]).read_text())["units"]
    assert len(kept) == len(units)
    assert {99} == {facts["best_epoch"] for facts in units.values()}


@pytest.mark.usefixtures("cluster")
def test_all_that_is_mapped_goes_to_nodes(local: Workspace, tmp_path: Path) -> None:
    code = (
        "import numpy as np\n"
        "from brainmri.cluster_pool import RayPool\n"
        "from brainmri.scoring import resampling\n"
        "from stages import audit, phantom, shortcuts\n"
        "sent, real = [], RayPool._map\n"
        "def note(pool, function, *given, **named):\n"
        "    sent.append(repr(function))\n"
        "    return real(pool, function, *given, **named)\n"
        "RayPool._map = note\n"
        "data, split = Path('data/prepared'), Path('data/split.csv')\n"
        "phantom.main(Path('drawn'))\n"
        "audit.main(data, Path('groups.csv'), Path('audit.json'), Path('audited'))\n"
        "shortcuts.main(data, split, Path('scores.csv'), Path('shortcuts.json'))\n"
        "draws = resampling._Draws(7, 1000, np.random.PCG64(1).state)\n"
        "here = resampling._apply(functions.sum_up, 10, draws)\n"
        "resampling._WORTH_PROCESSES = 0\n"
        "params = resampling.IntervalParams(confidence=0.95, draws=1000, seed=1)\n"
        "there = resampling.map_draws(functions.sum_up, 7, 10, 7, params)\n"
        "print(np.concatenate(here).tobytes() == np.concatenate(there).tobytes())\n"
        "names = '_draw_patient', '_describe', '_search_block', '_compare_block', 'score_fold', 'sum_up'\n"
        "print(*(sum(name in function for function in sent) for name in names))\n"
    )
    assert drive(local.clone(tmp_path / "space"), code).endswith("True\n1 1 1 1 1 1\n")


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("lacking", ["the folder", "room in the object store"])
def test_a_stage_that_nodes_can_not_do_leaves_the_earlier_set(
    local: Workspace, tmp_path: Path, lacking: str
) -> None:
    space = local.clone(tmp_path / "space")
    made = space.folder / "data" / "prepared"
    before = {path.name: path.read_bytes() for path in made.iterdir()}
    shared = lacking == "the folder"
    space.change("params.yaml", (ON_RAY if shared else SENT) | {"  size: 32": "  size: 64"})
    code = (
        "import sys\n"
        "from ray.exceptions import ObjectStoreFullError\n"
        "from brainmri import cluster, cluster_pool\n"
        "class Elsewhere(type(Path())):\n"
        "    def cwd(*_):\n"
        "        return Path('/nowhere')\n"
        "def put(value, real=cluster_pool.ray.put, puts=iter(range(4))):  # the function, and some batches\n"
        "    if next(puts, None) is None:\n"
        "        raise ObjectStoreFullError\n"
        "    return real(value)\n"
    )
    code += "cluster.Path = Elsewhere\n" if shared else "cluster_pool.ray.put = put\n"
    code += (
        "from stages import prepare, run\n"
        "sys.argv[1:] = '--raw data/phantom --prepared data/prepared --sheet sheet.png'.split()\n"
        "run(prepare.main)\n"
    )
    said = drive(space, code, shared=shared, code_of_exit=1)
    expected = {
        "the folder": r"error: node \S+: expected the folder /nowhere of this run, came none \(.*\n",
        "room in the object store": r"error: compute.backend: expected room in Ray's object stores .*\n",
    }
    assert re.fullmatch(expected[lacking], said), said
    assert before == {path.name: path.read_bytes() for path in made.iterdir()}
    assert [made] == [path for path in made.parent.iterdir() if "prepared" in path.name]


@pytest.mark.usefixtures("cluster")
def test_units_of_several_arms_are_trained_at_once_and_kept_for_dvc(local: Workspace, tmp_path: Path) -> None:
    space, expected = forget_units(local, tmp_path / "space")
    other = "    focal:\n      lr: 1e-3\n      epochs: 12\n"
    space.change(
        "params.yaml",
        {"shared_folder: true": "shared_folder: false", other: f"    more:\n      epochs: 2\n{other}"},
    )
    space.run("dvc", "repro", "comparison/dvc.yaml:plan")
    said = space.run(sys.executable, "-m", "stages.train_arms")
    assert {"focal", "more"} == set(re.findall(r"^train_arms: \d+ of 6: (\w+): fold", said, re.MULTILINE))
    kept = list((space.folder / PLACE).glob("*/outcome.json"))
    assert 6 == len(kept)
    mark(kept)
    space.run(
        "dvc",
        "repro",
        "--single-item",
        "comparison/dvc.yaml:crossval@more",
        "comparison/dvc.yaml:crossval@focal",
    )
    for name in ("focal", "more"):
        units = json.loads((space.folder / "data" / "comparison" / f"{name}.json").read_text())["units"]
        assert [99] * 3 == [facts["best_epoch"] for facts in units.values()]
    scores = OUTPUTS[0]
    assert expected[scores] == (space.folder / scores).read_bytes()


def _check_locks(local: Workspace, space: Workspace) -> None:
    for name in LOCKS:  # in which order stages stand there is DVC's own
        here, there = (load_yaml((own.folder / name).read_text()) for own in (local, space))
        assert here == there
    # And by no stage is it tracked: with this machine again nothing is to be done.
    space.change("params.yaml", {"backend: ray": "backend: local"})
    assert "up to date" in space.run("dvc", "status", "comparison/dvc.yaml")


def test_results_come_in_order_whichever_is_done_first(told: dict[str, list[Any]]) -> None:
    assert [2 * number for number in range(20)] == told["doubled"]


def test_nodes_collect_garbage_once_they_have_imported(told: dict[str, list[Any]]) -> None:
    assert {True} == set(told["collects"])


def test_a_process_that_an_item_starts_does_without_ray(told: dict[str, list[Any]]) -> None:
    assert [False, False] == told["children"]


def test_an_item_may_have_a_process_of_its_own(told: dict[str, list[Any]]) -> None:
    assert len(set(told["processes"])) < 6
    assert len(set(told["own_processes"])) == 6


@pytest.mark.usefixtures("cluster")
def test_what_one_item_refuses_ends_all_in_its_line(untouched: Workspace) -> None:
    code = (
        "try:\n    list(find_cluster().map(functions.refuse_three, range(5), Needs()))\n"
        "except Exception as error:\n    print(type(error).__name__, error)\n"
    )
    assert "BadInput three: expected another number, came 3; take another" in drive(untouched, code)


@pytest.mark.usefixtures("cluster")
def test_an_item_that_fails_three_times_is_named_and_the_others_are_done(untouched: Workspace) -> None:
    code = (
        "wrong = functions.crash_at_three, functions.run_out_at_three, functions.break_at_three\n"
        "for function in wrong:\n"
        "    done = []\n"
        "    try:\n"
        "        for _, value in find_cluster().map(function, range(6), Needs()):\n"
        "            done.append(value)\n"
        "    except Exception as error:\n"
        "        print(type(error).__name__, error, *getattr(error, '__notes__', ()))\n"
        "    print(sorted(done))\n"
    )
    said = drive(untouched, code)
    assert 3 == said.count("compute.backend: expected every item done, came 1 that failed 3 times: 3 (")
    assert 2 == said.count("BadInput compute.backend: expected every item done")
    assert "that failed 3 times: 3 (WorkerCrashedError" in said
    assert re.search(r"that failed 3 times: 3 \(node \S+: out of memory", said)
    # Of what nobody foresaw the error itself, with where it came from, and its first line where it is named.
    assert "that failed 3 times: 3 (RuntimeError: CUDA error: misaligned address);" in said
    assert re.search(r"RayTaskError\(RuntimeError\).*in break_at_three", said, re.DOTALL)
    assert 3 == said.count("[0, 1, 2, 4, 5]")
    for why in ("WorkerCrashedError", r"node \S+: out of memory", "RuntimeError: CUDA error"):
        assert 2 == len(re.findall(rf"came 3 \({why}.*; it is tried again", said))


@pytest.mark.usefixtures("cluster")
def test_an_error_that_nobody_foresaw_may_be_gone_the_next_time(untouched: Workspace, tmp_path: Path) -> None:
    code = (
        f"seen = partial(functions.break_once, Path({str(tmp_path)!r}))\n"
        "print(sorted(value for _, value in find_cluster().map(seen, range(4), Needs())))\n"
    )
    assert "[0, 1, 2, 3]" in drive(untouched, f"from functools import partial\n{code}")
    assert 4 == len(list(tmp_path.iterdir()))


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("function", ["break_there", "lack_there"])
def test_what_fails_on_one_node_is_done_by_another(untouched: Workspace, function: str) -> None:
    code = (
        "import ray\nfrom functools import partial\n"
        "pool = find_cluster()\n"
        "here = ray.get_runtime_context().get_node_id()\n"
        "(other,) = {node['NodeID'] for node in ray.nodes()} - {here}\n"
        f"seen = partial(functions.{function}, other)\n"
        "came = dict(pool.map(seen, range(6), Needs()))\n"
        "print(sorted(came), {here} == set(came.values()))\n"
    )
    said = drive(untouched, code)
    assert "[0, 1, 2, 3, 4, 5] True" in said
    # Once each at most, of those that the node was given at all.
    again = re.findall(r"came (\d) \(.*; it is tried again", said)
    assert again
    assert len(again) == len(set(again))


@pytest.mark.usefixtures("cluster")
def test_an_error_of_every_item_ends_all_at_the_second(untouched: Workspace) -> None:
    code = (
        "try:\n    list(find_cluster().map(functions.break_always, range(50), Needs()))\n"
        "except RuntimeError as error:\n    print(*error.__notes__)\n"
    )
    assert "expected every item done, came 2 that failed 3 times: " in drive(untouched, code)


@pytest.mark.usefixtures("cluster")
def test_an_error_that_nobody_foresaw_ends_what_is_needed_in_order(untouched: Workspace) -> None:
    code = (
        "try:\n    list(find_cluster().map_in_order(functions.break_at_three, range(6), Needs()))\n"
        "except RuntimeError as error:\n    print(type(error).__name__, error)\n"
    )
    said = drive(untouched, code)
    assert "RayTaskError(RuntimeError)" in said
    assert "tried again" not in said


@pytest.mark.usefixtures("cluster")
def test_what_no_node_has_room_for_is_said_at_once(untouched: Workspace) -> None:
    for needs in ("Needs(cores=2)", "Needs(gpus=1.0)", "Needs(memory=2**50)"):
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


def test_units_share_gpus_and_no_two_take_the_same_part(untouched: Workspace) -> None:
    # Ray deals out as many as it is told of, and says which by the environment.
    code = (
        "for gpus in 1, 0.5:\n"
        "    needs = Needs(gpus=gpus, fresh=True)\n"
        "    print(sorted(find_cluster().map_in_order(functions.tell_gpus, range(int(2 / gpus)), needs)))\n"
    )
    with start_cluster({}, num_cpus=4, num_gpus=2):
        said = drive(untouched, code).splitlines()
    assert ["['0', '1']", "['0', '0', '1', '1']"] == said[-2:]


def test_no_room_in_the_object_store_is_said_in_one_line(
    untouched: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where a store is full, Ray goes on to the disk, as far as this lets it.
    monkeypatch.setenv("RAY_local_fs_capacity_threshold", "0.0001")
    space = untouched.clone(tmp_path / "space")
    space.change("params.yaml", SENT)
    with (space.folder / "scan").open("wb") as file:
        file.truncate(400 * 2**20)
    expected = "error: compute.backend: expected room in Ray's object stores and on the disks"
    with start_cluster({}, {}):
        for function, needs in (("fill_store", "Needs()"), ("double", "Needs(common=(Path('scan'),))")):
            code = (
                "from stages import run\ndef main():\n"
                f"    list(find_cluster().map(functions.{function}, [400 * 2**20], {needs}))\nrun(main)\n"
            )
            said = drive(space, code, code_of_exit=1)
            assert said.startswith(expected)
            assert said.count("\n") == 1


def test_other_versions_on_a_node_are_listed(untouched: Workspace, tmp_path: Path) -> None:
    space = untouched.clone(tmp_path / "space")
    space.change("params.yaml", ON_RAY)
    other = tmp_path / "pillow-0.1.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: pillow\nVersion: 0.1\n")
    code = "from stages import run\ndef main():\n    find_cluster()\nrun(main)\n"
    with start_cluster({}, {"PYTHONPATH": str(tmp_path)}):
        said = drive(space, code, code_of_exit=1)
    assert "node 127.0.0.1: expected the versions of this machine, came pillow 0.1 (here " in said
    assert said.count("\n") == 1


def test_what_is_cancelled_leaves_no_files_on_its_node(untouched: Workspace, tmp_path: Path) -> None:
    code = (
        "try:\n    list(find_cluster().map(functions.refuse_beside, [1, 0], Needs()))\n"
        "except Exception as error:\n    print(error)\n"
    )
    # On every node, the head too: where files lie is not left to chance.
    with start_cluster({"TMPDIR": str(tmp_path)}, {"TMPDIR": str(tmp_path)}):
        assert "this: expected another number" in drive(untouched, code)
    assert [] == list(tmp_path.glob("brainmri-*"))


@pytest.mark.usefixtures("cluster")
def test_a_package_that_a_node_lacks_is_named(untouched: Workspace, tmp_path: Path) -> None:
    space = untouched.clone(tmp_path / "space")
    # Nodes are sent what git tracks.
    (space.folder / "own_package.py").write_text("def double(number):\n    return 2 * number\n")
    code = (
        "from own_package import double\n"
        "try:\n    print(list(find_cluster().map(double, [1], Needs())))\n"
        "except Exception as error:\n    print(type(error).__name__, error)\n"
        "print(dict(find_cluster().place.versions)['python'])\n"
    )
    said = drive(space, code)
    assert (
        "BadInput a node: expected it to run the code it is sent, came ModuleNotFoundError: No module" in said
    )
    assert platform.python_version() in said
    # What it tracks is sent though it is told to pass over it.
    (space.folder / ".gitignore").write_text("own_package.py\n")
    space.run("git", "add", "--force", "own_package.py")
    assert "[(0, 2)]\n" in drive(space, code)


@pytest.mark.usefixtures("cluster")
def test_a_package_that_a_function_looks_for_there_is_named(untouched: Workspace) -> None:
    code = (
        "try:\n    list(find_cluster().map(functions.import_missing, [1], Needs()))\n"
        "except Exception as error:\n    print(type(error).__name__, error)\n"
    )
    said = drive(untouched, code)
    assert (
        "BadInput a node: expected it to run the code it is sent, came ModuleNotFoundError: No module" in said
    )
    assert "tried again" not in said


@pytest.mark.usefixtures("cluster")
def test_a_file_that_goes_after_the_first_look_is_missed_on_the_node(
    untouched: Workspace, tmp_path: Path
) -> None:
    space = untouched.clone(tmp_path / "space")
    (space.folder / "0.txt").write_text("0")
    code = (
        "needs = Needs(files=lambda n: [Path(f'{n}.txt')])\n"
        "print(list(find_cluster().map_in_order(functions.read_names, range(2), needs)))\n"
    )
    assert "[['0.txt'], []]" in drive(space, code)


def test_too_large_a_file_costs_itself_alone_and_is_not_sent(untouched: Workspace, tmp_path: Path) -> None:
    space = untouched.clone(tmp_path / "space")
    space.run("dvc", "repro", "phantom")
    space.change("params.yaml", SENT | {"max_volume_megabytes: 256": "max_volume_megabytes: 1"})
    first = min((space.folder / "data" / "phantom").rglob("*.png"))
    first.unlink()  # a link to DVC's cache
    with first.open("wb") as file:
        # More than the nodes could take.
        file.truncate(2**40)
    prepare = (sys.executable, "-m", "stages.prepare", "--raw", "data/phantom", "--sheet", "sheet.png")
    with start_cluster({}, {}):
        space.run(*prepare, "--prepared", "on_cluster")
    space.change("params.yaml", {"backend: ray": "backend: local"})
    space.run(*prepare, "--prepared", "here")
    rejected = (space.folder / "here" / "rejected.csv").read_bytes()
    assert b"expected at most 1 megabytes" in rejected
    assert rejected == (space.folder / "on_cluster" / "rejected.csv").read_bytes()


def test_workers_run_the_drivers_code_whatever_their_own_checkouts_hold(
    untouched: Workspace, tmp_path: Path
) -> None:
    spaces = [untouched.clone(tmp_path / name) for name in ("own", "first", "second")]
    for space in spaces:
        package = space.folder / "src" / "brainmri" / "__init__.py"
        package.write_text(f'"""The checkout {space.folder.name}."""\n')
    code = (
        "told = {text for _, text in find_cluster().map(functions.tell_code, range(8), Needs())}\n"
        "print(len(told), *told)\n"
    )
    with start_cluster(*({"PYTHONPATH": str(space.folder / "src")} for space in spaces[1:])):
        said = drive(spaces[0], code)
    # The same on both nodes, and of no environment's own installation either.
    assert re.fullmatch(r"2( \w+: The checkout own\.){2}\n", said), said


def test_a_node_that_is_killed_costs_nothing_but_time(
    untouched: Workspace, local: Workspace, tmp_path: Path
) -> None:
    space, expected = forget_units(local, tmp_path / "space")
    stores = space.folder / ".dvc" / "tmp" / "brainmri"
    # What it says is in the node's own log.
    says = 'print(f"train: goes on after epoch'
    noting = f'__import__("pathlib").Path("resumed").touch(); {says}'
    space.change("src/brainmri/learning/resumption.py", {says: noting})
    with start_cluster({}, {}) as cluster:
        running = space.start(*CROSSVAL)
        try:
            # The longer one may be at its second unit.
            wait_for_both(running, stores, "*/checkpoint.safetensors")
            cluster.remove_node(cluster.worker_nodes.copy().pop(), allow_graceful=False)
            said, _ = running.communicate(timeout=600)
        finally:
            running.kill()
    assert running.returncode == 0, said
    assert (space.folder / "resumed").exists()
    assert expected == read_outputs(space)


def test_a_node_that_is_killed_costs_a_training_anew_where_no_folder_is_shared(
    untouched: Workspace, local: Workspace, tmp_path: Path
) -> None:
    space, expected = forget_units(local, tmp_path / "space")
    space.change("params.yaml", {"shared_folder: true": "shared_folder: false"})
    begun = tmp_path / "begun"
    begun.mkdir()
    begins = "    recipe, rate = job.arm.recipe(job.unit.seed), job.arm.rate\n"
    noting = f'    Path({str(begun)!r}, str(__import__("os").getpid())).touch()\n'
    space.change("src/brainmri/learning/crossval.py", {begins: begins + noting})
    with start_cluster({}, {}) as cluster:
        running = space.start(*CROSSVAL)
        try:
            wait_for_both(running, begun, "*")
            cluster.remove_node(cluster.worker_nodes.copy().pop(), allow_graceful=False)
            said, _ = running.communicate(timeout=600)
        finally:
            running.kill()
    assert running.returncode == 0, said
    assert "; it is tried again" in said
    assert expected == read_outputs(space)


def test_a_head_that_vanishes_ends_the_run_in_one_line(untouched: Workspace, tmp_path: Path) -> None:
    code = (
        "from stages import run\ndef main():\n"
        "    choose(ComputeParams(backend='ray', shared_folder=True, gpus_per_unit=0.0))\n"
        "    for number, _ in find_cluster().map(functions.wait_beside, range(100), Needs()):\n        pass\n"
        "run(main)\n"
    )
    space = untouched.clone(tmp_path / "space")
    path = os.pathsep.join([str(space.folder / "src"), str(space.folder)])
    with start_cluster({}, {}) as cluster:
        running = space.start(sys.executable, "-c", HEADER.format(shared=True) + code, PYTHONPATH=path)
        try:
            deadline = time.monotonic() + 120
            while not (space.folder / "begun").exists() and time.monotonic() < deadline:
                time.sleep(0.1)
            assert 1 == len(list((space.folder / ".dvc" / "tmp").glob(".brainmri-*")))
            cluster.head_node.kill_gcs_server()
            said, _ = running.communicate(timeout=120)
        finally:
            running.kill()
    assert running.returncode == 1
    assert said.startswith("error: compute.backend: expected the cluster's head at 127.0.0.1:")
    assert said.count("\n") == 1
    # What nodes knew the folder by is gone, too.
    assert not list((space.folder / ".dvc" / "tmp").glob(".brainmri-*"))


@pytest.mark.parametrize("gone", ["a node", "the head"])
def test_what_goes_while_scans_are_read_costs_time_or_leaves_the_earlier_set(
    untouched: Workspace, tmp_path: Path, gone: str
) -> None:
    space = untouched.clone(tmp_path / "space")
    space.run("dvc", "repro", "prepare")
    made = space.folder / "data" / "prepared"
    before = {path.name: path.read_bytes() for path in made.iterdir()}
    # Other contents by the same scans: a set that was written anew is told from the earlier one.
    begins = "    opened = open_scan("
    noting = '    __import__("pathlib").Path("began-" + str(__import__("os").getpid())).touch()\n'
    waiting = f'    __import__("time").sleep({2 if gone == "the head" else 1})\n'
    space.change("src/brainmri/dataset/scan_preparation.py", {begins: noting + waiting + begins})
    space.change("params.yaml", ON_RAY | {"  size: 32": "  size: 64"})
    prepare = (sys.executable, "-m", "stages.prepare", "--raw", "data/phantom", "--prepared", "data/prepared")
    with start_cluster({}, {}) as cluster:
        running = space.start(*prepare, "--sheet", "sheet.png")
        try:
            wait_for_both(running, space.folder, "began-*")
            if gone == "a node":
                cluster.remove_node(cluster.worker_nodes.copy().pop(), allow_graceful=False)
            else:
                cluster.head_node.kill_gcs_server()
            said, _ = running.communicate(timeout=300)
        finally:
            running.kill()
    after = {path.name: path.read_bytes() for path in made.iterdir()}
    assert [] == list(made.parent.glob(".prepared*"))
    if gone == "the head":
        assert (1, 1) == (running.returncode, said.count("\n")), said
        assert said.startswith("error: compute.backend: expected the cluster's head at 127.0.0.1:")
        assert before == after
        return
    assert running.returncode == 0, said
    assert "; it is tried again" in said
    space.change("params.yaml", {"backend: ray": "backend: local"})
    space.run(*prepare, "--sheet", "sheet.png")
    assert after == {path.name: path.read_bytes() for path in made.iterdir()}
    assert before["images.npy"] != after["images.npy"]


def test_two_drivers_on_one_workspace_take_turns_and_say_so(
    cluster: Any, local: Workspace, tmp_path: Path
) -> None:
    space, expected = forget_units(local, tmp_path / "space")
    drivers = [space.start(*CROSSVAL) for _ in range(2)]
    try:
        said = [driver.communicate(timeout=600)[0] for driver in drivers]
    finally:
        for driver in drivers:
            driver.kill()
    assert [0, 0] == [driver.returncode for driver in drivers], said
    assert 1 == sum(
        "units of focal: process " in own and "is at it already; waiting" in own for own in said
    ), said
    assert expected == read_outputs(space)


@pytest.mark.usefixtures("cluster")
def test_a_search_has_several_trials_under_way_and_ends_when_it_is_told_to(
    local: Workspace, tmp_path: Path
) -> None:
    space = local.clone(tmp_path / "space")
    space.change("params.yaml", SEARCHED | ON_RAY)
    space.run("dvc", "repro", "split")
    journal = space.folder / ".dvc" / "tmp" / "brainmri" / "search.journal"
    search = space.start(sys.executable, "-m", "stages.search")
    try:
        while len(list_running(journal)) < 2:
            assert search.poll() is None
            time.sleep(0.2)
        search.send_signal(signal.SIGINT)
        said, _ = search.communicate(timeout=20)
    finally:
        search.kill()
    assert 1 == search.returncode
    assert "\nerror: interrupted; the same command runs what is left" in f"\n{said}"
    assert said.count("\n") <= 1
    assert [] == list((space.folder / ".dvc" / "tmp").glob(".brainmri-*"))
    assert "search: 4 of 4:" in space.run(sys.executable, "-m", "stages.search")


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


def test_a_head_that_is_gone_is_said_in_one_line(untouched: Workspace, tmp_path: Path) -> None:
    space = untouched.clone(tmp_path / "space")
    space.change("params.yaml", ON_RAY)
    # As one leaves it that was killed.
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "ray_current_cluster").write_text("127.0.0.1:9")
    command = (sys.executable, "-m", "stages.phantom", "--out", "data/phantom")
    said = space.run(*command, code=1, RAY_ADDRESS="", RAY_TMPDIR=str(tmp_path))
    assert said.startswith("error: RAY_ADDRESS: expected a Ray cluster at 127.0.0.1:9, came ")
    assert said.count("\n") == 1


def test_a_package_without_its_checkout_says_what_it_needs(untouched: Workspace, tmp_path: Path) -> None:
    space = untouched.clone(tmp_path / "space")
    space.change("params.yaml", ON_RAY)
    (space.folder / "pins.yaml").unlink()
    command = (sys.executable, "-m", "stages.phantom", "--out", "data/phantom")
    said = space.run(*command, code=1, RAY_ADDRESS="127.0.0.1:9")
    assert said.startswith(
        "error: compute.backend: expected a checkout, whose files are sent to nodes, came "
    )
    assert "without pins.yaml; run `pip install -e .` in a checkout" in said
    assert said.count("\n") == 1


def test_no_ray_is_said_in_one_line(untouched: Workspace, tmp_path: Path) -> None:
    space = untouched.clone(tmp_path / "space")
    space.change("params.yaml", ON_RAY)
    # As Python says that it isn't there, before the one that is installed.
    (space.folder / "ray.py").write_text("raise ModuleNotFoundError(name='ray')\n")
    said = space.run(sys.executable, "-m", "stages.phantom", "--out", "data/phantom", code=1)
    assert said.startswith("error: compute.backend: expected Ray to be installed, came none; pip install ")
    assert said.count("\n") == 1
