"""Batches of strangers' files on the nodes of a cluster, each batch read in a process of its own there.

How they are read, and what comes of each, goes through a node's own process as bytes: unless one fails, it
imports nothing of that, and takes nothing apart that it would have to put together again.
"""

import os
import pickle
import platform
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from brainmri.compute import Files, look_at_each
from brainmri.confinement import Failure, Limits, describe
from brainmri.deadline import NEVER
from brainmri.errors import BadInput, Died
from brainmri.workers import Workers, staying_context

# What the process that read an item has packed for the driver.
Packed: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True)
class Unseen:
    """What a node says of an item whose files it can't read, where the driver could before it sent it."""

    node: str
    failure: Failure


@dataclass(frozen=True)
class Work:
    """What a node does with each batch: as `Isolate` says, within limits."""

    function: bytes  # packed, with its arguments
    files: bytes  # packed
    limits: Limits
    title: str
    together: int


def pack_work(
    function: Callable[[Any], Any], files: Files, limits: Limits, title: str, together: int
) -> Work:
    """For nodes; `function` and `files` are importable, as are their arguments."""
    return Work(_pack(function), _pack(files), limits, title, together)


def work_on(work: Work, items: Sequence[Any]) -> list[Packed | Failure | Unseen]:
    """On a node: in one process of its own, since each of the node's cores has a batch.

    It stays for the batches to come, and ends with the process that it belongs to. What is no failure is for
    `accept`. Raises `Died` where a file system failed, or the system ended a process, and an `ImportError`
    where the function can't be imported.
    """
    workers, node = _start_one(work.limits, work.function), platform.node()
    here = partial(_work_in, Path.cwd(), work.function)
    results: list[Any] = list(workers.until(NEVER)(here, items, work.title, work.together))
    for place, (item, result) in enumerate(zip(items, results, strict=True)):
        if not isinstance(result, Failure):
            # As an array that is not small it is copied once, to where all processes of the node see it.
            results[place] = np.frombuffer(result, np.uint8)
            continue
        if result.failed:
            raise Died(
                f"node {node}: {name_item(item)}: {result.reason}, by its file system or for want of time or "
                "memory; look at these, or take the file away, then run it again"
            )
        if unseen := refuse([item], _unpack(work.files)):
            results[place] = Unseen(node, unseen[0])
    return results


def accept(result: Packed | Failure | Unseen, item: object, files: Files) -> Any:
    """What a node made of an item, or the `Failure`, as that of a file that is gone here too.

    Raises `BadInput` where this machine still reads the file: else a node without its folder would make the
    set smaller, without a word of why.
    """
    if isinstance(result, Failure):
        return result
    if not isinstance(result, Unseen):
        return pickle.loads(result.data)  # noqa: S301 - of a process of this program, as all that Ray brings
    if refuse([item], files):
        return result.failure
    path = next(iter(files(item)), name_item(item))
    raise BadInput(
        f"{path}: expected node {result.node} to read it as this machine does, came: "
        f"{result.failure.reason}; mount its folder on all nodes at the same path, or move it below this one "
        "and set compute.shared_folder to false"
    )


def refuse(items: Sequence[object], files: Files) -> dict[int, Failure]:
    """The items, by place, whose files are refused, as they would be where they are read."""
    looked = look_at_each(partial(_refuse_one, files), items)
    return {place: failure for place, failure in enumerate(looked) if failure is not None}


def _refuse_one(files: Files, item: object) -> Failure | None:
    try:
        for _ in files(item):
            pass
    except BadInput as error:
        return Failure(describe(error))
    return None


def name_item(item: object) -> object:
    """What it is called to people."""
    return getattr(item, "path", item)


@dataclass(frozen=True)
class _Unopened:
    """Something packed that the process it is sent to opens, and imports what it needs, as it starts."""

    content: bytes

    def __reduce__(self) -> tuple[Callable[[bytes], None], tuple[bytes]]:
        return _open, (self.content,)


def _open(content: bytes) -> None:
    with suppress(Exception):  # `_check` says so
        _unpack(content)


class _Started:
    """The process that this one has started last, and what for."""

    key: tuple[Limits, bytes] | None = None
    workers: Workers | None = None


def _start_one(limits: Limits, function: bytes) -> Workers:
    """The process for the function: it ends another's, since memory is booked for one."""
    if _Started.workers is not None and _Started.key != (limits, function):
        _Started.workers.stop()
        _Started.workers = None
    if _Started.workers is None:
        _Started.key, _Started.workers = (limits, function), _start_new(limits, function)
    return _Started.workers


def _start_new(limits: Limits, function: bytes) -> Workers:
    workers = Workers(limits, [_Unopened(function)], staying_context(), 1)
    (said,) = workers.until(NEVER)(_check, [function], "")
    if isinstance(said, Failure):
        workers.stop()
        _unpack(function)  # it can't be here either, and the error says why
        raise Died(
            f"node {platform.node()}: expected a process that reads files to start, came: {said.reason}"
        )
    return workers


def _check(content: bytes) -> None:
    _unpack(content)


def _work_in(folder: Path, function: bytes, item: Any) -> bytes:
    """The function of the item, in a folder: the process may have started in that of an earlier batch."""
    os.chdir(folder)
    return _pack(_unpack(function)(item))


def _pack(content: object) -> bytes:
    return pickle.dumps(content, pickle.HIGHEST_PROTOCOL)


@cache
def _unpack(content: bytes) -> Any:
    """What the driver has packed, once in each process."""
    return pickle.loads(content)  # noqa: S301 - as above
