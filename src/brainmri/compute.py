"""Map a function over many things with progress and in order: on all cores, or on a Ray cluster."""

import itertools
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

from joblib import Parallel, delayed
from joblib.externals.loky.process_executor import TerminatedWorkerError
from tqdm import tqdm

from brainmri.backend import Backend, find_chosen
from brainmri.collector import pause_collector, resume_collector
from brainmri.errors import BadInput
from brainmri.threads import limit_blas

Item = TypeVar("Item")
Result = TypeVar("Result")

# Below this many items a second process costs more than it brings.
_WORTH_A_PROCESS = 32
# Of looks at files: from how many on threads bring something, how many there are, and looks of one together.
_WORTH_THREADS = 1024
_LOOKING = 16
_LOOKS = 64


# The files below the working directory that an item is made from.
Files: TypeAlias = Callable[[Any], Iterable[Path]]


def no_files(_: Any) -> Iterable[Path]:
    """Of an item that comes with all it needs."""
    return ()


@dataclass(frozen=True)
class Needs:
    """What a function needs where it runs: files and folders below the working directory, and machinery.

    `common` is read for every item, `files` for one. `memory` is in bytes, 0 where it is little. `name` is
    what an item is called to people. With `fresh` each item has a process of its own, which gives back a GPU
    and its memory when the item is done.
    """

    common: tuple[Path, ...] = ()
    files: Files = no_files
    cores: int = 1
    gpus: float = 0
    memory: int = 0
    fresh: bool = False
    name: Callable[[Any], str] = str


class Pool(Protocol):
    """Machines that a function is mapped on."""

    def count(self, needs: Needs) -> int:
        """How many items with such needs they work on at once, at least 1."""

    def map(
        self, function: Callable[[Item], Result], items: Iterable[Item], needs: Needs
    ) -> Iterator[tuple[int, Result]]:
        """The place of each item among `items` and what `function` makes of it, as they come.

        `function` must be importable (defined at the top of a module). Raises the `BadInput` that it raises
        at once. No more items are taken than the machines work on soon. One whose machine is lost again and
        again is named in a `BadInput` in the end, when the others are done; one that comes to another error
        each time is named in a note of that error.
        """

    def map_in_order(
        self, function: Callable[[Item], Result], items: Iterable[Item], needs: Needs
    ) -> Iterator[Result]:
        """What `function` makes of each, in the order of the items; raises what it raises.

        An item whose machine is lost again and again is named at once.
        """

    def leave(self) -> None:
        """Removes what marks this run, for a program that ends without Python's own ending."""


class _Joined:
    """The cluster that this process maps on, once it has needed one."""

    pool: Pool | None = None


def find_cluster() -> Pool | None:
    """The cluster that was chosen, joined when it is first asked for; None where this machine was."""
    chosen = find_chosen()
    if chosen is None or chosen.backend is Backend.LOCAL:
        return None
    if _Joined.pool is None:
        try:  # Ray is there only where it was asked for.
            from brainmri.cluster import join_cluster  # noqa: PLC0415
        except ModuleNotFoundError as error:
            if error.name != "ray":
                raise
            raise BadInput(
                "compute.backend: expected Ray to be installed, came none; pip install '.[cluster]', or set "
                "it to local"
            ) from None
        _Joined.pool = join_cluster(shared=chosen.shared_folder)
    return _Joined.pool


def leave_cluster() -> None:
    """As `Pool.leave`, if this process has joined one."""
    if _Joined.pool is not None:
        _Joined.pool.leave()


def map_each(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    title: str,
    least: int = _WORTH_A_PROCESS,
) -> Iterator[Result]:
    """`function(item) for item in items`, spread over the cores, in the order of the items, with progress.

    `function` must be importable (defined at the top of a module of the package), and reads no file. Fewer
    than `least` items are done in this process, where it is this machine that computes.
    """
    cluster = find_cluster()
    if cluster is None:
        results = _map_here(function, items, available_cores() if len(items) >= least else 1)
    else:
        results = cluster.map_in_order(function, items, Needs())
    yield from tqdm(results, total=len(items), desc=title, disable=not sys.stderr.isatty())


def _map_here(function: Callable[[Item], Result], items: Sequence[Item], jobs: int) -> Iterator[Result]:
    spread = Parallel(n_jobs=jobs, return_as="generator", batch_size="auto", initializer=pause_collector)
    results: Iterator[Result] = spread(delayed(_call)(function, item) for item in items)
    return results


def _call(function: Callable[[Item], Result], item: Item) -> Result:
    resume_collector()  # in a new process, which has imported what the function needs
    return function(item)


def map_by_threads(
    function: Callable[[Item], Result], items: Sequence[Item], together: int = 1
) -> list[Result]:
    """`function` of each item, in order, for numpy's work on much that all share: it leaves Python's lock.

    By threads of this process, or on a cluster, where `together` items are sent at once. Each product of
    matrices takes one thread, so that the number of cores changes no sum. `function` is importable, and
    reads no file.
    """
    cluster = find_cluster()
    if cluster is None:
        with limit_blas(), ThreadPoolExecutor(available_cores()) as threads:
            return list(threads.map(function, items))
    batches = [items[first : first + together] for first in range(0, len(items), together)]
    parts = cluster.map_in_order(partial(_call_all, function), batches, Needs())
    return [result for part in parts for result in part]


def _call_all(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    with limit_blas():
        return list(map(function, items))


def look_at_each(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """`function` of each item, in order, for a quick look at a file; of many several at once, by threads.

    The server of a shared folder takes longer to answer than a look takes of a core.
    """
    if len(items) < _WORTH_THREADS:
        return list(map(function, items))
    parts = [items[first : first + _LOOKS] for first in range(0, len(items), _LOOKS)]
    with ThreadPoolExecutor(_LOOKING) as threads:
        looked = threads.map(lambda part: list(map(function, part)), parts)
        return list(itertools.chain.from_iterable(looked))


def map_unordered(function: Callable[[Item], Result], items: Sequence[Item], jobs: int) -> Iterator[Result]:
    """Results as they come, of `jobs` processes at once (one: in this process); for long work on few items.

    Raises `BadInput` where the system ended one of the processes.
    """
    try:
        jobs = min(jobs, len(items))
        yield from Parallel(
            n_jobs=jobs, return_as="generator_unordered", batch_size=1, initializer=pause_collector
        )(delayed(_call)(function, item) for item in items)
    except TerminatedWorkerError:
        raise BadInput(
            f"expected {jobs} processes at once to end, came one that was killed (out of memory?); run it "
            "again for the rest, or with more threads for each"
        ) from None


def available_cores() -> int:
    """Cores that this process may use (affinity respected where the system tells)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
