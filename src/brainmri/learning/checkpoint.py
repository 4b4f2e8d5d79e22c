"""The state of a training on disk: a killed run goes on from it. One file, no pickle, never half of one."""

import json
import os
import re
import shutil
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from brainmri.exclusion import hold_alone
from brainmri.learning.weights import State
from brainmri.tables import replacing_file

_PLACE: Final = Path(".dvc") / "tmp" / "brainmri"
_FILE: Final = "checkpoint.safetensors"
_LOCK: Final = "lock"
_KEPT_DAYS: Final = 14
# Of the time of training, at most this share goes into writing checkpoints.
_MOST_SHARE: Final = 1 / 20


@dataclass(frozen=True)
class Checkpoint:
    """Tensors by name, and facts that JSON can hold."""

    tensors: State
    facts: Mapping[str, Any]


class CheckpointStore:
    """Where the checkpoint of one training lies: a folder of its own, named by all that decides its bytes.

    A checkpoint of other params, data, code, versions or another type of machine has another folder, so
    it is never picked up.
    """

    def __init__(self, folder: Path) -> None:
        """`folder` need not exist yet."""
        self._path = folder / _FILE
        self._parent = os.getppid()
        self._next_write = 0.0

    def read(self) -> Checkpoint | None:
        """The checkpoint, or None where there is none; a broken one is told of and removed."""
        if not self._path.exists():
            return None
        try:
            return _load(self._path)
        except (SafetensorError, OSError, ValueError, KeyError) as error:
            reason = " ".join(str(error).split())[:120]
            print(f"checkpoint: {self._path} is broken ({reason}); training starts over")
            self._path.unlink()
            return None

    def write(self, checkpoint: Checkpoint) -> None:
        """Replaces the checkpoint; OSError where that is not possible: the earlier one stays then."""
        start = time.monotonic()
        tensors = {key: value.detach().cpu().contiguous() for key, value in checkpoint.tensors.items()}
        facts = {"facts": checkpoint.facts, "checksums": _sum_up(tensors)}
        with replacing_file(self._path) as aside:
            try:
                # One metadata key only, as in the model folder.
                save_file(tensors, aside, {"checkpoint": json.dumps(facts, sort_keys=True)})
            except SafetensorError as error:  # what the system said stands in its text alone
                raise OSError(str(error)) from None
        end = time.monotonic()
        self._next_write = end + (end - start) / _MOST_SHARE

    @property
    def due(self) -> bool:
        """Whether the last write is so long ago that another one costs little of the time."""
        return time.monotonic() >= self._next_write

    def finish(self) -> None:
        """Removes the checkpoint, once all outputs are written.

        Not where the process that started this one has died: DVC, killed alone, records no outputs of
        the training that outlived it, and the next run asks for them again.
        """
        if os.getppid() == self._parent:
            shutil.rmtree(self._path.parent, ignore_errors=True)


@contextmanager
def open_store(key: str) -> Iterator[CheckpointStore]:
    """The store of the training `key`, for one at a time; so is the folder that it writes its outputs to.

    Waits while another training has either. Stores lie below DVC's own temporary folder, that of the
    workspace for a queued experiment too (the experiment's copy is deleted, whatever happened). What killed
    writers left behind, and stores that nobody touched for two weeks, are removed.
    """
    stores = Path(os.environ.get("DVC_ROOT", "")) / _PLACE
    with (
        hold_alone(_PLACE / f"outputs.{_LOCK}", "training"),
        hold_alone(stores / f"{key}.{_LOCK}", "training"),
    ):
        _expire(stores, key)
        for left in (stores / key).glob(f".{_FILE}.*"):
            left.unlink()
        yield CheckpointStore(stores / key)


def _load(path: Path) -> Checkpoint:
    with safe_open(path, "pt") as file:
        content = json.loads((file.metadata() or {})["checkpoint"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    if content["checksums"] != _sum_up(tensors):
        raise ValueError("its checksums don't fit")
    return Checkpoint(tensors, content["facts"])


def _sum_up(tensors: State) -> dict[str, int]:
    """The CRC-32 of each tensor's bytes."""
    views = {name: value.reshape(-1).view(torch.uint8).numpy() for name, value in tensors.items()}
    return {name: zlib.crc32(view.data) for name, view in views.items()}


def _expire(stores: Path, own: str) -> None:
    """Removes what other trainings left behind for too long; the names are those of `identify_training`."""
    oldest = time.time() - _KEPT_DAYS * 86_400
    for path in stores.glob("*"):
        key = path.name.partition(".")[0]
        if key == own or not re.fullmatch("[0-9a-f]{64}", key):
            continue
        newest = max((part.stat().st_mtime for part in (path, *path.glob("*"))), default=0)
        if newest < oldest:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
