"""Where the states of trainings lie, and which can go, since their outputs are recorded; without torch."""

import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from brainmri.exclusion import hold_if_free
from brainmri.tables import write_bytes

PLACE: Final = Path(".dvc") / "tmp" / "brainmri"
_FINISHED: Final = PLACE / "finished"


def finish_all(keys: Iterable[str]) -> None:
    """Says of several trainings that all outputs are written (`CheckpointStore.finish`)."""
    write_bytes(_FINISHED, "".join(f"{key}\n" for key in sorted({*read_finished(), *keys})).encode())


def keep_all() -> None:
    """Says of no training any more that its outputs are written: what they left goes after two weeks.

    For what is about to be trained under the same names.
    """
    _FINISHED.unlink(missing_ok=True)


def remove_finished() -> None:
    """Removes the checkpoints of this folder's finished trainings, if there are any.

    For the stage after the training: DVC starts it once the training's outputs are recorded.
    """
    for key in read_finished():
        remove_store(find_stores(), key)
    _FINISHED.unlink(missing_ok=True)


def read_finished() -> list[str]:
    """The keys of the trainings of this folder whose outputs are all written."""
    try:
        return _FINISHED.read_text().split()
    except FileNotFoundError:
        return []


def find_stores() -> Path:
    """The folder of all stores: the workspace's, for a queued experiment too."""
    return Path(os.environ.get("DVC_ROOT", "")) / PLACE


def remove_store(stores: Path, key: str) -> None:
    """Removes a store, if its name is one and no training has it. Lock files stay: others may wait there."""
    if not re.fullmatch("[0-9a-f]{64}", key):
        return
    with hold_if_free(stores / f"{key}.lock") as held:
        if held:
            shutil.rmtree(stores / key, ignore_errors=True)
