"""One training by two processes is that of one."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from brainmri import backend
from brainmri.backend import ComputeParams, choose
from brainmri.errors import BadInput, Diverged
from brainmri.learning.catalogue import Architecture
from brainmri.learning.crossval import train_units
from brainmri.learning.together import train_together
from tests.learning.shipping import ship
from tests.learning.together_work import fail, train

# Of the way that training moves the weights. Sums over parts of a batch are rounded otherwise, and Adam makes
# steps of one length of small gradients, too.
TOLERANCE = 1e-3


def _list_seen(path: Path) -> list[np.ndarray]:
    with np.load(path) as file:
        return [file[name] for name in file.files]


@pytest.fixture
def shipped_folder(tmp_path: Path) -> Path:
    ship(tmp_path / "weights", Architecture.RESNET18)
    return tmp_path


@pytest.mark.long
def test_two_processes_see_the_same_batches_and_end_with_the_same_weights(shipped_folder: Path) -> None:
    # A loss that is no mean of its parts' losses.
    changes = {"loss": "focal", "class_weights": "balanced"}
    alone = train(shipped_folder, 4, 1, 0, **changes)
    (shipped_folder / "store").rename(shipped_folder / "store of one")
    both = train_together(partial(train, shipped_folder, 4, 2, **changes), 2)
    whole = _list_seen(shipped_folder / "seen 1 0.npz")
    parts = [_list_seen(shipped_folder / f"seen 2 {rank}.npz") for rank in (0, 1)]
    assert 10 == len(whole) == len(parts[0]) == len(parts[1])
    for batch, first, second in zip(whole, *parts, strict=True):
        assert 4 == len(first)
        assert batch.tobytes() == np.concatenate([first, second]).tobytes()
    np.testing.assert_allclose(both["losses"], alone["losses"], rtol=1e-3)
    moved = np.linalg.norm(alone["end"] - alone["start"])
    apart = np.linalg.norm(both["end"] - alone["end"]) / moved
    assert moved > 0.01
    assert apart < TOLERANCE, apart


@pytest.mark.long
def test_two_processes_go_on_from_a_checkpoint(shipped_folder: Path) -> None:
    whole = train_together(partial(train, shipped_folder, 4, 2), 2)
    assert (shipped_folder / "store" / "checkpoint.safetensors").exists()
    # All is done there: each reads it, and none trains.
    again = train_together(partial(train, shipped_folder, 4, 2), 2)
    assert [] == _list_seen(shipped_folder / "seen 2 1.npz")
    assert whole["losses"].tolist() == again["losses"].tolist()


@pytest.mark.long
def test_what_one_refuses_or_its_death_ends_all_in_one_line() -> None:
    with pytest.raises(Diverged, match="lr: expected this, came that"):
        train_together(partial(fail, "refused"), 2)
    with pytest.raises(
        BadInput, match=r"expected 2 processes to train together, came process 1 that died \(exit"
    ):
        train_together(partial(fail, "died"), 2)


@pytest.mark.long
def test_a_batch_that_cannot_be_parted_is_refused(shipped_folder: Path) -> None:
    with pytest.raises(BadInput, match="a number that divides the batch") as refused:
        train_together(partial(train, shipped_folder, 1, 2, batch_size=7), 2)
    assert "\n" not in str(refused.value)


def test_more_gpus_than_this_machine_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend._Chosen, "params", None)
    choose(ComputeParams(backend="local", shared_folder=True, gpus_per_unit=64.0))
    with pytest.raises(BadInput, match="expected 64 GPUs on this machine, came "):
        train_units([], 1)
