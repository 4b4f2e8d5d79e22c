"""The nodes of a Ray cluster that was joined as a pool."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import ray
from numpy.typing import NDArray
from ray.exceptions import ObjectStoreFullError, OutOfDiskError, RayError, RayTaskError

from brainmri.cluster_task import Outcome, Place, run_item
from brainmri.compute import Needs
from brainmri.errors import BadInput

Item = TypeVar("Item")
Result = TypeVar("Result")

# Tasks under way for each core of the cluster: none is idle, and results don't pile up here.
_AHEAD: Final = 2
# Items started for each that may be under way, from the first that isn't done: it holds back all results.
_FAR: Final = 4
# How often an item is tried whose node or process is lost, and after how many seconds: what took the process
# down (memory that another took) may be over then, and a node that is gone is known to be.
_TRIES: Final = 3
_PAUSE_SECONDS: Final = 2.0
# For what is cancelled to remove its files.
_CLEAR_UP_SECONDS: Final = 5.0
# What Ray says where neither the store nor the disk that it spills to has room.
_FULL: Final = (ObjectStoreFullError, OutOfDiskError)
# Between looks whether any node can still do what is waited for.
_LOOK_SECONDS: Final = 30.0
# Of what an item is called.
_LONGEST: Final = 80


@dataclass(frozen=True)
class RayPool:
    """The nodes of a cluster, and where functions run on them."""

    place: Place

    def count(self, needs: Needs) -> int:
        """How many items with such needs the nodes work on at once, now; at least 1."""
        return max(1, sum(_count_on(node, needs) for node in ray.nodes() if node["Alive"]))

    def map(
        self, function: Callable[[Item], Result], items: Iterable[Item], needs: Needs
    ) -> Iterator[tuple[int, Result]]:
        """As `Pool` says; items whose node or process was lost three times are named when others are done."""
        lost: dict[int, str] = {}
        yield from self._map(function, items, needs, lost.__setitem__)
        if lost:
            raise _refuse_lost([lost[place] for place in sorted(lost)])

    def map_in_order(
        self, function: Callable[[Item], Result], items: Iterable[Item], needs: Needs
    ) -> Iterator[Result]:
        """As `Pool` says; one whose node or process was lost three times ends all: the others would wait."""

        def refuse(_: int, name: str) -> None:
            raise _refuse_lost([name])

        yield from put_in_order(self._map(function, items, needs, refuse))

    def _map(
        self,
        function: Callable[[Item], Result],
        items: Iterable[Item],
        needs: Needs,
        lose: Callable[[int, str], None],
    ) -> Iterator[tuple[int, Result]]:
        _check_room(needs)
        place = replace(self.place, hidden=not needs.gpus)
        task = ray.remote(max_calls=1 if needs.fresh else 0)(run_item).options(
            num_cpus=needs.cores, num_gpus=needs.gpus, max_retries=0, scheduling_strategy="SPREAD"
        )
        known = {name: _put(content) for name, content in self._read(needs.common)}
        kept = _put(function)

        def send(item: Item) -> "ray.ObjectRef[Outcome]":
            sent = known | {name: _put(content) for name, content in self._read(needs.files(item))}
            return task.remote(kept, item, place, list(sent), *sent.values())

        def give_up(number: int, item: Item, why: str) -> None:
            lose(number, f"{needs.name(item)[:_LONGEST]} ({why})")

        tasks = _Tasks(send, partial(_check_room, needs), give_up)
        try:
            yield from _run(tasks, iter(items), _AHEAD * self.count(needs))
        finally:
            _cancel(list(tasks.running))

    def _read(self, paths: Iterable[Path]) -> Iterator[tuple[str, NDArray[np.uint8]]]:
        """Names and contents of files, and of all in folders; none where nodes see them by themselves."""
        for path in paths if self.place.shared is None else ():
            for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
                if file.is_file():
                    yield _name_below(file), np.fromfile(file, np.uint8)


@dataclass
class _Sent:
    """An item, its place among all, and how often it was tried."""

    place: int
    item: Any
    tries: int = 0


@dataclass
class _Tasks:
    """The items that are under way; one whose node or process is lost is sent again after a while."""

    send: Callable[[Any], "ray.ObjectRef[Outcome]"]
    check: Callable[[], None]
    lose: Callable[[int, Any, str], None]
    running: dict["ray.ObjectRef[Outcome]", _Sent] = field(default_factory=dict)
    again: deque[tuple[float, _Sent]] = field(default_factory=deque)

    def __len__(self) -> int:
        return len(self.running) + len(self.again)

    def start(self, sent: _Sent) -> None:
        """Sends an item."""
        sent.tries += 1
        self.running[self.send(sent.item)] = sent

    def wait(self) -> Iterator[tuple[int, Outcome | None]]:
        """What has come of those under way, by place; None of one that was lost for the last time."""
        seconds = _LOOK_SECONDS
        if self.again:
            seconds = max(0.0, min(seconds, self.again[0][0] - time.monotonic()))
        ready = self._look(seconds)
        for reference in ready:
            sent = self.running.pop(reference)
            try:
                yield sent.place, ray.get(reference)
            except _FULL:
                raise _refuse_full() from None
            except RayTaskError:
                raise
            except RayError as error:
                if sent.tries < _TRIES:
                    self.again.append((time.monotonic() + _PAUSE_SECONDS, sent))
                else:
                    self.lose(sent.place, sent.item, type(error).__name__)
                    yield sent.place, None
        while self.again and self.again[0][0] <= time.monotonic():
            self.start(self.again.popleft()[1])

    def _look(self, seconds: float) -> "list[ray.ObjectRef[Outcome]]":
        if not self.running:
            time.sleep(seconds)
            return []
        ready: list[ray.ObjectRef[Outcome]]
        running = list(self.running)
        ready, _ = ray.wait(running, num_returns=1, timeout=seconds)
        if ready:  # all that are: with many under way a look at each takes a while
            ready, _ = ray.wait(running, num_returns=len(running), timeout=0)
        if not ready and seconds == _LOOK_SECONDS:
            self.check()
        return ready


def _run(tasks: _Tasks, items: Iterator[Any], most: int) -> Iterator[tuple[int, Any]]:
    """At most so many under way, and none far ahead of the first that isn't done: results wait for it."""
    following, done = 0, 0
    more, finished = True, set[int]()
    while more or len(tasks):
        while more and following < done + _FAR * most and len(tasks) < most:
            try:
                tasks.start(_Sent(following, next(items)))
            except StopIteration:
                more = False
            else:
                following += 1
        for place, outcome in tasks.wait() if len(tasks) else ():
            finished.add(place)
            if outcome is None:
                continue
            if outcome.refused is not None:
                raise outcome.refused
            yield place, outcome.value
        while done in finished:
            finished.discard(done)
            done += 1


def put_in_order(results: Iterable[tuple[int, Result]]) -> Iterator[Result]:
    """What comes with its place, 0 and up, in the order of the places; what is early waits."""
    waiting: dict[int, Result] = {}
    following = 0
    for place, result in results:
        waiting[place] = result
        while following in waiting:
            yield waiting.pop(following)
            following += 1


def _refuse_lost(names: list[str]) -> BadInput:
    return BadInput(
        f"compute.backend: expected every item done, came {len(names)} whose node or process was lost "
        f"{_TRIES} times: {', '.join(names)}; the same command runs them again"
    )


def _cancel(running: "list[ray.ObjectRef[Outcome]]") -> None:
    """Ends what is under way: at first so that it can clear up behind itself.

    What doesn't come back to Python in time, from one long call, leaves its files on its node.
    """
    if running:
        for force in (False, True):
            for reference in running:
                ray.cancel(reference, force=force)
            _, running = ray.wait(running, num_returns=len(running), timeout=_CLEAR_UP_SECONDS)


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
    except _FULL:
        raise _refuse_full() from None


def _refuse_full() -> BadInput:
    return BadInput(
        "compute.backend: expected room in Ray's object stores and on the disks they spill to, came none; "
        "make room on these, start nodes with a larger --object-store-memory, or set compute.shared_folder "
        "to true"
    )
