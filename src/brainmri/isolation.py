"""Map a function over strangers' files in processes of their own, with limits of memory and time.

Decoders of files from anywhere may eat memory, hang or crash; here that costs one file, not the run.
"""

import multiprocessing
import os
import platform
import sys
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing.context import BaseContext
from pathlib import Path
from threading import active_count
from typing import Any, Final, TypeVar

from tqdm import tqdm

from brainmri.compute import Files, Needs, Pool, find_cluster, no_files
from brainmri.confinement import MEGABYTE, Failure, Limits, describe
from brainmri.deadline import NEVER
from brainmri.errors import BadInput, Died
from brainmri.workers import TASKS_A_WORKER, Isolate, Workers, staying_context

Item = TypeVar("Item")
Result = TypeVar("Result")
# Scans that are sent to a node of a cluster together, quick ones and volumes, if each core gets so many
# batches at least.
_BATCH: Final = 32
_VOLUMES: Final = 4
_ROUNDS: Final = 4


class _Bar(tqdm):  # type: ignore[type-arg]
    """A progress bar without the thread that watches it, which a fork would leave behind."""

    monitor_interval = 0


def isolate_within(limits: Limits) -> Isolate:
    """Processes that start with the first item and end with the last."""

    def isolate(
        function: Callable[[Item], Result],
        items: Sequence[Item],
        title: str,
        together: int = 1,
        files: Files = no_files,
    ) -> Iterator[Result | Failure]:
        cluster = find_cluster()
        if cluster is None:
            return map_isolated(function, items, limits, title, together)
        refused = _refuse(items, files)
        sent = [item for place, item in enumerate(items) if place not in refused]
        memory = limits.megabytes * MEGABYTE
        most = -(-len(sent) // (_ROUNDS * cluster.count(Needs(memory=memory))))
        size = max(1, min(_BATCH if together > 1 else _VOLUMES, most))
        batches = [sent[first : first + size] for first in range(0, len(sent), size)]
        on_node = partial(_isolate_batch, _Work(function, files, limits, title, together))
        needs = Needs(files=partial(_list_files, files), memory=memory, name=_name_batch)
        results = _map_on(cluster, on_node, batches, title, needs)
        return _order(items, refused, results, files)

    return isolate


def _order(
    items: Sequence[Item],
    refused: Mapping[int, Failure],
    results: "Generator[Result | Failure | _Unseen]",
    files: Files,
) -> Iterator[Result | Failure]:
    """For each item why it was not sent, or its result; left early, nothing is done any more."""
    with closing(results):
        for place, item in enumerate(items):
            yield refused[place] if place in refused else _accept(next(results), item, files)


def _refuse(items: Sequence[Item], files: Files) -> dict[int, Failure]:
    """The items, by place, whose files are refused, as they would be where they are read."""
    refused: dict[int, Failure] = {}
    for place, item in enumerate(items):
        try:
            for _ in files(item):
                pass
        except BadInput as error:
            refused[place] = Failure(describe(error))
    return refused


def _map_on(
    cluster: Pool,
    function: Callable[[Sequence[Item]], "list[Result | Failure | _Unseen]"],
    batches: Sequence[Sequence[Item]],
    title: str,
    needs: Needs,
) -> "Generator[Result | Failure | _Unseen]":
    """Batches on the nodes of a cluster, in order."""
    with _Bar(total=sum(map(len, batches)), desc=title, disable=not sys.stderr.isatty()) as progress:
        for results in cluster.map_in_order(function, batches, needs):
            progress.update(len(results))
            yield from results


def _list_files(files: Files, batch: Sequence[Item]) -> Iterator[Path]:
    """Those of a batch; of an item whose files are refused by now none, so that it fails where it is read."""
    for item in batch:
        with suppress(BadInput):
            yield from list(files(item))


def _name_batch(batch: Sequence[object]) -> str:
    return f"{_name(batch[0])} and {len(batch) - 1} beside it"


def _name(item: object) -> object:
    return getattr(item, "path", item)


@dataclass(frozen=True)
class _Unseen:
    """What a node says of an item whose files it can't read, where the driver could before it sent it."""

    node: str
    failure: Failure


def _accept(result: Result | Failure | _Unseen, item: Item, files: Files) -> Result | Failure:
    """What a node gave; a file that is gone here too is a failure.

    Raises `BadInput` where this machine still reads the file: else a node without its folder would make the
    set smaller, without a word of why.
    """
    if not isinstance(result, _Unseen):
        return result
    if _refuse([item], files):
        return result.failure
    path = next(iter(files(item)), _name(item))
    raise BadInput(
        f"{path}: expected node {result.node} to read it as this machine does, came: "
        f"{result.failure.reason}; mount its folder on all nodes at the same path, or move it below this one "
        "and set compute.shared_folder to false"
    )


@dataclass(frozen=True)
class _Work:
    """What a node does with each batch: as `Isolate` says, within limits."""

    function: Callable[[Any], Any]
    files: Files
    limits: Limits
    title: str
    together: int


def _isolate_batch(work: _Work, items: Sequence[Any]) -> list[Any | Failure | _Unseen]:
    """On a node: in one process of its own, since each of the node's cores has a batch.

    It stays for the batches to come, and ends with the process that it belongs to. Raises `Died` where a file
    system failed, or the system ended a process.
    """
    workers, node = _start_one(work.limits, _unwrap(work.function)), platform.node()
    here = partial(_work_in, Path.cwd(), work.function)
    results: list[Any] = list(workers.until(NEVER)(here, items, work.title, work.together))
    for place, (item, result) in enumerate(zip(items, results, strict=True)):
        if not isinstance(result, Failure):
            continue
        if result.failed:
            raise Died(
                f"node {node}: {_name(item)}: {result.reason}, by its file system or for want of memory; "
                "look at these, or take the file away, then run it again"
            )
        if unseen := _refuse([item], work.files):
            results[place] = _Unseen(node, unseen[0])
    return results


def _work_in(folder: Path, function: Callable[[Item], Result], item: Item) -> Result:
    """The function of the item, in a folder: the process may have started in that of an earlier batch."""
    os.chdir(folder)
    return function(item)


@cache
def _start_one(limits: Limits, function: Callable[..., Any]) -> Workers:
    return Workers(limits, [function], staying_context(), 1)


def _unwrap(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function itself, whatever arguments it was given."""
    while isinstance(function, partial):
        function = function.func
    return function


def map_isolated(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    limits: Limits,
    title: str,
    together: int = 1,
) -> Iterator[Result | Failure]:
    """As `Isolate` says, with progress, within `limits`, on this machine.

    Memory is limited where the system can limit it. Neither the number of processes nor `together` changes a
    result.
    """
    if items:
        workers = Workers(limits, [function], _context(), -(-len(items) // TASKS_A_WORKER))
        yield from _work(workers, function, items, title, together)


def _work(
    workers: Workers, function: Callable[[Item], Result], items: Sequence[Item], title: str, together: int
) -> Iterator[Result | Failure]:
    try:
        with _Bar(total=len(items), desc=title, disable=not sys.stderr.isatty()) as progress:
            for result in workers.until(NEVER)(function, items, title, together):
                progress.update()
                yield result
    except BaseException:  # leaving the generator early too
        workers.stop()
        raise
    workers.close()


def _context() -> BaseContext:
    """How workers start: forked from here, with all that is loaded, where there is no other thread.

    Else forked from a small clean process where there is such a thing, and at last started anew; both import
    this program's own main module once more. The successor of a worker that hung or crashed is forked beside
    the pool's own threads: a lock that one of them holds would hang it, and `Limits.seconds` ends it then.
    """
    if sys.platform == "linux" and active_count() == 1:
        return multiprocessing.get_context("fork")
    return staying_context()
