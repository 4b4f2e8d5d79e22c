"""Two Ray nodes of one core each on this machine, beside one core and beside joblib's two workers.

    python -m benchmarks.cluster [--volumes 800] [--patients 400] [--epochs 3] [--rounds 3] [--items 400]
        [--tasks prepare crossval empty memory]

By turns: `prepare` on so many volumes (197 x 233 x 189 voxels, int16, gzip: links to one file), and the units
of a comparison (an arm, two seeds) on the phantoms of so many patients, ResNet18 with one thread each, as
the stages do them. Of these, the units of one seed on each core, by processes that know nothing of one
another, say what this machine can gain; no round of them is thrown away, for one takes 13 minutes. What it
takes to join a cluster is told apart. An empty unit is a function that gives back its number. Memory is the
highest resident size of a driver after `items` results of 256 KiB each and after four times as many, and of
one that prepared a quarter of the volumes, and all, without the cluster too: what a driver reads of Ray's
object store counts as its own. Of tasks that are not asked for, earlier results stay.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import nibabel
import numpy as np
import yaml
from nilearn.datasets import load_mni152_template
from numpy.typing import NDArray

from benchmarks.measurement import (
    Side,
    alternate,
    describe_commit,
    describe_machine,
    read_results,
    summarize,
    tabulate,
    write_results,
)
from brainmri.backend import Backend, ComputeParams, choose
from brainmri.compute import Needs, find_cluster
from brainmri.dataset.manifest import read_manifest
from brainmri.dataset.units import UnitRow
from brainmri.learning.finished import PLACE
from brainmri.params import PARAMS_PATH, load_yaml
from brainmri.serving.judging import Predictor
from brainmri.serving.limits import find_limits
from brainmri.serving.model import read_model
from brainmri.serving.predict import predict_scans
from brainmri.serving.runtimes import Runtime
from brainmri.tables import read_rows, write_rows

PACKAGES = ("ray", "torch", "joblib", "numpy")
ROOT = Path(__file__).parents[1]
MODEL: Final = ROOT / "weights" / "resnet18"
ONE_CORE, JOBLIB, NODES = "one core", "joblib, two workers", "two Ray nodes"
APART = "half of it on each core, by hand"
_CHUNK = 2**18
_DATA, _ARM = Path("data"), "one"
_RAW = _DATA / "raw"
_TASKS: Final = ("prepare", "crossval", "empty", "memory")
_SCORES = _DATA / "comparison"
_UNITS = _SCORES / "units.csv"
_SEEDS: Final = (0, 1)
# Ray takes the machine's own address else, and whoever reaches that reaches it.
_LOOPBACK: Final = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}
_NODE: Final[dict[str, Any]] = {
    "num_cpus": 1,
    "object_store_memory": 300 * 2**20,
    "include_dashboard": False,
    "node_ip_address": "127.0.0.1",
}


@contextmanager
def start_cluster(*variables: dict[str, str], **own: int) -> Iterator[Any]:
    """A node for each of these sets of environment variables, on loopback; RAY_ADDRESS is set.

    `own` are `num_gpus` and the like, of each node. Each has a folder for temporary files of its own, as
    machines have: of two that unpack the code to one folder, one may take it from the other's workers.
    """
    node = _NODE | own
    os.environ |= _LOOPBACK
    import ray  # noqa: PLC0415 - reads what stands above
    from ray.cluster_utils import Cluster  # noqa: PLC0415

    # Not below a test's folder: the system limits the length of a socket's path.
    folders = [tempfile.mkdtemp(prefix="ray-") for _ in variables]
    head, *others = [
        node | {"env_vars": environment, "temp_dir": folder}
        for environment, folder in zip(variables, folders, strict=True)
    ]
    cluster = Cluster(initialize_head=True, head_node_args=head)
    for other in others:
        cluster.add_node(**other)
    before = os.environ.get("RAY_ADDRESS")
    os.environ["RAY_ADDRESS"] = cluster.address
    try:
        yield cluster
    finally:
        del os.environ["RAY_ADDRESS"]
        os.environ |= {} if before is None else {"RAY_ADDRESS": before}
        ray.shutdown()
        cluster.shutdown()
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)


def make_workspace(folder: Path, patients: int, epochs: int) -> None:
    """Phantoms, prepared and split, and the units of one arm, by the committed settings with changes."""
    change_params(folder, patients, epochs)
    here = Path.cwd()
    os.chdir(folder)
    try:
        _call("phantom", out=_RAW)
        _prepare()
        _audit()
        _call("split", groups=_DATA / "groups.csv", metrics=Path("split.json"))
        _call("plan", scores=_SCORES, units=_UNITS)
    finally:
        os.chdir(here)


def change_params(folder: Path, patients: int, epochs: int) -> None:
    """Writes the params of such a workspace."""
    params = load_yaml((ROOT / PARAMS_PATH).read_text(encoding="utf-8"))
    params["phantom"] |= {"patients": patients, "slices_per_patient": 1}
    params["comparison"]["seeds"] = list(_SEEDS)
    params["epochs"] = epochs
    params["comparison"]["arms"] = {_ARM: {"arch": "resnet18", "lr": 1e-3}}
    (folder / PARAMS_PATH).write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")


def keep_unit(folder: Path) -> int:
    """Leaves a workspace one unit; how many slices that learns from."""
    unit, *_ = read_rows(folder / _UNITS, UnitRow)
    write_rows(folder / _UNITS, [unit], UnitRow)
    return sum(
        row.fold not in {unit.fold, unit.watched} for row in read_manifest(folder / _DATA / "split.csv")
    )


def split_workspace(folder: Path) -> list[Path]:
    """A copy of a workspace for each seed, with the units of that seed alone."""
    parts = [folder.with_name(f"{folder.name}_{seed}") for seed in _SEEDS]
    units = read_rows(folder / _UNITS, UnitRow)
    for seed, part in zip(_SEEDS, parts, strict=True):
        shutil.copytree(folder, part)
        write_rows(part / _UNITS, [unit for unit in units if unit.seed == seed], UnitRow)
    return parts


def write_volume(path: Path) -> Path:
    """The MNI152 template that nilearn brings (1 mm), with noise."""
    template = load_mni152_template(resolution=1)
    head = np.asarray(template.dataobj)
    noise = np.random.default_rng(0).normal(0, 15, head.shape)
    voxels = np.where(head > 0, 1000 * head / head.max() + noise, 0).astype(np.int16)
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(voxels, template.affine), path)
    return path


def make_volumes(folder: Path, volumes: int) -> None:
    """A raw folder of so many links to one volume, by the committed settings."""
    shutil.copy(ROOT / PARAMS_PATH, folder / PARAMS_PATH)
    one = write_volume(folder / "one.nii.gz")
    for number in range(volumes):
        path = folder / _RAW / ("no", "tumor")[number % 2] / f"{number:06d}.nii.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.hardlink_to(one)


def _call(stage: str, **paths: Any) -> None:
    """A stage's own function; the prepared set and the manifest go to those that ask for them."""
    main = import_module(f"stages.{stage}").main
    asked = main.__annotations__
    common = {"prepared": _DATA / "prepared", "manifest": _DATA / "split.csv"}
    main(**{name: path for name, path in common.items() if name in asked} | paths)


def _prepare() -> None:
    _call("prepare", raw=_RAW, sheet=Path("sheet.png"))


def _audit() -> None:
    _call("audit", groups=_DATA / "groups.csv", metrics=Path("audit.json"), plots=Path("audit"))


def _train() -> None:
    shutil.rmtree(PLACE, ignore_errors=True)
    _call("crossval", arm=_ARM, units=_UNITS, scores=_SCORES / f"{_ARM}.csv", facts=_SCORES / f"{_ARM}.json")


def _give_back(number: int) -> int:
    return number


def _give_much(number: int) -> NDArray[np.uint8]:
    return np.full(_CHUNK, number % 256, np.uint8)


def _map(function: Callable[[int], Any], items: int) -> None:
    cluster = find_cluster()
    if cluster is None:
        raise ValueError("expected a cluster")
    for _ in cluster.map(function, range(items), Needs()):
        pass


def _predict() -> None:
    model = read_model(MODEL)
    limits = find_limits(MODEL)
    asked = sum(1 for _ in _RAW.rglob("*.nii.gz"))
    answers = predict_scans([_RAW], Predictor(model, Runtime.TORCH), limits)
    if len(answers.scans) != asked:
        raise ValueError(f"expected {asked} scans to be judged, came {len(answers.scans)}")


def work(task: str, backend: Backend, items: int) -> None:
    """In a process of its own: joins, does a task, and prints the seconds of both, and its memory in MiB."""
    choose(ComputeParams(backend=backend, shared_folder=not task.endswith("sent"), gpus_per_unit=0.0))
    begin = time.perf_counter()
    find_cluster()
    joined = time.perf_counter()
    tasks: dict[str, Callable[[], None]] = {
        "prepare": _prepare,
        "audit": _audit,
        "crossval": _train,
        "empty": partial(_map, _give_back, items),
        "memory": partial(_map, _give_much, items),
        "predict": _predict,
        "predict sent": _predict,
    }
    busy = time.process_time()
    tasks[task]()
    told = {"joined": joined - begin, "seconds": time.perf_counter() - joined}
    told |= {"driver_seconds": time.process_time() - busy, "memory": _read_peak()}
    print(json.dumps(told))


def _read_peak() -> float:
    """The highest resident size of this process so far, in MiB (what a fork would report is its parent's)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


def measure(folder: Path, task: str, side: str, items: int = 0, core: int = 0) -> dict[str, float]:
    """What `work` prints, of a process in the workspace; one core is one by affinity."""
    backend = Backend.RAY if side == NODES else Backend.LOCAL
    command = [sys.executable, "-m", "benchmarks.cluster", "--work", task, backend.value, str(items)]
    if side == ONE_CORE:
        command = ["taskset", "--cpu-list", str(core), *command]
    variables = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])}
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def measure_apart(parts: Sequence[Path], task: str) -> float:
    """Seconds of the slowest of some workspaces, each on a core of its own, at the same time."""
    with ThreadPoolExecutor(len(parts)) as pool:
        running = [pool.submit(measure, part, task, ONE_CORE, core=core) for core, part in enumerate(parts)]
        return max(own.result()["seconds"] for own in running)


def compare(folder: Path, task: str, rounds: int, parts: Sequence[Path] = ()) -> dict[str, Any]:
    """Runs a second of a task, side by side; with `parts`, workspaces that share it, those too."""
    sides = [
        Side(side, partial(lambda side: 1 / measure(folder, task, side)["seconds"], side))
        for side in (ONE_CORE, JOBLIB, NODES)
    ]
    if parts:
        sides.append(Side(APART, lambda: 1 / measure_apart(parts, task)))
    found = summarize(alternate(sides, rounds, "runs a second", warm=not parts), ONE_CORE)
    print(tabulate(task, found))
    return found


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--volumes", type=int, default=800)
    parser.add_argument("--patients", type=int, default=400)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--items", type=int, default=400)
    parser.add_argument("--tasks", nargs="+", choices=_TASKS, default=_TASKS)
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        task, backend, items = given.work
        work(task, Backend(backend), int(items))
        return
    content = read_results("cluster")
    with tempfile.TemporaryDirectory() as name, start_cluster({}, {}):
        for task in given.tasks:
            folder = Path(name, task)
            folder.mkdir()
            content[task] = _measure_task(folder, task, given)
            content[task] |= {"commit": describe_commit(), "machine": describe_machine(PACKAGES)}
            write_results("cluster", content)


def _measure_task(folder: Path, task: str, given: argparse.Namespace) -> dict[str, Any]:
    if task == "prepare":
        make_volumes(folder, given.volumes)
        return compare(folder, task, given.rounds) | {"volumes": given.volumes}
    if task == "crossval":
        make_workspace(folder, given.patients, given.epochs)
        found = compare(folder, task, given.rounds, split_workspace(folder))
        return found | {"patients": given.patients, "epochs": given.epochs}
    if task == "empty":
        told = measure(folder, task, NODES, given.items)
        milliseconds = 1000 * told["seconds"] / given.items
        print(f"joining: {told['joined']:.1f} s; an empty unit: {milliseconds:.1f} ms")
        return {"join_seconds": told["joined"], "unit_ms": milliseconds, "items": given.items}
    memory = {str(n): measure(folder, task, NODES, n)["memory"] for n in (given.items, 4 * given.items)}
    print(f"a driver's MiB after so many results of 256 KiB: {memory}")
    prepared: dict[str, dict[str, float]] = {JOBLIB: {}, NODES: {}}
    for volumes in (given.volumes // 4, given.volumes):
        own = folder / str(volumes)
        own.mkdir()
        make_volumes(own, volumes)
        for side, found in prepared.items():
            found[str(volumes)] = measure(own, "prepare", side)["memory"]
    print(f"after so many volumes were prepared: {prepared}")
    return {"driver_mib": memory, "prepare_mib": prepared}


if __name__ == "__main__":
    main()
