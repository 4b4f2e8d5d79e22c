"""A Ray cluster as a pool: the only module that imports Ray.

Workers run the driver's code: the files that git tracks in the checkout, as they are now, are sent to them.
"""

import atexit
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from brainmri.cluster_task import ROOT, Outcome, Place, describe_node, run_item
from brainmri.compute import Needs
from brainmri.errors import BadInput
from brainmri.params import load_yaml

try:
    import ray
    from ray.exceptions import ObjectStoreFullError, RayError, RayTaskError
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
except ImportError:
    raise BadInput(
        "compute.backend: expected Ray to be installed, came none; pip install '.[cluster]', or set it to "
        "local"
    ) from None

Item = TypeVar("Item")
Result = TypeVar("Result")

CHECKOUT: Final = Path(__file__).resolve().parents[2]
# Tasks under way for each core of the cluster: none is idle, and results don't pile up here.
_AHEAD: Final = 2
# Items started for each that may be under way, from the first that isn't done: it holds back all results.
_FAR: Final = 4
# How often an item is tried whose node or process is lost.
_TRIES: Final = 3
_KNOCK_SECONDS: Final = 5.0
# For a node's first worker to start, and between looks whether any node can still do what is waited for.
_ANSWER_SECONDS: Final = 120.0
_LOOK_SECONDS: Final = 30.0
# Of what an item is called.
_LONGEST: Final = 80
_ADDRESS: Final = "RAY_ADDRESS"


def join_cluster(*, shared: bool) -> "RayPool":
    """The cluster at RAY_ADDRESS, or the one that was started on this machine.

    Raises `BadInput` where there is none, or where a node has other versions than this process.
    """
    address = os.environ.get(_ADDRESS) or "auto"
    if address == "local" or address.startswith("ray://"):
        raise _refuse(address, "no HOST:PORT of a head")
    _knock(address)
    # Nothing is told to anybody outside.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level="ERROR",
            runtime_env={"working_dir": str(_copy_tracked()), "worker_process_setup_hook": _make_hook()},
        )
    except (ConnectionError, RuntimeError, ValueError, RayError) as error:
        raise _refuse(address, " ".join(str(error).split()) or type(error).__name__) from None
    atexit.register(ray.shutdown)
    _check_versions()
    return RayPool(Place(Path.cwd() if shared else None, os.environ.get(ROOT)))


def _refuse(address: str, came: str) -> BadInput:
    return BadInput(
        f"{_ADDRESS}: expected a Ray cluster at {address}, came {came}; start one by `ray start --head`, or "
        "set compute.backend to local"
    )


def _knock(address: str) -> None:
    """Ray would wait for minutes for somebody to answer at a wrong address."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        return
    try:
        with socket.create_connection((host, int(port)), _KNOCK_SECONDS):
            return
    except (OSError, UnicodeError) as error:
        raise _refuse(address, getattr(error, "strerror", None) or "no answer") from None


def _copy_tracked() -> Path:
    """A folder with the checkout's files that git tracks, removed when this process ends."""
    command = ["git", "ls-files", "-z"]
    try:
        listing = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1]
        raise BadInput(
            f"compute.backend: expected {CHECKOUT} under git, whose files workers are sent, came: {said}; "
            "mend that, or set it to local"
        ) from None
    folder = Path(tempfile.mkdtemp(prefix="brainmri-code-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name in listing.stdout.split("\0"):
        source = CHECKOUT / name
        if name and source.is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    return folder


def _make_hook() -> Callable[[], None]:
    """What a worker begins with: the code it was sent comes first on its path.

    Not at the module's top: so it is sent itself, and not the name by which a node would find its own.
    """

    def begin() -> None:
        import sys  # noqa: PLC0415 - a worker has nothing else yet
        from pathlib import Path  # noqa: PLC0415

        sys.path.insert(0, str(Path.cwd() / "src"))

    return begin


def _check_versions() -> None:
    """Raises `BadInput` with what differs on a node."""
    packages = [*load_yaml((CHECKOUT / "pins.yaml").read_text(encoding="utf-8")), "ray"]
    own = describe_node(packages)
    for node in ray.nodes():
        if node["Alive"]:
            found = _ask_node(node, packages)
            differing = [
                f"{name} {found.get(name, 'missing')} (here {own.get(name, 'missing')})"
                for name in sorted(own.keys() | found.keys())
                if own.get(name) != found.get(name)
            ]
            if differing:
                raise BadInput(
                    f"node {node['NodeManagerAddress']}: expected the versions of this machine, came "
                    f"{', '.join(differing)}; install requirements.lock there"
                )


def _ask_node(node: Mapping[str, Any], packages: Sequence[str]) -> dict[str, str]:
    strategy = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
    try:
        asked = ray.remote(describe_node).options(num_cpus=0, scheduling_strategy=strategy).remote(packages)
        found: dict[str, str] = ray.get(asked, timeout=_ANSWER_SECONDS)
    except RayError as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[-1]
        raise BadInput(
            f"node {node['NodeManagerAddress']}: expected it to run the code it is sent, came: {said}; "
            "install requirements.lock there"
        ) from None
    return found


@dataclass
class _Tasks:
    """The items that are under way, and how often each was tried."""

    send: Callable[[int], "ray.ObjectRef[Outcome]"]
    check: Callable[[], None]
    tries: dict[int, int] = field(default_factory=dict)
    running: dict["ray.ObjectRef[Outcome]", int] = field(default_factory=dict)
    lost: dict[int, str] = field(default_factory=dict)

    def start(self, place: int) -> None:
        """Sends an item."""
        self.tries[place] = self.tries.get(place, 0) + 1
        self.running[self.send(place)] = place

    def wait(self) -> Iterator[tuple[int, Any]]:
        """What has come of those under way; one whose node or process is lost is sent again."""
        ready, _ = ray.wait(list(self.running), num_returns=1, timeout=_LOOK_SECONDS)
        if not ready:
            self.check()
        for reference in ready:
            place = self.running.pop(reference)
            try:
                outcome = ray.get(reference)
            except RayTaskError:
                raise
            except RayError as error:
                if self.tries[place] < _TRIES:
                    self.start(place)
                else:
                    self.lost[place] = type(error).__name__
                continue
            if outcome.refused is not None:
                raise outcome.refused
            yield place, outcome.value


@dataclass(frozen=True)
class RayPool:
    """The nodes of a cluster, and where functions run on them."""

    place: Place

    def count(self, needs: Needs) -> int:
        """How many items with such needs the nodes work on at once, now; at least 1."""
        return max(1, sum(_count_on(node, needs) for node in ray.nodes() if node["Alive"]))

    def map(
        self, function: Callable[[Item], Result], items: Sequence[Item], needs: Needs
    ) -> Iterator[tuple[int, Result]]:
        """As `Pool` says; items whose node or process was lost three times are named when others are done."""
        _check_room(needs)
        place = replace(self.place, hidden=not needs.gpus)
        task = ray.remote(run_item).options(
            num_cpus=needs.cores, num_gpus=needs.gpus, max_retries=0, scheduling_strategy="SPREAD"
        )
        known = {name: _put(content) for name, content in self._read(needs.common)}
        kept = _put(function)

        def send(number: int) -> "ray.ObjectRef[Outcome]":
            sent = known | {name: _put(content) for name, content in self._read(needs.files(items[number]))}
            return task.remote(kept, items[number], place, list(sent), *sent.values())

        tasks = _Tasks(send, partial(_check_room, needs))
        try:
            yield from _run(tasks, len(items), _AHEAD * self.count(needs))
        finally:
            for reference in tasks.running:
                ray.cancel(reference, force=True)
        if tasks.lost:
            lost = sorted(tasks.lost.items())
            names = [f"{needs.name(items[number])[:_LONGEST]} ({why})" for number, why in lost]
            raise BadInput(
                f"compute.backend: expected every item done, came {len(names)} whose node or process was "
                f"lost {_TRIES} times: {', '.join(names)}; the same command runs them again"
            )

    def _read(self, paths: Iterable[Path]) -> Iterator[tuple[str, NDArray[np.uint8]]]:
        """Names and contents of files, and of all in folders; none where nodes see them by themselves."""
        for path in paths if self.place.shared is None else ():
            for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
                if file.is_file():
                    yield _name_below(file), np.fromfile(file, np.uint8)


def _run(tasks: _Tasks, count: int, most: int) -> Iterator[tuple[int, Any]]:
    """At most so many under way, and none far ahead of the first that isn't done: results wait for it."""
    following, done, most = 0, 0, max(1, most)
    finished: set[int] = set()
    while done < count:
        while following < min(count, done + _FAR * most) and len(tasks.running) < most:
            tasks.start(following)
            following += 1
        for place, value in tasks.wait():
            finished.add(place)
            yield place, value
        while done in finished or done in tasks.lost:
            finished.discard(done)
            done += 1


def _name_below(path: Path) -> str:
    """The file's name below the working directory, by which the function finds it on a node, too."""
    if path.is_absolute() or ".." in path.parts:
        raise BadInput(
            f"{path}: expected a path below this folder, whose files can be sent to other nodes, came one "
            "elsewhere; move it, or set compute.shared_folder to true where all nodes see it"
        )
    return path.as_posix()


def _count_on(node: Mapping[str, Any], needs: Needs) -> int:
    """How many items fit on a node when it does nothing else."""
    has = node["Resources"]
    most = int(has.get("CPU", 0) // needs.cores)
    return min(most, int(has.get("GPU", 0) / needs.gpus)) if needs.gpus else most


def _check_room(needs: Needs) -> None:
    """Raises `BadInput` where no node could ever do it: Ray would wait for one without a word."""
    if not any(_count_on(node, needs) for node in ray.nodes() if node["Alive"]):
        raise BadInput(
            f"compute: expected a node with {needs.cores} cores and {needs.gpus:g} GPUs for each item, came "
            "none; start one, or lower the threads (comparison.threads, train.threads) or "
            "compute.gpus_per_unit"
        )


def _put(value: Any) -> Any:
    """The value in the cluster's object store, once for all tasks."""
    try:
        return ray.put(value)
    except ObjectStoreFullError:
        raise BadInput(
            "compute.backend: expected room in Ray's object store, came none; start nodes with a larger "
            "--object-store-memory, or set compute.shared_folder to true"
        ) from None
