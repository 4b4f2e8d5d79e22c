"""What a node of a cluster does with an item: the function it was sent, in the folder that it expects."""

import errno
import importlib.metadata
import os
import platform
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from brainmri.collector import resume_collector
from brainmri.errors import BadInput

# What the system says where there is no room, or not for this user.
_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}
# By which DVC tells a stage its workspace.
ROOT: Final = "DVC_ROOT"
Content: TypeAlias = NDArray[np.uint8]  # a file's bytes


@dataclass(frozen=True)
class Place:
    """Where a function runs: in a folder that all nodes see, else (None) in a new one of its own.

    `root` is the workspace where that folder is an experiment's copy of it; `hidden`: it sees no GPU.
    """

    shared: Path | None
    root: str | None
    hidden: bool = True


@dataclass(frozen=True)
class Outcome:
    """What a function gave, or the `BadInput` that it raised."""

    value: Any = None
    refused: BadInput | None = None


def run_item(
    function: Callable[[Any], Any], item: Any, place: Place, names: Sequence[str], *contents: Content
) -> Outcome:
    """The function of the item; files come by name and content where there is no shared folder."""
    resume_collector()
    if place.hidden:
        # Before PyTorch looks: else each of a node's units would take its first GPU.
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    try:
        with _settle(place, dict(zip(names, contents, strict=True))):
            return Outcome(function(item))
    except BadInput as refused:
        return Outcome(refused=refused)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        place_of_it = f"node {platform.node()}: {error.filename or 'an output'}"
        said = f"{place_of_it}: can't be written ({error.strerror}); make room there, then run it again"
        return Outcome(refused=BadInput(said))


@contextmanager
def _settle(place: Place, sent: Mapping[str, Content]) -> Iterator[None]:
    """Works in the shared folder, or in a new one that holds what was sent."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="brainmri-") as own:
        folder = place.shared or Path(own)
        for name, content in sent.items():
            path = Path(own, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            content.tofile(path)
        try:
            os.chdir(folder)
        except OSError:
            raise BadInput(
                f"node {platform.node()}: expected the folder {folder}, came none; share it with all nodes, "
                "or set compute.shared_folder to false"
            ) from None
        if place.shared and place.root:
            os.environ[ROOT] = place.root
        try:
            yield
        finally:
            os.environ.pop(ROOT, None)
            os.chdir(before)


def describe_node(packages: Sequence[str]) -> dict[str, str]:
    """The versions of Python and of packages on this node; what isn't installed is left out."""
    found = {"python": platform.python_version()}
    for name in packages:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
