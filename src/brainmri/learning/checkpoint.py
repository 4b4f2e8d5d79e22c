"""The state of a training on disk: a killed run goes on from it. One file, no pickle, never half of one."""

import hashlib
import json
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load as load_tensors
from safetensors.torch import save_file

from brainmri.errors import BadInput, Died
from brainmri.exclusion import hold_alone
from brainmri.excuses import excuse
from brainmri.learning.finished import PLACE, find_stores, finish_all, read_finished, remove_store
from brainmri.learning.weights import State
from brainmri.replacement import replacing_file
from brainmri.tables import write_bytes

_FILE: Final = "checkpoint.safetensors"
_OUTCOME: Final = "outcome.json"
_KEPT_DAYS: Final = 14
# Of the time of training, at most this share goes into writing checkpoints, a process's first aside.
_MOST_SHARE: Final = 1 / 20


@dataclass(frozen=True)
class Checkpoint:
    """Tensors by name, and facts that JSON can hold."""

    tensors: State
    facts: Mapping[str, Any]


class CheckpointStore:
    """Where the checkpoint of one training lies: a folder of its own, named by all that decides its bytes.

    A checkpoint of other params, data, code, versions or another type of machine has another folder, so
    it is never picked up; `open_store` says where one is left alone.
    """

    def __init__(self, folder: Path) -> None:
        """`folder` need not exist yet."""
        self.folder = folder
        self._path = folder / _FILE
        self._next_write = 0.0

    def read(self) -> Checkpoint | None:
        """The checkpoint, or None where there is none; a broken one is told of and removed.

        Raises `BadInput` where the system can't read the file: that may be another matter next time.
        """
        if not self._path.exists():
            return None
        try:
            return _load(self._path)
        except FileNotFoundError:  # another process of this training has removed it
            return None
        except OSError as error:
            said = (
                f"{self._path}: can't be read ({error.strerror}); mend that or remove the file to start over"
            )
            raise (Died if isinstance(excuse(error), Died) else BadInput)(said) from None
        except (SafetensorError, ValueError, KeyError, TypeError) as error:
            reason = " ".join(str(error).split())[:120]
            print(f"train: the checkpoint {self._path} is broken ({reason}); training starts over")
            self._path.unlink(missing_ok=True)
            return None

    def write(self, checkpoint: Checkpoint) -> None:
        """Replaces the checkpoint; OSError where that is not possible: the earlier one stays then."""
        start = time.monotonic()
        tensors = {key: value.detach().cpu().contiguous() for key, value in checkpoint.tensors.items()}
        content = {"facts": checkpoint.facts, "checksums": _sum_up(tensors, checkpoint.facts)}
        with replacing_file(self._path) as aside:
            try:
                # One metadata key only, as in the model folder.
                save_file(tensors, aside, {"checkpoint": json.dumps(content, sort_keys=True)})
            except SafetensorError as error:  # what the system said stands in its text alone
                raise OSError(str(error)) from None
        end = time.monotonic()
        self._next_write = end + (end - start) / _MOST_SHARE

    @property
    def due(self) -> bool:
        """Whether the last write is so long ago that another one costs little of the time."""
        return time.monotonic() >= self._next_write

    def read_outcome(self) -> dict[str, Any] | None:
        """What `write_outcome` wrote, or None; what is broken is removed."""
        path = self.folder / _OUTCOME
        try:
            content = json.loads(path.read_bytes())
            if content["checksum"] == _sum_up({}, content["outcome"])[""]:
                return dict(content["outcome"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            pass
        print(f"the outcome {path} is broken; its training is done anew")
        path.unlink(missing_ok=True)
        return None

    def write_outcome(self, outcome: Mapping[str, Any]) -> None:
        """Keeps what came of the training, where that is small, in place of the checkpoint."""
        content = {"outcome": outcome, "checksum": _sum_up({}, outcome)[""]}
        write_bytes(self.folder / _OUTCOME, json.dumps(content, sort_keys=True).encode())
        self._path.unlink(missing_ok=True)

    def finish(self) -> None:
        """Says that all outputs are written; `remove_finished` removes the checkpoint later.

        It stays until then because DVC has yet to record the outputs: if it dies or finds the disk full
        before, the next run asks for them again.
        """
        finish_all([self.key])

    @property
    def key(self) -> str:
        """The training's, that of `open_store`."""
        return self.folder.name


@contextmanager
def open_store(key: str, outputs: Path) -> Iterator[CheckpointStore]:
    """The store of the training `key`, for one at a time, as is the folder `outputs`.

    Waits while another training has either. Stores lie below DVC's own temporary folder, that of the
    workspace for a queued experiment too (the experiment's copy is deleted, whatever happened). What killed
    writers left behind, and stores that nobody touched for two weeks, are removed.
    """
    stores = find_stores()
    place = hashlib.sha256(str(outputs.resolve()).encode()).hexdigest()
    with (
        hold_alone(PLACE / f"{place}.lock", "training"),
        hold_alone(stores / f"{key}.lock", "training"),
    ):
        _expire(stores, key)
        for left in (stores / key).glob(f".{_FILE}.*"):
            left.unlink()
        _tell_others(stores, key, PLACE / f"{place}.keys", outputs)
        yield CheckpointStore(stores / key)


def read_kept(name: str) -> Mapping[str, Any]:
    """What `keep_outcome` kept by that name; empty where there is nothing."""
    return CheckpointStore(find_stores() / name).read_outcome() or {}


def keep_outcome(name: str, outcome: Mapping[str, Any]) -> None:
    """Keeps by a name, a SHA-256 in hexadecimal, what came of a training elsewhere.

    As a store of this folder, which goes when its name is among the finished, or after two weeks. OSError
    where it can't be written.
    """
    _expire(find_stores(), name)
    CheckpointStore(find_stores() / name).write_outcome(outcome)


def _load(path: Path) -> Checkpoint:
    with safe_open(path, "pt") as file:
        content = json.loads((file.metadata() or {})["checkpoint"])
    # Not mapped from the file, which is replaced while its tensors are in use.
    tensors = load_tensors(path.read_bytes())
    if content["checksums"] != _sum_up(tensors, content["facts"]):
        raise ValueError("its checksums don't fit")
    return Checkpoint(tensors, content["facts"])


def _sum_up(tensors: State, facts: Mapping[str, Any]) -> dict[str, int]:
    """The CRC-32 of each tensor's bytes, and of the facts as JSON."""
    views = {name: value.reshape(-1).view(torch.uint8).numpy() for name, value in tensors.items()}
    sums = {name: zlib.crc32(view.data) for name, view in views.items()}
    return sums | {"": zlib.crc32(json.dumps(facts, sort_keys=True).encode())}


def _expire(stores: Path, own: str) -> None:
    """Removes the stores of other trainings that were left for too long."""
    oldest = time.time() - _KEPT_DAYS * 86_400
    for path in (*stores.glob(f"*/{_FILE}"), *stores.glob(f"*/{_OUTCOME}")):
        try:
            old = path.stat().st_mtime < oldest
        except FileNotFoundError:  # its training has just replaced or removed it
            continue
        if old and path.parent.name != own:
            remove_store(stores, path.parent.name)


def _tell_others(stores: Path, own: str, noted: Path, outputs: Path) -> None:
    """Says where other trainings for `outputs` have left checkpoints, if this one has none.

    `noted` has the keys of those, and gets this one's.
    """
    keys = noted.read_text(encoding="ascii", errors="replace").split() if noted.exists() else []
    gone = {own, *read_finished()}
    left = [key for key in keys if key not in gone and (stores / key / _FILE).exists()]
    for key in left if not (stores / own / _FILE).exists() else ():
        print(
            f"{outputs}: the checkpoint {stores / key / _FILE} is of other settings, data, code, versions or "
            "another type of machine, and left alone; set these back to go on from it"
        )
    write_bytes(noted, "".join(f"{key}\n" for key in (*left, own)).encode())
