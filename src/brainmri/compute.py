"""Map a function over many things on all cores, with progress and in order."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from joblib import Parallel, delayed
from joblib.externals.loky.process_executor import TerminatedWorkerError
from tqdm import tqdm

from brainmri.errors import BadInput

Item = TypeVar("Item")
Result = TypeVar("Result")

# Below this many items a second process costs more than it brings.
_WORTH_A_PROCESS = 32


def map_all(function: Callable[[Item], Result], items: Sequence[Item], title: str) -> list[Result]:
    """`[function(item) for item in items]`, spread over the cores; results in the order of the items.

    `function` must be importable (defined at the top of a module of the package).
    """
    jobs = available_cores() if len(items) >= _WORTH_A_PROCESS else 1
    results = Parallel(n_jobs=jobs, return_as="generator", batch_size="auto")(
        delayed(function)(item) for item in items
    )
    return list(tqdm(results, total=len(items), desc=title, disable=not sys.stderr.isatty()))


def map_unordered(function: Callable[[Item], Result], items: Sequence[Item], jobs: int) -> Iterator[Result]:
    """Results as they come, of `jobs` processes at once (one: in this process); for long work on few items.

    Raises `BadInput` where the system ended one of the processes.
    """
    try:
        yield from Parallel(n_jobs=min(jobs, len(items)), return_as="generator_unordered", batch_size=1)(
            delayed(function)(item) for item in items
        )
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
