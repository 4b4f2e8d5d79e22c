"""Map a function over strangers' files in processes of their own, with limits of memory and time.

Decoders of files from anywhere may eat memory, hang or crash; here that costs one file, not the run.
"""

import itertools
import logging
import multiprocessing
import os
import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any, Final, TypeVar

from pebble import ProcessExpired, ProcessFuture, ProcessPool
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
_MEGABYTE: Final = 1_000_000


@dataclass(frozen=True)
class Limits:
    """What one item may take: memory beyond what a worker starts with, and time."""

    megabytes: int
    seconds: float


@dataclass(frozen=True)
class Failure:
    """Why there is no result for an item, in one line."""

    reason: str


def map_isolated(
    function: Callable[[Item], Result], items: Sequence[Item], limits: Limits, title: str
) -> Iterator[Result | Failure]:
    """`function` of each item, in the items' order; a `Failure` for each that raised, hung or crashed.

    `function` must be importable (defined at the top of a module). However many items there are,
    only a few results wait in memory. Memory is limited where the system can limit it, a process; there
    is a process a core, but no more than the machine has memory for. Their number changes no result.
    """
    if not items:
        return
    workers = min(compute.available_cores(), len(items), _affordable(limits))
    pool = ProcessPool(workers, initializer=_confine, initargs=(limits, function), context=_context())
    task = partial(_attempt, function, limits)
    futures = (pool.schedule(task, args=(item,), timeout=limits.seconds) for item in items)
    try:
        waiting = deque(itertools.islice(futures, _AHEAD * workers))
        for _ in tqdm(items, desc=title, disable=not sys.stderr.isatty()):
            yield _outcome(waiting.popleft(), limits)
            waiting.extend(itertools.islice(futures, 1))
    finally:
        pool.stop()
        pool.join()


def _affordable(limits: Limits) -> int:
    """How many workers may reach their limits at once within the machine's memory; at least 1."""
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows; a system that doesn't say
        return sys.maxsize
    return max(1, memory // (limits.megabytes * _MEGABYTE))


def _context() -> BaseContext:
    """Workers forked from a small clean process where there is such a thing: they start in milliseconds."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return context


def _outcome(future: "ProcessFuture[Result | Failure]", limits: Limits) -> Result | Failure:
    try:
        return future.result()
    except TimeoutError:
        return Failure(f"not read after {limits.seconds:g} seconds (prepare.max_seconds)")
    except ProcessExpired as error:
        return Failure(f"its decoder crashed (exit code {error.exitcode})")


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


def _confine(limits: Limits, _function: Callable[[Any], Any]) -> None:
    """In a worker, at its start; `_function` is passed so that its imports come before the limit."""
    warnings.simplefilter("ignore")
    logging.disable()
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
