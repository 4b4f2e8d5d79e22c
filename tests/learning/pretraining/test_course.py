"""A pretraining learns, can be killed at any step, and is told from every other."""

import errno
import math
from pathlib import Path

import pytest
import torch

from brainmri.errors import BadInput, Diverged
from brainmri.learning import provenance
from brainmri.learning.catalogue import Architecture
from brainmri.learning.checkpoint import CheckpointStore
from brainmri.learning.pretraining import course
from brainmri.learning.pretraining.course import Pretrained, pretrain
from brainmri.learning.pretraining.identity import identify_pretraining
from brainmri.learning.pretraining.settings import PretrainParams
from tests.learning.pretraining.samples import SpotGenerator, make_params

ARCH = Architecture.RESNET18


class Interruption(BaseException):
    """As SIGKILL: nothing handles it."""


class _EagerStore(CheckpointStore):
    """Writes after every step, however long that takes."""

    due = True


class _MortalGenerator(SpotGenerator):
    """Dies when it is asked for the phantoms of an index."""

    def __init__(self, index: int, seed: int) -> None:
        super().__init__()
        self._moment = (seed, index)

    def render(self, seed: int, index: int, count: int, size: int) -> object:
        if (seed, index) == self._moment:
            raise Interruption
        return super().render(seed, index, count, size)


def _train(folder: Path, params: PretrainParams | None = None) -> Pretrained:
    return pretrain(ARCH, params or make_params(), SpotGenerator(), _EagerStore(folder))


def _interrupt(folder: Path, params: PretrainParams, index: int) -> None:
    with pytest.raises(Interruption):
        pretrain(ARCH, params, _MortalGenerator(index, params.seed), _EagerStore(folder))


def _assert_same(expected: Pretrained, actual: Pretrained) -> None:
    assert expected.rows == actual.rows
    state, other = expected.classifier.state_dict(), actual.classifier.state_dict()
    assert state.keys() == other.keys()
    for name, value in state.items():
        assert torch.equal(value, other[name]), name


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Pretrained:
    return _train(tmp_path_factory.mktemp("store"))


def test_a_pretraining_killed_twice_ends_as_an_uninterrupted_one(
    tmp_path: Path, uninterrupted: Pretrained, capsys: pytest.CaptureFixture[str]
) -> None:
    params = make_params()
    # When the third and fourth batch are drawn; while the statistics are measured that end it.
    for index in (1, params.steps):
        _interrupt(tmp_path, params, index)
    actual = _train(tmp_path)
    assert "goes on after 12 pictures, from a checkpoint" in capsys.readouterr().out
    _assert_same(uninterrupted, actual)


def test_a_finished_pretraining_is_read_not_repeated(tmp_path: Path, uninterrupted: Pretrained) -> None:
    _train(tmp_path)
    generator = SpotGenerator()
    _assert_same(uninterrupted, pretrain(ARCH, make_params(), generator, _EagerStore(tmp_path)))
    assert [] == generator.asked


def test_every_phantom_that_is_learnt_from_is_drawn_once_and_no_watched_one(tmp_path: Path) -> None:
    params, generator = make_params(), SpotGenerator()
    pretrain(ARCH, params, generator, CheckpointStore(tmp_path))
    asked = [(index, count, size) for seed, index, count, size in generator.asked if seed == params.seed]
    # Two steps' at once; two batches more for the statistics of batch normalization, of either size.
    drawn = [(index, 8, size) for index, size in enumerate(params.draw_sizes()[::2])]
    assert [*drawn, (4, 4, 64), (5, 4, 80)] == asked
    assert {(params.watch.seed, 64)} == {
        (seed, size) for seed, _, _, size in generator.asked if seed != params.seed
    }


def test_a_row_is_noted_as_often_as_is_said_and_the_watched_are_scored_seldom(
    uninterrupted: Pretrained,
) -> None:
    rows = uninterrupted.rows
    assert [4, 8, 12, 16] == [row.pictures for row in rows]
    assert [False, True, False, True] == [row.valid_auroc is not None for row in rows]


def test_it_says_how_far_it_is_however_seldom_a_row_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(course, "_QUIET_SECONDS", 0.0)
    rows = pretrain(ARCH, make_params(log_every=8), SpotGenerator(), CheckpointStore(tmp_path)).rows
    assert [8, 16] == [row.pictures for row in rows]
    said = capsys.readouterr().out.splitlines()
    assert ["4", "8", "12", "16"] == [line.split()[1] for line in said]
    assert said[0].startswith("pretrain: 4 of 16 pictures, ")
    assert said[0].endswith(" pictures/s")


@pytest.mark.long
def test_it_learns_to_tell_spots(tmp_path: Path) -> None:
    params = make_params(budget=160, batch_size=8, times=1, sizes=[{"size": 64, "share": 1.0}], pictures=64)
    rows = pretrain(ARCH, params, SpotGenerator(), CheckpointStore(tmp_path)).rows
    assert 0.9 < (rows[-1].valid_auroc or 0)
    assert rows[-1].map_loss_eighth < rows[0].map_loss_eighth


def test_a_rate_that_diverges_ends_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        course.Objective, "measure", lambda *_: torch.full((3,), math.nan, requires_grad=True)
    )
    with pytest.raises(Diverged, match=r"^pretrain.lr: expected a rate that trains, came 0.0015, which"):
        _train(tmp_path)


def test_a_full_disk_ends_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("brainmri.learning.checkpoint.save_file", fill)
    with pytest.raises(BadInput, match=r"^checkpoint: can't be written \(No space left on device\)"):
        _train(tmp_path)


def test_a_checkpoint_of_another_recipe_architecture_or_code_has_another_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    params = make_params()
    keys = [identify_pretraining(ARCH, params), identify_pretraining(Architecture.RESNET34, params)]
    for changes in ({"budget": 20}, {"seed": 2}, {"map_weight": 0.0}, {"size": 80}, {"precision": "bf16"}):
        keys.append(identify_pretraining(ARCH, make_params(**changes)))
    monkeypatch.setattr(provenance, "version", lambda name: f"{name} 0")
    keys.append(identify_pretraining(ARCH, params))
    monkeypatch.setattr(provenance, "_CHECKOUT", Path("/nowhere"))
    keys.append(identify_pretraining(ARCH, params))
    assert 9 == len(set(keys))
    assert keys[-1] == identify_pretraining(ARCH, params)
