"""What a node of a cluster does with an item: the function it was sent, in the folder that it expects."""

import importlib.metadata
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from brainmri.collector import resume_collector
from brainmri.errors import BadInput, Died, Unfit
from brainmri.excuses import excuse, is_denied

PYTHON: Final = "python"
# Of an export's runtime and of several GPUs: what needs them says so where they are missing.
OPTIONAL: Final = ("onnxruntime", "accelerate")
# What a note of an error begins with that says where it was raised.
NODE: Final = "on node "
# By which DVC tells a stage its workspace.
ROOT: Final = "DVC_ROOT"
Content: TypeAlias = NDArray[np.uint8]  # a file's bytes


@dataclass(frozen=True)
class Place:
    """Where a function runs: in a folder that all nodes see, else (None) in a new one of its own.

    `root` is the workspace where that folder is an experiment's copy of it; `hidden`: it sees no GPU. `mark`
    is a file below the folder by which it is known: another folder may lie at the same path. `expected` are
    files that an item needs there. `versions` are the driver's, of which a node has the same.
    """

    shared: Path | None
    root: str | None
    hidden: bool = True
    mark: Path | None = None
    expected: tuple[str, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What a function gave, or the `BadInput` that it raised, or why another try may do better; and where.

    `node` is Ray's name of it, "" where that isn't known.
    """

    value: Any = None
    refused: BadInput | None = None
    lost: str | None = None
    node: str = ""


def run_item(
    function: Callable[[Any], Any], item: Any, place: Place, names: Sequence[str], *contents: Content
) -> Outcome:
    """The function of the item; files come by name and content where there is no shared folder."""
    resume_collector()
    if place.hidden:
        # Before PyTorch looks: else each of a node's units would take its first GPU.
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    try:
        _check_versions(place.versions)
        with _settle(place, dict(zip(names, contents, strict=True))):
            return Outcome(function(item))
    except Exception as error:
        said, node = excuse(error), _find_node()
        if said is None:
            error.add_note(f"{NODE}{node}")
            raise
        if isinstance(said, Died):
            return Outcome(lost=str(said), node=node)
        # A full disk is one's own where nodes have no folder in common; what a node's user may use always is.
        alone = is_denied(error) or (place.shared is None and isinstance(error, OSError))
        return Outcome(refused=Unfit(str(said)) if alone else said, node=node)


def _find_node() -> str:
    """Ray's name of the node that this process belongs to; "" where it belongs to none."""
    ray = sys.modules.get("ray")
    return ray.get_runtime_context().get_node_id() if ray is not None and ray.is_initialized() else ""


@contextmanager
def _settle(place: Place, sent: Mapping[str, Content]) -> Iterator[None]:
    """Works in the shared folder, or in a new one that holds what was sent."""
    before = Path.cwd()
    with ExitStack() as stack:
        folder = place.shared
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="brainmri-")))
            for name, content in sent.items():
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.data)  # numpy's own tofile may leave a part without a word
        try:
            _enter(folder, place.mark)
            _check_files(place.expected)
            if place.shared and place.root:
                os.environ[ROOT] = place.root
            yield
        finally:
            os.environ.pop(ROOT, None)
            os.chdir(before)


def _enter(folder: Path, mark: Path | None) -> None:
    try:
        os.chdir(folder)
        came = "another one" if mark and not mark.exists() else None
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        came = f"none ({error.strerror})"
    if came:
        raise Unfit(
            f"node {platform.node()}: expected the folder {folder} of this run, came {came}; share it with "
            "all nodes, or set compute.shared_folder to false"
        )


def _check_files(expected: Sequence[str]) -> None:
    """Raises `Unfit` with the first that isn't there: a shared folder may hold links to what isn't shared."""
    for name in expected:
        if not Path(name).exists():
            raise Unfit(
                f"node {platform.node()}: expected {name} as on the driver, came none (a link to a disk of "
                "the driver's own, as to DVC's cache?); share that too, or set compute.shared_folder to false"
            )


@cache
def _check_versions(own: tuple[tuple[str, str], ...]) -> None:
    """Raises `Unfit` with what differs here; once a process: a node may have joined after the driver."""
    packages = [name for name, _ in own if name != PYTHON]
    differing = list_differences(dict(own), describe_node(packages)) if own else []
    if differing:
        raise Unfit(
            f"node {platform.node()}: expected the versions of the driver, came {', '.join(differing)}; "
            "install requirements.lock there"
        )


def list_differences(own: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """What has another version on a node than on the driver, in words; the optional only if both have it."""
    known = ((own.keys() | found.keys()) - set(OPTIONAL)) | (own.keys() & found.keys())
    return [
        f"{name} {found.get(name, 'missing')} (here {own.get(name, 'missing')})"
        for name in sorted(known)
        if own.get(name) != found.get(name)
    ]


def describe_node(packages: Sequence[str]) -> dict[str, str]:
    """The versions of Python and of packages on this node; what isn't installed is left out."""
    found = {PYTHON: platform.python_version()}
    for name in packages:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
