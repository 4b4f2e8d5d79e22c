"""Batches of strangers' files on the nodes of a cluster, each batch read in a process of its own there.

How they are read, and what comes of each, goes through a node's own process as bytes: it imports nothing of
that, and takes nothing apart that it would have to put together again.
"""

import os
import pickle
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from pebble import CONSTS

from brainmri.compute import Files
from brainmri.confinement import Failure, Limits, describe
from brainmri.deadline import NEVER
from brainmri.errors import BadInput, Died
from brainmri.workers import Workers, staying_context

Item = TypeVar("Item")
# What the process that read an item has packed for the driver.
Packed: TypeAlias = NDArray[np.uint8]

# Seconds between pebble's looks at the one process, which take from the core that it reads on.
_LOOK_SECONDS: Final = 0.2


@dataclass(frozen=True)
class Unseen:
    """What a node says of an item whose files it can't read, where the driver could before it sent it."""

    node: str
    failure: Failure


@dataclass(frozen=True)
class Work:
    """What a node does with each batch: as `Isolate` says, within limits.

    Packed are the function, the same without its arguments, which a process imports as it starts, and files.
    """

    function: bytes
    start: bytes
    files: bytes
    limits: Limits
    title: str
    together: int


def pack_work(
    function: Callable[[Any], Any], files: Files, limits: Limits, title: str, together: int
) -> Work:
    """For nodes; `function` is importable, whatever arguments it was given."""
    start: Callable[..., Any] = function
    while isinstance(start, partial):
        start = start.func
    return Work(_pack(function), _pack(start), _pack(files), limits, title, together)


def work_on(work: Work, items: Sequence[Any]) -> list[Packed | Failure | Unseen]:
    """On a node: in one process of its own, since each of the node's cores has a batch.

    It stays for the batches to come, and ends with the process that it belongs to. What is no failure is for
    `accept`. Raises `Died` where a file system failed, or the system ended a process.
    """
    workers, node = _start_one(work.limits, work.start), platform.node()
    here = partial(_work_in, Path.cwd(), work.function)
    results: list[Any] = list(workers.until(NEVER)(here, items, work.title, work.together))
    for place, (item, result) in enumerate(zip(items, results, strict=True)):
        if not isinstance(result, Failure):
            # As an array it is copied once, to where all processes of the node see it.
            results[place] = np.frombuffer(result, np.uint8)
            continue
        if result.failed:
            raise Died(
                f"node {node}: {name_item(item)}: {result.reason}, by its file system or for want of memory; "
                "look at these, or take the file away, then run it again"
            )
        if unseen := refuse([item], _unpack(work.files)):
            results[place] = Unseen(node, unseen[0])
    return results


def accept(result: Packed | Failure | Unseen, item: Item, files: Files) -> Any | Failure:
    """What a node gave; a file that is gone here too is a failure.

    Raises `BadInput` where this machine still reads the file: else a node without its folder would make the
    set smaller, without a word of why.
    """
    if isinstance(result, Failure):
        return result
    if not isinstance(result, Unseen):
        return _unpack(result.data)
    if refuse([item], files):
        return result.failure
    path = next(iter(files(item)), name_item(item))
    raise BadInput(
        f"{path}: expected node {result.node} to read it as this machine does, came: "
        f"{result.failure.reason}; mount its folder on all nodes at the same path, or move it below this one "
        "and set compute.shared_folder to false"
    )


def refuse(items: Sequence[Item], files: Files) -> dict[int, Failure]:
    """The items, by place, whose files are refused, as they would be where they are read."""
    refused: dict[int, Failure] = {}
    for place, item in enumerate(items):
        try:
            for _ in files(item):
                pass
        except BadInput as error:
            refused[place] = Failure(describe(error))
    return refused


def name_item(item: object) -> object:
    """What it is called to people."""
    return getattr(item, "path", item)


@dataclass(frozen=True)
class _AtStart:
    """Unpacked by the process that starts with it, not by the one that starts it."""

    content: bytes

    def __call__(self) -> None:
        """Never: it is a function only to those that import what it needs."""

    def __reduce__(self) -> tuple[Callable[[bytes], Any], tuple[bytes]]:
        return _unpack, (self.content,)


@cache
def _start_one(limits: Limits, start: bytes) -> Workers:
    CONSTS.sleep_unit = _LOOK_SECONDS
    return Workers(limits, [_AtStart(start)], staying_context(), 1)


def _work_in(folder: Path, function: bytes, item: Any) -> bytes:
    """The function of the item, in a folder: the process may have started in that of an earlier batch."""
    os.chdir(folder)
    return _pack(_unpack_once(function)(item))


def _pack(content: object) -> bytes:
    return pickle.dumps(content, pickle.HIGHEST_PROTOCOL)


def _unpack(content: bytes | memoryview) -> Any:
    return pickle.loads(content)  # noqa: S301 - from a process of this program, as all that Ray hands over


@cache
def _unpack_once(content: bytes) -> Any:
    return _unpack(content)
