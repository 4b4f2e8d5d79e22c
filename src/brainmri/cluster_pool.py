"""The nodes of a Ray cluster that was joined as a pool."""

import os
import socket
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import ray
from numpy.typing import NDArray

from brainmri.cluster_failures import FULL, Failures, Sent, refuse_full, refuse_lost
from brainmri.cluster_queue import History, Tasks, cancel_all, put_in_order, run_all
from brainmri.cluster_task import Outcome, Place, run_item
from brainmri.compute import Needs
from brainmri.confinement import MEGABYTE
from brainmri.errors import BadInput
from brainmri.excuses import has_failed

Item = TypeVar("Item")
Result = TypeVar("Result")

# Tasks under way for each core of the cluster: none is idle, and results don't pile up here.
_AHEAD: Final = 2
# For the head to answer, so often, for it may be busy or start again; Ray gives up after a minute.
_KNOCK_SECONDS: Final = 5.0
_KNOCKS: Final = 3
# By which Ray tells nodes apart.
_NODE_LABEL: Final = "ray.io/node-id"
# What the system says of a file that isn't there for this user.
_GONE: Final = (FileNotFoundError, NotADirectoryError, PermissionError)


@dataclass(frozen=True)
class RayPool:
    """The nodes of a cluster, and where functions run on them."""

    place: Place
    history: History = field(default_factory=History)

    def count(self, needs: Needs) -> int:
        """How many items with such needs the nodes work on at once, now; at least 1."""
        return max(1, sum(_count_on(node, needs) for node in _list_nodes()))

    def map(
        self, function: Callable[[Item], Result], items: Iterable[Item], needs: Needs
    ) -> Iterator[tuple[int, Result]]:
        """As `Pool` says; items that failed three times are named when others are done."""
        failures = Failures()
        for place, result in self._map(function, items, needs, failures.add, in_order=False):
            failures.none_done = False
            yield place, result
        failures.end()

    def map_in_order(
        self, function: Callable[[Item], Result], items: Iterable[Item], needs: Needs
    ) -> Iterator[Result]:
        """As `Pool` says; one that was lost three times ends all: the others would wait."""

        def refuse(_: Sent, name: str) -> None:
            raise refuse_lost([name])

        yield from put_in_order(self._map(function, items, needs, refuse, in_order=True))

    def leave(self) -> None:
        """As `Pool` says."""
        with suppress(OSError):  # who calls this has to end
            if self._mark is not None:
                self._mark.unlink(missing_ok=True)

    @property
    def _mark(self) -> Path | None:
        own = self.place
        return None if own.mark is None else (own.shared or Path()) / own.mark

    def _map(
        self,
        function: Callable[[Item], Result],
        items: Iterable[Item],
        needs: Needs,
        lose: Callable[[Sent, str], None],
        *,
        in_order: bool,
    ) -> Iterator[tuple[int, Result]]:
        _check_room(needs)
        place = replace(self.place, hidden=not needs.gpus, expected=tuple(self._list_expected(needs)))
        task = ray.remote(max_calls=1 if needs.fresh else 0)(run_item)
        known = {name: _put(content) for name, content in self._read(needs.common)}
        kept = _put(function)

        def send(item: Item, avoided: Collection[str]) -> "ray.ObjectRef[Outcome]":
            files = self._read(needs.files(item), passing_over=True)
            sent = known | {name: _put(content) for name, content in files}
            asked = task.options(**_ask_for(needs, avoided))
            try:  # the item itself may go to the store
                return asked.remote(kept, item, place, list(sent), *sent.values())
            except FULL:
                raise refuse_full() from None

        def elsewhere(avoided: Collection[str]) -> bool:
            """Whether another node could do it."""
            others = (node for node in _list_nodes() if node["NodeID"] not in avoided)
            return any(_count_on(node, needs) for node in others)

        def look() -> int:
            """How many may be under way, again and again: the run's mark stays young by it."""
            with suppress(OSError):
                if self._mark is not None:
                    os.utime(self._mark)
            return _AHEAD * self.count(needs)

        room = partial(_check_room, needs)
        tasks = Tasks(send, elsewhere, room, needs.name, lose, not in_order, history=self.history)
        try:
            yield from run_all(tasks, iter(items), look, in_order=in_order)
        finally:
            cancel_all(list(tasks.running))

    def _list_expected(self, needs: Needs) -> Iterator[str]:
        """What every item is read from, where nodes see it by themselves."""
        for path in needs.common if self.place.shared is not None else ():
            found = sorted(path.rglob("*")) if path.is_dir() else [path]
            yield from (str(file) for file in found if file.exists())

    def _read(
        self, paths: Iterable[Path], *, passing_over: bool = False
    ) -> Iterator[tuple[str, NDArray[np.uint8]]]:
        """Names and contents of files, and of all in folders; none where nodes see them by themselves.

        `passing_over` what can't be read any more: where it is missing, that is said in the words of there.
        Raises `BadInput` where a disk failed under one.
        """
        for path in paths if self.place.shared is None else ():
            for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
                with suppress(*(_GONE if passing_over else ())):
                    if file.is_file():
                        yield _name_below(file), _read_file(file)


def _ask_for(needs: Needs, avoided: Collection[str]) -> dict[str, Any]:
    """Ray's options of a task with such needs, on other nodes than those, by its names for them."""
    labels = {_NODE_LABEL: f"!in({','.join(sorted(avoided))})"}
    return {
        "num_cpus": needs.cores,
        "num_gpus": needs.gpus,
        "memory": needs.memory or None,
        "max_retries": 0,
        "scheduling_strategy": "SPREAD",
        "label_selector": labels if avoided else None,
    }


def _read_file(path: Path) -> NDArray[np.uint8]:
    try:
        # numpy's own fromfile gives what memory held before where a disk fails under it.
        return np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        if not has_failed(error):
            raise
        raise BadInput(
            f"{path}: expected to read it here and send it to a node, came: {error.strerror}; look at its "
            "disk, or take the file away, then run it again"
        ) from None


def _name_below(path: Path) -> str:
    """The file's name below the working directory, by which the function finds it on a node, too."""
    if path.is_absolute() or ".." in path.parts:
        raise BadInput(
            f"{path}: expected a path below this folder, whose files can be sent to other nodes, came one "
            "elsewhere; move it, or set compute.shared_folder to true where all nodes see it"
        )
    return path.as_posix()


def _list_nodes() -> list[Mapping[str, Any]]:
    """Those that are alive. Raises `BadInput` where the head is gone: Ray would end all after a minute."""
    address = ray.get_runtime_context().gcs_address
    for _ in range(_KNOCKS):
        came = _knock(address)
        if came is None:
            return [node for node in ray.nodes() if node["Alive"]]
    raise BadInput(
        f"compute.backend: expected the cluster's head at {address}, came {came}; start another one, where "
        "the same command runs what is left"
    )


def _knock(address: str) -> str | None:
    """What the system says where nobody answers at HOST:PORT, after the time that is given to somebody."""
    host, _, port = address.rpartition(":")
    begun = time.monotonic()
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _KNOCK_SECONDS):
            return None
    except OSError as error:
        time.sleep(max(0.0, begun + _KNOCK_SECONDS - time.monotonic()))
        return error.strerror or "no answer"


def _count_on(node: Mapping[str, Any], needs: Needs) -> int:
    """How many items fit on a node when it does nothing else."""
    has = node["Resources"]
    asked = {"CPU": needs.cores, "GPU": needs.gpus, "memory": needs.memory}
    return min(int(has.get(name, 0) / amount) for name, amount in asked.items() if amount)


def _check_room(needs: Needs) -> None:
    """Raises `BadInput` where no node could ever do it: Ray would wait for one without a word."""
    if not any(_count_on(node, needs) for node in _list_nodes()):
        asked = [f"{needs.cores} cores", f"{needs.gpus:g} GPUs"]
        asked += [f"{needs.memory / MEGABYTE:.0f} megabytes"] if needs.memory else []
        raise BadInput(
            f"compute: expected a node with {', '.join(asked)} for each item, came none; start one, or lower "
            "the threads (comparison.threads, train.threads), compute.gpus_per_unit, or the limit of memory "
            "(prepare.max_memory_megabytes, of an exported model in its limits.json)"
        )


def _put(value: Any) -> Any:
    """The value in the cluster's object store, once for all tasks."""
    try:
        return ray.put(value)
    except FULL:
        raise refuse_full() from None
