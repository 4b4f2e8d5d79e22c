"""What happens in a process that reads strangers' files: limits of memory, and reasons instead of errors."""

import faulthandler
import logging
import os
import signal
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from brainmri.errors import BadInput
from brainmri.excuses import has_failed

Item = TypeVar("Item")
Result = TypeVar("Result")

MEGABYTE: Final = 1_000_000
# Seconds that may pass for each of the processor's.
_PATIENCE: Final = 10


@dataclass(frozen=True)
class Limits:
    """What one item may take: memory beyond what a worker starts with, and time.

    With `patient` seconds are of the processor, of which a slow disk or server takes none and a busy machine
    no more, and ten times as many may pass; where the system can't count them, they are as without.
    """

    megabytes: int
    seconds: float
    patient: bool = False

    @property
    def longest(self) -> float:
        """The seconds that may pass."""
        return self.seconds * (_PATIENCE if self.counted else 1)

    @property
    def counted(self) -> bool:
        """Whether seconds are the processor's."""
        return self.patient and hasattr(signal, "setitimer")


@dataclass(frozen=True)
class Failure:
    """Why there is no result for an item, in one line; `failed`: the machine did, not the file."""

    reason: str
    failed: bool = False


def attempt_all(
    function: Callable[[Item], Result], limits: Limits, items: Sequence[Item]
) -> list[Result | Failure]:
    """`function` of each; everything that decoders of strangers' files raise becomes a reason."""
    return [_attempt(function, limits, item) for item in items]


def _attempt(function: Callable[[Item], Result], limits: Limits, item: Item) -> Result | Failure:
    try:
        with _count_seconds(limits):
            return function(item)
    except MemoryError:
        return Failure(
            f"needs more than {limits.megabytes} megabytes of memory (prepare.max_memory_megabytes)"
        )
    except Exception as error:
        return Failure(describe(error), failed=has_failed(error))


@contextmanager
def _count_seconds(limits: Limits) -> Iterator[None]:
    """The system ends this process (SIGPROF) where its processor's seconds are over."""
    if limits.counted:
        signal.setitimer(signal.ITIMER_PROF, limits.seconds)
    try:
        yield
    finally:
        if limits.counted:
            signal.setitimer(signal.ITIMER_PROF, 0)


def describe(error: Exception) -> str:
    """Why a stranger's file is of no use. A decoder's own words are left out: they may quote a patient."""
    return str(error) if isinstance(error, BadInput) else f"can't be decoded ({type(error).__name__})"


def confine(limits: Limits, _needed: Sequence[object]) -> None:
    """A worker's start; `_needed` are passed so that their imports come before the limit."""
    if hasattr(signal, "SIGPROF"):  # whatever this process was started from does with it
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
    warnings.simplefilter("ignore")
    logging.disable()
    faulthandler.disable()
    # What C libraries print about a broken file would go to the user; the reason says it.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    _limit_memory(limits.megabytes * MEGABYTE)


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
