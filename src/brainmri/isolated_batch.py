"""What a node of a cluster does with a batch of strangers' files: a process of its own within limits.

The node's worker passes the function and its results on as they were sent, and imports nothing that they
need: it would start later by that, and read and write each result once more.
"""

import os
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeAlias, cast

from brainmri.confinement import Failure, Limits
from brainmri.deadline import NEVER
from brainmri.workers import Workers, staying_context

# What a function made of an item, on the way to the driver.
Packed: TypeAlias = bytes


@dataclass(frozen=True)
class _Closed:
    """A function that becomes itself in the process that it is sent to."""

    content: Packed

    def __reduce__(self) -> tuple[Callable[[Packed], Any], tuple[Packed]]:
        return pickle.loads, (self.content,)


def _close(content: Packed) -> Callable[..., Any]:
    return cast(Callable[..., Any], _Closed(content))


@dataclass(frozen=True)
class BatchTask:
    """A function of an item, to be called within limits; `base` is it without any arguments."""

    function: Packed
    base: Packed
    limits: Limits
    title: str
    together: int

    @classmethod
    def of(cls, function: Callable[[Any], Any], limits: Limits, title: str, together: int) -> "BatchTask":
        """For an importable function, or a `partial` of one."""
        return cls(pickle.dumps(function), pickle.dumps(_unwrap(function)), limits, title, together)

    def __call__(self, items: Sequence[Any]) -> list[Packed | Failure]:
        """On a node: in one process of its own, since each of the node's cores has a batch.

        It stays for the batches to come, and ends with the process that it belongs to.
        """
        isolate = _start_one(self.limits, self.base).until(NEVER)
        work = partial(_work_in, Path.cwd(), _close(self.function))
        return list(isolate(work, items, self.title, self.together))


def unpack(result: Packed | Failure) -> Any:
    """What the function gave, or why there is nothing."""
    return result if isinstance(result, Failure) else pickle.loads(result)  # noqa: S301 - of one's own node


def _work_in(folder: Path, function: Callable[[Any], Any], item: Any) -> Packed:
    """The function of the item, in a folder: the process may have started in that of an earlier batch."""
    os.chdir(folder)
    return pickle.dumps(function(item))


@cache
def _start_one(limits: Limits, base: Packed) -> Workers:
    return Workers(limits, [_close(base)], staying_context(), 1)


def _unwrap(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function itself, whatever arguments it was given."""
    while isinstance(function, partial):
        function = function.func
    return function
