"""Processes that stay, in which strangers' files are decoded; one that hangs or crashes costs one file."""

import itertools
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing.context import BaseContext
from pathlib import Path
from threading import Lock
from typing import Any, Final, Generic, Protocol, TypeVar

from pebble import CONSTS, ProcessExpired, ProcessFuture, ProcessPool

from brainmri import compute
from brainmri.compute import Files, no_files
from brainmri.confinement import MEGABYTE, Failure, Limits, attempt_all, confine
from brainmri.deadline import Deadline, TooLate

Item = TypeVar("Item")
Result = TypeVar("Result")

# A worker gets at least as many tasks: it takes a while to start, and the last ones end alike.
TASKS_A_WORKER: Final = 4
# Imported once, by the process that the workers are forked from. Nothing of this package is among
# them: that process may see another checkout first on its path.
_PRELOADED: Final = ["cv2", "nibabel", "numpy", "PIL.Image", "pydicom.pixels.utils", "scipy.ndimage"]
# Tasks in flight for each worker: enough that none is idle, few enough that results don't pile up.
_AHEAD: Final = 4
# How often a batch is sent that goes down with its pool.
_TRIES: Final = 3
# How a process ends that the system stops, as where it has no memory left (SIGKILL), or where a disk fails
# under a file that it sees as memory (SIGBUS; there is none on Windows).
_OUTSIDE: Final = {-9, -getattr(signal, "SIGBUS", 9)}
# And one whose processor's seconds are over (SIGPROF; there is none on Windows).
_LATE: Final = -getattr(signal, "SIGPROF", 0)
# Seconds between looks whether anybody still waits for a result.
_LOOK_SECONDS: Final = 0.2
# For all processes to start, and between their looks for each other.
_START_SECONDS: Final = 60.0
_MEET_SECONDS: Final = 0.01
# Seconds between pebble's looks at its workers. The end of a pool waits for the next look, and a crash or a
# hang is noticed then; at 0.01 s the looks took 3.5 % of a core.
CONSTS.sleep_unit = 0.05
# Of the address of a socket in a folder: what all systems take (104 on macOS), less the two names that
# multiprocessing adds to the folder of temporary files.
_SOCKET_FOLDER_BYTES: Final = 103 - len("/pymp-12345678/listener-12345678")


class Isolate(Protocol):
    """How a function is mapped over strangers' files: for once (isolation.py), or by `Workers` that stay."""

    def __call__(
        self,
        function: Callable[[Item], Result],
        items: Sequence[Item],
        title: str,
        together: int = 1,
        files: Files = no_files,
    ) -> Iterator[Result | Failure]:
        """`function` of each item, in the items' order; a `Failure` for each that raised, hung or crashed.

        `function` and `files` must be importable (defined at the top of a module). However many items there
        are, only a few results wait in memory. Up to `together` items, worth it for quick ones, are sent at
        once; where these hang or crash, each is tried again alone, so that one item costs itself only.
        `files` are what an item is read from: they are sent to machines that don't see them.
        """


class Workers:
    """A process a core, but no more than the machine has memory for; they start with the first item.

    Any thread may use them. One that hangs, crashes or dies while it waits is replaced.
    """

    def __init__(
        self,
        limits: Limits,
        needed: Sequence[object],
        context: BaseContext,
        most: int = sys.maxsize,
        life: int = 0,
    ) -> None:
        """`needed` are the functions to come: what they import is there before memory is limited.

        A process is replaced after `life` tasks (0: never): what a file has left in it ends with it.
        """
        self._limits, self._stopped = limits, False
        self._count = max(1, min(compute.available_cores(), _affordable(limits), most))
        self._start = partial(
            ProcessPool,
            self._count,
            max_tasks=life,
            initializer=confine,
            initargs=(limits, needed),
            context=context,
        )
        self._pool, self._renewal = self._start(), Lock()

    def start(self) -> None:
        """Starts all processes and waits until they are there, not for the first items to do so."""
        with tempfile.TemporaryDirectory() as folder:
            meet = partial(_meet, Path(folder), self._count)
            list(self.until(Deadline.after(_START_SECONDS))(meet, range(self._count), ""))

    def close(self) -> None:
        """Waits for what is under way."""
        self._pool.close()
        self._pool.join()

    def stop(self) -> None:
        """Ends what is under way; whoever waits for it gets `TooLate`."""
        with self._renewal:
            if not self._stopped:
                self._stopped = True
                self._pool.stop()
                self._pool.join()

    def until(self, deadline: Deadline) -> Isolate:
        """As `Isolate` says, without progress; raises `TooLate` when `deadline` has passed."""

        def isolate(
            function: Callable[[Item], Result],
            items: Sequence[Item],
            title: str,  # noqa: ARG001 - of those with progress
            together: int = 1,
            files: Files = no_files,  # noqa: ARG001 - of other machines
        ) -> Iterator[Result | Failure]:
            return self._map(partial(attempt_all, function, self._limits), items, together, deadline)

        return isolate

    def _map(
        self,
        task: "Callable[[Sequence[Item]], list[Result | Failure]]",
        items: Sequence[Item],
        together: int,
        deadline: Deadline,
    ) -> Iterator[Result | Failure]:
        size = max(1, min(together, len(items) // (TASKS_A_WORKER * self._count)))

        def check() -> None:
            # A task that is sent while its pool stops may be lost without a word.
            if self._stopped:
                raise TooLate
            deadline.check()

        def schedule(batch: Sequence[Item], tries: int = 1) -> "_Batch[Item, Result]":
            return _Batch(batch, self._submit(task, batch), tries)

        batches = (schedule(items[start : start + size]) for start in range(0, len(items), size))
        waiting = deque(itertools.islice(batches, _AHEAD * self._count))
        try:
            while waiting:
                yield from _collect(waiting[0], schedule, self._limits, check)
                waiting.popleft()
                waiting.extend(itertools.islice(batches, 1))
        finally:  # left early: nobody waits for these
            for batch in waiting:
                batch.future.cancel()

    def _submit(self, task: Callable[..., Any], batch: Sequence[Any]) -> "ProcessFuture[Any]":
        """To the pool, or to a new one: of several dead processes a pool may not recover."""
        for _ in range(_TRIES):
            pool = self._pool
            try:
                return pool.schedule(task, args=(batch,), timeout=self._limits.longest)
            except RuntimeError:
                self._renew(pool)
        return self._pool.schedule(task, args=(batch,), timeout=self._limits.longest)

    def _renew(self, broken: ProcessPool) -> None:
        with self._renewal:
            if self._stopped:
                raise TooLate
            if self._pool is broken:
                broken.stop()
                broken.join()
                self._pool = self._start()


def staying_context() -> BaseContext:
    """For `Workers` of a program with threads: forked from a small clean process, or started anew.

    Anew also where temporary files lie so deep that such a process couldn't be spoken to.
    """
    deep = len(os.fsencode(tempfile.gettempdir())) > _SOCKET_FOLDER_BYTES
    if deep or "forkserver" not in multiprocessing.get_all_start_methods():
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
    check: Callable[[], None],
) -> list[Result | Failure]:
    """The results of a batch; one that hung or crashed is tried again, item by item.

    One that was lost with the whole pool is tried again as it is: others' items may be to blame.
    """
    try:
        return _wait(batch.future, check)
    except TimeoutError:
        # Of the processor's seconds it has had less, or the system would have ended its process.
        failure = (
            Failure(f"not read in {limits.longest:g} seconds, ten times prepare.max_seconds", failed=True)
            if limits.counted
            else Failure(_tell_late(limits))
        )
    except ProcessExpired as error:
        failure = (
            Failure(_tell_late(limits))
            if limits.counted and error.exitcode == _LATE
            else Failure(
                f"its decoder crashed (exit code {error.exitcode})", failed=error.exitcode in _OUTSIDE
            )
        )
    except CancelledError:  # the pool was stopped
        raise TooLate from None
    except BrokenProcessPool:
        if batch.tries < _TRIES:
            return _collect(schedule(batch.items, batch.tries + 1), schedule, limits, check)
        failure = Failure("its decoder crashed")
    if len(batch.items) == 1:
        return [failure]
    alone = [schedule([item], 1) for item in batch.items]
    return [result for single in alone for result in _collect(single, schedule, limits, check)]


def _tell_late(limits: Limits) -> str:
    return f"not read after {limits.seconds:g} seconds (prepare.max_seconds)"


def _meet(folder: Path, count: int, number: int) -> None:
    """In a worker: waits until as many are in such a task, which so many workers alone can be."""
    (folder / str(number)).touch()
    ends = time.monotonic() + _START_SECONDS
    while len(list(folder.iterdir())) < count and time.monotonic() < ends:
        time.sleep(_MEET_SECONDS)


def _wait(future: "ProcessFuture[Result]", check: Callable[[], None]) -> Result:
    """Its result, unless `check` raises `TooLate` before: then it is cancelled, and its process ended."""
    while True:
        try:
            return future.result(timeout=_LOOK_SECONDS)
        except TimeoutError:
            if future.done():
                return future.result()
            try:
                check()
            except TooLate:
                future.cancel()
                raise


def _affordable(limits: Limits) -> int:
    """How many workers may reach their limits at once within the machine's memory; at least 1."""
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows; a system that doesn't say
        return sys.maxsize
    return max(1, memory // (limits.megabytes * MEGABYTE))
