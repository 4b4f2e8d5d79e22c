"""What a node of a cluster does with a batch of strangers' files: a process of its own within limits.

The node's worker passes the function and its results on unread, and imports nothing that they need: it would
start later by that, and read and write each result once more. The items, which are small, it does read.
"""

import os
import pickle
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeAlias, cast

from brainmri.confinement import Failure, Limits
from brainmri.deadline import NEVER
from brainmri.errors import BadInput
from brainmri.workers import Workers, staying_context

# A function or a result, pickled, that is passed on unread.
Packed: TypeAlias = bytes


@dataclass(frozen=True)
class BatchTask:
    """An importable function of an item, or a `partial` of one, to be called within limits."""

    function: Packed
    limits: Limits
    together: int

    @classmethod
    def of(cls, function: Callable[[Any], Any], limits: Limits, together: int) -> "BatchTask":
        """For `together` as `Isolate` has it."""
        return cls(pickle.dumps(function), limits, together)

    def __call__(self, items: Sequence[Any]) -> list[Packed | Failure]:
        """On a node: in one process of its own, since each of the node's cores has a batch.

        It stays for the batches to come, and ends with the process that it belongs to. Raises what the
        function's import raises there.
        """
        isolate = _start_one(self.limits, self.function).until(NEVER)
        return list(isolate(partial(_work_in, Path.cwd(), _close(self.function)), items, "", self.together))


def unpack(result: Packed | Failure) -> Any:
    """What the function gave, or why there is nothing."""
    return result if isinstance(result, Failure) else pickle.loads(result)  # noqa: S301 - of one's own node


@dataclass(frozen=True)
class _Closed:
    """Becomes a function in the process that it is sent to; here it can't be called."""

    content: Packed

    def __reduce__(self) -> tuple[Callable[[Packed], Any], tuple[Packed]]:
        return pickle.loads, (self.content,)


def _close(content: Packed) -> Callable[..., Any]:
    return cast(Callable[..., Any], _Closed(content))


@dataclass(frozen=True)
class _Open:
    """A result, which becomes what `unpack` takes in the process that it is sent to."""

    value: Any

    def __reduce__(self) -> tuple[type[bytes], tuple[Packed]]:
        return bytes, (pickle.dumps(self.value),)


def _work_in(folder: Path, function: Callable[[Any], Any], item: Any) -> Packed:
    """The function of the item, in a folder: the process may have started in that of an earlier batch."""
    os.chdir(folder)
    return cast(Packed, _Open(function(item)))


@cache
def _start_one(limits: Limits, function: Packed) -> Workers:
    """A process that has imported all that the function needs, before its memory is limited."""
    workers = Workers(limits, [_work_in, _close(function)], staying_context(), 1)
    (told,) = workers.until(NEVER)(abs, [0], "")
    if isinstance(told, Failure):
        workers.stop()
        pickle.loads(function)  # noqa: S301 - the driver's own; where that is the reason, it raises it
        raise BadInput(
            f"node {platform.node()}: expected a process to read scans in, came none that starts (out of "
            "memory?); make room there, then run it again"
        )
    return workers
