"""One training by two processes is that of one."""

import sys
import tempfile
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from brainmri import backend
from brainmri.backend import ComputeParams, choose
from brainmri.errors import BadInput, Diverged
from brainmri.learning.catalogue import Architecture
from brainmri.learning.crossval import _check_processes
from brainmri.learning.recipe import EpochPlan
from brainmri.learning.together import train_together
from brainmri.learning.unit_mapping import train_units
from tests.learning.shipping import ship
from tests.learning.test_crossval import make_job
from tests.learning.together_work import fail, list_listening, meet_and_list, refuse_late, score_part, train

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
def test_two_processes_go_on_from_a_checkpoint_as_if_nothing_had_been(tmp_path: Path) -> None:
    for name in ("whole", "parted"):
        ship(tmp_path / name / "weights", Architecture.RESNET18)
    whole = train_together(partial(train, tmp_path / "whole", 3, 2), 2)
    with pytest.raises(BadInput, match="process 0 that died"):
        train_together(partial(train, tmp_path / "parted", 3, 2, dies_in=1), 2)
    assert (tmp_path / "parted" / "store" / "checkpoint.safetensors").exists()
    again = train_together(partial(train, tmp_path / "parted", 3, 2), 2)
    seen, all_seen = (_list_seen(tmp_path / name / "seen 2 1.npz") for name in ("parted", "whole"))
    assert 0 < len(seen) < len(all_seen)
    assert [batch.tobytes() for batch in seen] == [batch.tobytes() for batch in all_seen[-len(seen) :]]
    assert whole["losses"].tolist() == again["losses"].tolist()
    assert whole["end"].tobytes() == again["end"].tobytes()


@pytest.mark.long
def test_a_unit_of_two_processes_is_scored_by_the_first(tmp_path: Path) -> None:
    work = partial(score_part, make_job("fixed"))
    alone = work(1, tmp_path / "alone", 0)
    both = train_together(partial(work, 2, tmp_path / "both"), 2)
    # Each process normalizes by its own half of a batch: the lowest validation loss can be another epoch's.
    assert alone["facts"] | {"best_epoch": None} == both["facts"] | {"best_epoch": None}
    assert alone["scores"]["best"]["logit"] != both["scores"]["best"]["logit"]
    assert len(alone["scores"]["best"]["logit"]) == len(both["scores"]["best"]["logit"])


@pytest.mark.long
def test_what_one_refuses_or_its_death_ends_all_in_one_line() -> None:
    with pytest.raises(Diverged, match="lr: expected this, came that"):
        train_together(partial(fail, "refused", 1), 2)
    died = r"expected 2 processes to train together, came process 1 that died \(exit code 3"
    with pytest.raises(BadInput, match=died):
        train_together(partial(fail, "died", 1), 2)


@pytest.mark.long
def test_a_bug_of_one_is_raised_with_its_traceback() -> None:
    with pytest.raises(RuntimeError, match=r"(?s)process 1 of 2.*Traceback.*ValueError: a bug"):
        train_together(partial(fail, "wrong", 1), 2)


@pytest.mark.long
def test_what_all_refuse_is_said_whoever_is_first() -> None:
    with pytest.raises(Diverged, match="lr: expected this, came that"):
        train_together(refuse_late, 2)


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="of Linux are the lists of what listens")
def test_nothing_is_left_and_nobody_outside_is_listened_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A name that an address would write otherwise.
    folder = tmp_path / "of temporary files, für # und ?"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    before = list_listening()
    new = Counter(train_together(meet_and_list, 2)) - Counter(before)
    assert new
    assert all(address.endswith("0100007F") for address in new), new
    assert [] == list(folder.iterdir())


def test_a_batch_that_cannot_be_parted_is_refused() -> None:
    with pytest.raises(BadInput, match=r"a number that divides the batch \(7 images\), came 2;") as refused:
        _check_processes(EpochPlan(7, 1), 2)
    assert "\n" not in str(refused.value)
    _check_processes(EpochPlan(8, 1), 2)


def test_more_gpus_than_this_machine_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend._Chosen, "params", None)
    choose(ComputeParams(backend="local", shared_folder=True, gpus_per_unit=64.0))
    with pytest.raises(BadInput, match="expected 64 GPUs on this machine, came "):
        train_units([], 1)
