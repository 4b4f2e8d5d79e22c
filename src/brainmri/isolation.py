"""Map a function over strangers' files in processes of their own, with limits of memory and time.

Decoders of files from anywhere may eat memory, hang or crash; here that costs one file, not the run.
"""

import faulthandler
import itertools
import logging
import multiprocessing
import os
import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing.context import BaseContext
from pathlib import Path
from threading import Lock, active_count
from typing import Any, Final, Generic, Protocol, Self, TypeVar

from pebble import CONSTS, ProcessExpired, ProcessFuture, ProcessPool
from tqdm import tqdm

from brainmri import compute
from brainmri.errors import BadInput

Item = TypeVar("Item")
Result = TypeVar("Result")

# Imported once, by the process that the workers are forked from. Nothing of this package is among
# them: that process may see another checkout first on its path.
_PRELOADED: Final = ["cv2", "nibabel", "numpy", "PIL.Image", "pydicom.pixels.utils", "scipy.ndimage"]
# Tasks in flight for each worker: enough that none is idle, few enough that results don't pile up.
_AHEAD: Final = 4
# A worker gets at least as many tasks: it takes a while to start, and the last ones end alike.
_TASKS_A_WORKER: Final = 4
_MEGABYTE: Final = 1_000_000
# How often a batch is sent that goes down with its pool.
_TRIES: Final = 3
# Seconds between pebble's looks at its workers: the end of a pool waits for the next one.
CONSTS.sleep_unit = 0.01


class _Bar(tqdm):  # type: ignore[type-arg]
    """A progress bar without the thread that watches it, which a fork would leave behind."""

    monitor_interval = 0


@dataclass(frozen=True)
class Limits:
    """What one item may take: memory beyond what a worker starts with, and time."""

    megabytes: int
    seconds: float


@dataclass(frozen=True)
class Failure:
    """Why there is no result for an item, in one line."""

    reason: str


class Isolate(Protocol):
    """How a function is mapped over strangers' files: by `isolate_within`, or by `Workers` that stay."""

    def __call__(
        self, function: Callable[[Item], Result], items: Sequence[Item], title: str, together: int = 1
    ) -> Iterator[Result | Failure]:
        """`function` of each item, in the items' order; a `Failure` for each that raised, hung or crashed.

        `function` must be importable (defined at the top of a module). However many items there are,
        only a few results wait in memory. Up to `together` items, worth it for quick ones, are sent at once;
        where these hang or crash, each is tried again alone, so that one item costs itself only.
        """


def isolate_within(limits: Limits) -> Isolate:
    """Processes that start with the first item and end with the last."""

    def isolate(
        function: Callable[[Item], Result], items: Sequence[Item], title: str, together: int = 1
    ) -> Iterator[Result | Failure]:
        return map_isolated(function, items, limits, title, together)

    return isolate


def map_isolated(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    limits: Limits,
    title: str,
    together: int = 1,
) -> Iterator[Result | Failure]:
    """As `Isolate` says, within `limits`.

    Memory is limited where the system can limit it, a process; there is a process a core, but no more than
    the machine has memory for. Neither that number nor `together` changes a result.
    """
    if not items:
        return
    most = -(-len(items) // _TASKS_A_WORKER)
    quiet = not sys.stderr.isatty()
    with (
        Workers(limits, [function], _context(), most) as workers,
        _Bar(total=len(items), desc=title, disable=quiet) as progress,
    ):
        for result in workers.isolate(function, items, title, together):
            progress.update()
            yield result


class Workers:
    """Processes that stay for many calls of `isolate`, from any thread; a crashed one is replaced."""

    def __init__(
        self, limits: Limits, functions: Sequence[Callable[..., Any]], context: BaseContext, most: int
    ) -> None:
        """`functions` are those to come: what they import is there before memory is limited."""
        self._limits = limits
        self._count = max(1, min(compute.available_cores(), _affordable(limits), most))
        self._start = partial(
            ProcessPool, self._count, initializer=_confine, initargs=(limits, functions), context=context
        )
        self._pool, self._renewal = self._start(), Lock()

    def __enter__(self) -> Self:
        """Itself; processes start with the first item."""
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        """Waits for what is under way; after an error ends it."""
        if failed is None:
            self._pool.close()
        else:
            self._pool.stop()
        self._pool.join()

    def isolate(
        self,
        function: Callable[[Item], Result],
        items: Sequence[Item],
        title: str,  # noqa: ARG002 - for those with progress
        together: int = 1,
    ) -> Iterator[Result | Failure]:
        """See `Isolate`; shows no progress, whatever the title."""
        size = max(1, min(together, len(items) // (_TASKS_A_WORKER * self._count)))
        task = partial(_attempt_all, function, self._limits)

        def schedule(batch: Sequence[Item], tries: int = 1) -> "_Batch[Item, Result]":
            return _Batch(batch, self._submit(task, batch), tries)

        batches = (schedule(items[start : start + size]) for start in range(0, len(items), size))
        waiting = deque(itertools.islice(batches, _AHEAD * self._count))
        try:
            while waiting:
                yield from _collect(waiting.popleft(), schedule, self._limits)
                waiting.extend(itertools.islice(batches, 1))
        finally:  # left early: nobody waits for these
            for batch in waiting:
                batch.future.cancel()

    def _submit(self, task: Callable[..., Any], batch: Sequence[Any]) -> "ProcessFuture[Any]":
        """To the pool, or to a new one: of several dead processes a pool may not recover."""
        for _ in range(_TRIES):
            pool = self._pool
            try:
                return pool.schedule(task, args=(batch,), timeout=self._limits.seconds)
            except RuntimeError:
                self._renew(pool)
        return self._pool.schedule(task, args=(batch,), timeout=self._limits.seconds)

    def _renew(self, broken: ProcessPool) -> None:
        with self._renewal:
            if self._pool is broken:
                broken.stop()
                broken.join()
                self._pool = self._start()


def staying_context() -> BaseContext:
    """For `Workers` of a program with threads: forked from a small clean process, or started anew."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return context


@dataclass(frozen=True)
class _Batch(Generic[Item, Result]):
    items: Sequence[Item]
    future: "ProcessFuture[list[Result | Failure]]"
    tries: int


def _collect(
    batch: _Batch[Item, Result],
    schedule: Callable[[Sequence[Item], int], _Batch[Item, Result]],
    limits: Limits,
) -> list[Result | Failure]:
    """The results of a batch; one that hung or crashed is tried again, item by item.

    One that was lost with the whole pool is tried again as it is: others' items may be to blame.
    """
    try:
        return batch.future.result()
    except TimeoutError:
        failure = Failure(f"not read after {limits.seconds:g} seconds (prepare.max_seconds)")
    except ProcessExpired as error:
        failure = Failure(f"its decoder crashed (exit code {error.exitcode})")
    except BrokenProcessPool:
        if batch.tries < _TRIES:
            return _collect(schedule(batch.items, batch.tries + 1), schedule, limits)
        failure = Failure("its decoder crashed")
    if len(batch.items) == 1:
        return [failure]
    alone = [schedule([item], 1) for item in batch.items]
    return [result for single in alone for result in _collect(single, schedule, limits)]


def _affordable(limits: Limits) -> int:
    """How many workers may reach their limits at once within the machine's memory; at least 1."""
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows; a system that doesn't say
        return sys.maxsize
    return max(1, memory // (limits.megabytes * _MEGABYTE))


def _context() -> BaseContext:
    """How workers start: forked from here, with all that is loaded, where there is no other thread.

    Else forked from a small clean process where there is such a thing, and at last started anew; both import
    this program's own main module once more. The successor of a worker that hung or crashed is forked beside
    the pool's own threads: a lock that one of them holds would hang it, and `Limits.seconds` ends it then.
    """
    if sys.platform == "linux" and active_count() == 1:
        return multiprocessing.get_context("fork")
    return staying_context()


def _attempt_all(
    function: Callable[[Item], Result], limits: Limits, items: Sequence[Item]
) -> list[Result | Failure]:
    return [_attempt(function, limits, item) for item in items]


def _attempt(function: Callable[[Item], Result], limits: Limits, item: Item) -> Result | Failure:
    """In a worker: everything that decoders of strangers' files raise becomes a reason."""
    try:
        return function(item)
    except MemoryError:
        return Failure(
            f"needs more than {limits.megabytes} megabytes of memory (prepare.max_memory_megabytes)"
        )
    except Exception as error:
        return Failure(describe(error))


def describe(error: Exception) -> str:
    """Why a stranger's file is of no use. A decoder's own words are left out: they may quote a patient."""
    return str(error) if isinstance(error, BadInput) else f"can't be decoded ({type(error).__name__})"


def _confine(limits: Limits, _functions: Sequence[Callable[..., Any]]) -> None:
    """In a worker, at its start; `_functions` are passed so that their imports come before the limit."""
    warnings.simplefilter("ignore")
    logging.disable()
    faulthandler.disable()
    # What C libraries print about a broken file would go to the user; the reason says it.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    _limit_memory(limits.megabytes * _MEGABYTE)


def _limit_memory(more: int) -> None:
    """At most `more` bytes of address space beyond today's; nothing where the system can't say or do it."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    used = Path("/proc/self/statm")
    if used.exists():
        limit = int(used.read_text().split()[0]) * resource.getpagesize() + more
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        if most != resource.RLIM_INFINITY:
            limit = min(limit, most)
        resource.setrlimit(resource.RLIMIT_AS, (limit, most))
