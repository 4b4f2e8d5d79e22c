"""An interrupted training goes on from its checkpoint and ends with the bytes of an uninterrupted one."""

import errno
import os
import time
from functools import partial
from pathlib import Path

import pytest
import torch
import torchvision
from fastai.callback.core import Callback
from safetensors.torch import save_file

from brainmri.errors import BadInput
from brainmri.exclusion import hold_alone
from brainmri.learning import fitting
from brainmri.learning.checkpoint import Checkpoint, CheckpointStore, open_store
from brainmri.learning.classification import select_classes
from brainmri.learning.finished import remove_finished
from brainmri.learning.fitting import Schedule, TrainedNetwork, train_network
from brainmri.learning.recipe import Recipe
from brainmri.learning.resumption import Resumption
from brainmri.learning.segmentation import select_masks
from tests.learning.samples import (
    SMALL,
    make_mask_recipe,
    make_masked_set,
    make_recipe,
    make_segmentation,
    make_set,
)

DATA, MANIFEST = make_set()
SCHEDULE = Schedule(4, 3e-3)


class Interruption(BaseException):
    """As SIGKILL: nothing handles it."""


# Each case is a training or two: some of a kind are left to the long set.
LONG = partial(pytest.param, marks=pytest.mark.long)


class _Interrupt(Callback):  # type: ignore[misc]
    order = 200

    def __init__(self, batches: int) -> None:
        self.batches = batches

    def after_step(self) -> None:
        self.batches -= 1
        if self.batches == 0:
            raise Interruption


class _EagerStore(CheckpointStore):
    """Writes after every epoch, however long that takes."""

    due = True


def _train(recipe: Recipe, folder: Path | None = None) -> TrainedNetwork:
    return train_network(
        select_classes(DATA, MANIFEST), recipe, SCHEDULE, None if folder is None else _EagerStore(folder)
    )


def _interrupt(recipe: Recipe, folder: Path, batches: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trains for so many batches and dies."""
    build = fitting.build_training

    def build_mortal(*arguments: object) -> fitting.Training:
        training = build(*arguments)  # type: ignore[arg-type]
        training.learner.add_cb(_Interrupt(batches))
        return training

    with monkeypatch.context() as patch:
        patch.setattr(fitting, "build_training", build_mortal)
        with pytest.raises(Interruption):
            _train(recipe, folder)


def _assert_same(expected: TrainedNetwork, actual: TrainedNetwork) -> None:
    assert expected.epochs == actual.epochs
    assert expected.best_epoch == actual.best_epoch
    for own, other in ((expected.best, actual.best), (expected.last, actual.last)):
        assert own.keys() == other.keys()
        for name, value in own.items():
            # What comes from a checkpoint lies in main memory, wherever the network is.
            assert torch.equal(value.cpu(), other[name].cpu()), name


def _write_start(folder: Path) -> str:
    torch.manual_seed(3)
    save_file(torchvision.models.resnet18(weights=None).state_dict(), folder / "start.safetensors")
    return str(folder / "start.safetensors")


@pytest.mark.parametrize("precision", [LONG("fp32"), "bf16"])
@pytest.mark.parametrize("batches", [LONG(3), 4, LONG(7)])
def test_a_killed_training_ends_as_an_uninterrupted_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: str, batches: int
) -> None:
    recipe = make_recipe(precision=precision)
    expected = _train(recipe)
    _interrupt(recipe, tmp_path, batches, monkeypatch)
    assert (tmp_path / "checkpoint.safetensors").exists()
    _assert_same(expected, _train(recipe, tmp_path))


def test_a_training_killed_again_and_again_ends_as_an_uninterrupted_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = make_recipe(**SMALL)
    expected = _train(recipe)
    for _ in range(3):
        _interrupt(recipe, tmp_path, 3, monkeypatch)
    _assert_same(expected, _train(recipe, tmp_path))


@pytest.mark.parametrize("batches", [LONG(3), 6])
def test_progressive_resizing_goes_on_with_the_right_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batches: int
) -> None:
    data, manifest = make_set(size=64)
    monkeypatch.setattr("tests.learning.test_resumption.DATA", data)
    monkeypatch.setattr("tests.learning.test_resumption.MANIFEST", manifest)
    recipe = make_recipe(progressive={"share": 0.5, "size": 32})
    expected = _train(recipe)
    _interrupt(recipe, tmp_path, batches, monkeypatch)
    _assert_same(expected, _train(recipe, tmp_path))


@pytest.mark.parametrize("batches", [LONG(3), 5])
def test_given_weights_go_on_from_the_frozen_part_or_from_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batches: int
) -> None:
    recipe = make_recipe(weights=_write_start(tmp_path))
    expected = _train(recipe)
    _interrupt(recipe, tmp_path / "store", batches, monkeypatch)
    _assert_same(expected, _train(recipe, tmp_path / "store"))


def test_a_segmenter_goes_on_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, manifest = make_masked_set()
    images = select_masks(data, manifest, make_segmentation(attention=True).design)
    monkeypatch.setattr("tests.learning.test_resumption.select_classes", lambda *_: images)
    recipe = make_mask_recipe(make_segmentation(attention=True))
    expected = _train(recipe)
    _interrupt(recipe, tmp_path, 5, monkeypatch)
    _assert_same(expected, _train(recipe, tmp_path))


def test_early_stopping_counts_the_epochs_before_the_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = make_recipe(patience=1, **SMALL)
    schedule = Schedule(40, 1e-2)
    expected = train_network(select_classes(DATA, MANIFEST), recipe, schedule)
    assert len(expected.epochs) < schedule.epochs
    monkeypatch.setattr("tests.learning.test_resumption.SCHEDULE", schedule)
    _interrupt(recipe, tmp_path, 2 * len(expected.epochs) - 1, monkeypatch)
    _assert_same(expected, _train(recipe, tmp_path))


def test_a_finished_training_is_read_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = make_recipe(**SMALL)
    expected = _train(recipe, tmp_path)

    def work(*_: object) -> None:
        raise AssertionError("an epoch was trained again")

    monkeypatch.setattr("fastai.learner.Learner._do_epoch_train", work)
    _assert_same(expected, _train(recipe, tmp_path))


@pytest.mark.parametrize(
    "content",
    [LONG(b""), LONG(b"\0" * 5000), LONG(b"\x89PNG and more"), LONG("half"), "flipped", "other facts"],
)
def test_a_broken_checkpoint_is_told_of_and_training_starts_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | str
) -> None:
    recipe = make_recipe(**SMALL)
    expected = _train(recipe, tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    whole = path.read_bytes()
    broken = bytearray(whole)
    broken[-1000] ^= 1
    facts = whole.replace(b'\\"epochs_of_fit\\": 4', b'\\"epochs_of_fit\\": 3')
    assert facts != whole
    made = {"half": whole[: len(whole) // 2], "flipped": bytes(broken), "other facts": facts}
    path.write_bytes(made[content] if isinstance(content, str) else content)
    _assert_same(expected, _train(recipe, tmp_path))
    assert "is broken" in (said := capsys.readouterr().out)
    assert "training starts over" in said


def test_a_full_disk_ends_in_one_line_and_the_checkpoint_before_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = make_recipe(**SMALL)
    expected = _train(recipe)
    _interrupt(recipe, tmp_path, 3, monkeypatch)
    before = (tmp_path / "checkpoint.safetensors").read_bytes()

    def fill(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("brainmri.learning.checkpoint.save_file", fill)
        with pytest.raises(BadInput, match=r"^checkpoint: can't be written \(No space left on device\)"):
            _train(recipe, tmp_path)
    assert ["checkpoint.safetensors"] == [path.name for path in tmp_path.iterdir()]
    assert before == (tmp_path / "checkpoint.safetensors").read_bytes()
    _assert_same(expected, _train(recipe, tmp_path))


def test_a_store_is_due_again_when_writing_has_cost_a_twentieth_of_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([100.0, 102.0, 141.9, 142.1])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    store = CheckpointStore(tmp_path)
    store.write(Checkpoint({"zeros": torch.zeros(10)}, {}))
    assert [False, True] == [store.due, store.due]


def test_stores_that_nobody_touched_for_two_weeks_go_unless_a_training_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stores = tmp_path / ".dvc" / "tmp" / "brainmri"
    names = {"old": "a" * 64, "held": "b" * 64, "new": "c" * 64, "no store": "mine"}
    for kind, name in names.items():
        (stores / name).mkdir(parents=True)
        (stores / name / "checkpoint.safetensors").write_bytes(b"")
        age = 1 if kind == "new" else 15
        os.utime(stores / name / "checkpoint.safetensors", times=(time.time() - 86_400 * age,) * 2)
    with hold_alone(stores / f"{names['held']}.lock", "test"), open_store("d" * 64, tmp_path / "model"):
        assert {"b" * 64, "c" * 64, "mine"} == {path.name for path in stores.iterdir() if path.is_dir()}


def test_a_finished_store_goes_when_the_next_stage_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with open_store("d" * 64, tmp_path / "model") as store:
        store.write(Checkpoint({"zeros": torch.zeros(10)}, {}))
        store.finish()
        path = tmp_path / ".dvc" / "tmp" / "brainmri" / ("d" * 64)
    assert path.exists()
    remove_finished()
    assert not path.exists()
    remove_finished()


def test_a_checkpoint_of_another_recipe_is_left_alone_and_told_of_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    first, second, third = ("d" * 64, "e" * 64, "f" * 64)
    part = Checkpoint({"zeros": torch.zeros(10)}, {})
    for key in (first, first):  # killed, and going on
        with open_store(key, tmp_path / "model") as store:
            store.write(part)
    with open_store(second, tmp_path / "another"):
        pass
    assert capsys.readouterr().out == ""
    with open_store(second, tmp_path / "model") as store:
        assert store.read() is None
        store.write(part)
    (line,) = capsys.readouterr().out.splitlines()
    left = Path(".dvc") / "tmp" / "brainmri" / first / "checkpoint.safetensors"
    assert line.startswith(f"{tmp_path / 'model'}: the checkpoint {left} is of other settings, data, code, ")
    assert left.exists()
    # What is at work has a checkpoint of its own; what is finished is nothing to go on from.
    with open_store(first, tmp_path / "model") as store:
        store.finish()
    assert capsys.readouterr().out == ""
    with open_store(third, tmp_path / "model"):
        pass
    (line,) = capsys.readouterr().out.splitlines()
    assert second in line


def test_the_callback_s_name_is_the_one_it_is_found_by() -> None:
    assert "resumption" == Resumption.name.fget(Resumption.__new__(Resumption))  # type: ignore[attr-defined]
