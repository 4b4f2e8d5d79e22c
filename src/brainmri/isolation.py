"""Map a function over strangers' files in processes of their own, with limits of memory and time.

Decoders of files from anywhere may eat memory, hang or crash; here that costs one file, not the run.
"""

import multiprocessing
import sys
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from functools import partial
from multiprocessing.context import BaseContext
from pathlib import Path
from threading import active_count
from typing import Any, Final, TypeVar

from tqdm import tqdm

from brainmri.compute import Files, Needs, Pool, find_cluster, no_files
from brainmri.confinement import MEGABYTE, Failure, Limits
from brainmri.deadline import NEVER
from brainmri.errors import BadInput
from brainmri.isolated_batches import Packed, Unseen, accept, name_item, pack_work, refuse, work_on
from brainmri.workers import TASKS_A_WORKER, Isolate, Workers, staying_context

Item = TypeVar("Item")
Result = TypeVar("Result")
# Scans that are sent to a node of a cluster together, quick ones and volumes, if each core gets so many
# batches at least. Between two batches a core waits some 15 ms; what many volumes become takes memory.
_BATCH: Final = 32
_VOLUMES: Final = 8
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
        refused = refuse(items, files)
        sent = [item for place, item in enumerate(items) if place not in refused]
        memory = limits.megabytes * MEGABYTE
        most = -(-len(sent) // (_ROUNDS * cluster.count(Needs(memory=memory))))
        size = max(1, min(_BATCH if together > 1 else _VOLUMES, most))
        batches = [sent[first : first + size] for first in range(0, len(sent), size)]
        on_node = partial(work_on, pack_work(function, files, limits, title, together))
        needs = Needs(files=partial(_list_files, files), memory=memory, name=_name_batch)
        results = _map_on(cluster, on_node, batches, title, needs)
        return _order(items, refused, results, files)

    return isolate


def _order(
    items: Sequence[Item],
    refused: Mapping[int, Failure],
    results: Generator[Packed | Failure | Unseen],
    files: Files,
) -> Iterator[Any]:
    """For each item why it was not sent, or its result; left early, nothing is done any more."""
    with closing(results):
        for place, item in enumerate(items):
            yield refused[place] if place in refused else accept(next(results), item, files)


def _map_on(
    cluster: Pool,
    function: Callable[[Sequence[Item]], list[Packed | Failure | Unseen]],
    batches: Sequence[Sequence[Item]],
    title: str,
    needs: Needs,
) -> Generator[Packed | Failure | Unseen]:
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
    return f"{name_item(batch[0])} and {len(batch) - 1} beside it"


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
    the pool's own threads: a lock that one of them holds would hang it, and `Limits.longest` ends it then.
    """
    if sys.platform == "linux" and active_count() == 1:
        return multiprocessing.get_context("fork")
    return staying_context()
