"""Units on nodes that don't see the driver's folder: what these finished is kept by the driver."""

import errno
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from brainmri import backend
from brainmri.backend import ComputeParams, choose
from brainmri.compute import Needs
from brainmri.errors import BadInput, Unfit
from brainmri.learning import crossval, identity, shipped, unit_mapping
from brainmri.learning.arms import read_arms
from brainmri.learning.catalogue import Architecture
from brainmri.learning.crossval import UnitJob, UnitOutcome
from brainmri.learning.finished import finish_all, keep_all, remove_finished
from brainmri.learning.unit_mapping import train_units
from tests.learning.shipping import ship
from tests.learning.test_arms import SHARED, make_comparison
from tests.learning.test_crossval import data, make_job

__all__ = ["data"]  # a fixture


class Nodes:
    """A cluster of a type of machines, which trains in this process, and vanishes after so many units."""

    needs: Needs

    def __init__(self, machine: str, ends_after: int = 64) -> None:
        self.machine, self.ends_after, self.trained = machine, ends_after, 0

    def map(
        self, function: Callable[[UnitJob], UnitOutcome], items: Sequence[UnitJob], needs: Needs
    ) -> Iterator[tuple[int, UnitOutcome]]:
        """As `Pool` says; each item in a folder of its own, which goes with it."""
        assert needs.common
        self.needs = needs
        for place, item in enumerate(items):
            if place == self.ends_after:
                raise BadInput("compute.backend: expected the head, came none; start another one")
            yield place, self._run(function, item)

    def _run(self, function: Callable[[UnitJob], UnitOutcome], item: UnitJob) -> UnitOutcome:
        here, train = Path.cwd(), crossval.train_network
        with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
            patch.setattr(identity, "describe_machine", lambda _: self.machine)

            def count(*given: Any) -> Any:
                self.trained += 1
                return train(*given)

            patch.setattr(crossval, "train_network", count)
            os.chdir(folder)
            try:
                return function(item)
            finally:
                os.chdir(here)

    def __enter__(self) -> "Nodes":
        """From here on it is the cluster that was chosen, without a shared folder."""
        self._patch = pytest.MonkeyPatch()
        self._patch.setattr(backend._Chosen, "params", None)
        self._patch.setattr(unit_mapping, "find_cluster", lambda: self)
        choose(ComputeParams(backend="ray", shared_folder=False, gpus_per_unit=0.0))
        return self

    def __exit__(self, *_: object) -> None:
        """This machine computes again."""
        self._patch.undo()


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[UnitJob]:
    """Two units to be trained, and one of the shipped detector."""
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "weights")
    ship(tmp_path / "weights", Architecture.RESNET18)
    detector = read_arms(SHARED, make_comparison({"plain": {}, "shipped": {"task": "zero_shot"}}))["shipped"]
    return [*(make_job("fixed", place) for place in (0, 1)), replace(make_job("fixed"), arm=detector)]


@pytest.mark.usefixtures("data")
def test_what_nodes_of_another_type_have_finished_is_kept_here_and_not_done_again(
    jobs: list[UnitJob],
) -> None:
    with Nodes("with a GPU", ends_after=1) as first, pytest.raises(BadInput, match="came none; start"):
        list(train_units(jobs, threads=1))
    assert ["squeezenet1_1, fold 0, seed 0", "squeezenet1_1, fold 1, seed 0"] == [
        first.needs.name(job) for job in jobs[:2]
    ]
    with Nodes("with a GPU") as second:
        came = list(train_units(jobs, threads=1))
    with Nodes("with a GPU") as third:
        assert came == list(train_units(jobs, threads=1))
    with Nodes("another") as fourth:
        again = list(train_units(jobs, threads=1))
    assert (1, 1, 0, 2) == (first.trained, second.trained, third.trained, fourth.trained)
    # The same machine under another name.
    assert [outcome.scored for outcome in came] == [outcome.scored for outcome in again]
    assert 2 == len(list(Path(".dvc").rglob("outcome.json")))
    finish_all(outcome.key for outcome in again if outcome.key)
    keep_all()
    remove_finished()
    assert 2 == len(list(Path(".dvc").rglob("outcome.json")))
    finish_all(outcome.key for outcome in again if outcome.key)
    remove_finished()
    assert not list(Path(".dvc").rglob("outcome.json"))


@pytest.mark.usefixtures("data")
def test_a_unit_that_finds_no_room_here_counts_all_the_same(
    jobs: list[UnitJob], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(unit_mapping, "keep_outcome", refuse)
    with Nodes("with a GPU"):
        (outcome,) = train_units(jobs[:1], threads=1)
    assert outcome.scored
    said = capsys.readouterr().out
    assert said == (
        "squeezenet1_1, fold 0, seed 0: can't be kept (No space left on device); a later run trains it anew\n"
    )


@pytest.mark.usefixtures("data")
def test_what_nodes_of_this_type_have_finished_is_taken_here_too(
    jobs: list[UnitJob], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Nodes(identity.describe_machine(jobs[0].arm.train.precision)):
        came = list(train_units(jobs[:1], threads=1))
    monkeypatch.setattr(crossval, "train_network", None)
    again = list(train_units(jobs[:1], 1))
    assert [outcome.scored for outcome in came] == [outcome.scored for outcome in again]
    finish_all(outcome.key for outcome in again)
    remove_finished()
    assert not list(Path(".dvc").rglob("outcome.json"))


@pytest.mark.usefixtures("data")
def test_a_node_without_the_gpus_that_ray_was_told_of_trains_nothing(
    jobs: list[UnitJob], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As an old driver has it.
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for available, seen in ((False, 0), (True, 1)):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: available)  # noqa: B023 - called in this round
        with Nodes("with a GPU") as nodes:
            choose(ComputeParams(backend="ray", shared_folder=False, gpus_per_unit=2.0))
            with pytest.raises(Unfit, match=rf"can use, 2 for a unit .*, came {seen}; mend its driver"):
                list(train_units(jobs, threads=1))
        # A process of its own for each, or one would hold the last one's memory there.
        assert (2, 2.0, True) == (nodes.needs.cores, nodes.needs.gpus, nodes.needs.fresh)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
