"""Units of several arms: their order, and what is kept of them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from brainmri.errors import BadInput
from brainmri.learning import arm_units
from brainmri.learning.arm_units import order_units, train_arms
from brainmri.learning.arms import read_arms
from brainmri.learning.changed_arms import find_changed_arms
from brainmri.learning.crossval import UnitJob
from tests.learning.samples import SMALL
from tests.learning.test_arms import SHARED, make_comparison
from tests.learning.test_crossval import make_job

ARMS = read_arms(
    SHARED,
    make_comparison(
        {
            "short": {"epochs": 2} | SMALL,
            "part": {"epochs": 9, "share": 0.1} | SMALL,
            "long": {"epochs": 9} | SMALL,
            "threaded": {"epochs": 1, "train": {"threads": 3}} | SMALL,
        }
    ),
)


def list_jobs(name: str) -> list[UnitJob]:
    units = (make_job("fixed", place) for place in (0, 1))
    return [replace(unit, arm=ARMS[name], of=name, outputs=Path(f"{name}.csv")) for unit in units]


def test_one_unit_of_each_arm_begins_then_the_longest() -> None:
    ordered = order_units({name: list_jobs(name) for name in ("short", "part", "long")}, 32)
    names = ["long", "short", "part"]
    assert names + names == [job.of for job in ordered]
    assert [0, 0, 0, 1, 1, 1] == [job.unit.fold for job in ordered]


def test_units_of_one_number_of_threads_are_trained_together(monkeypatch: pytest.MonkeyPatch) -> None:
    came: list[tuple[int, list[str]]] = []

    def note(jobs: Sequence[UnitJob], threads: int) -> Iterator[UnitJob]:
        came.append((threads, [job.of for job in jobs]))
        return iter(jobs)

    monkeypatch.setattr(arm_units, "train_units", note)
    ordered = order_units({name: list_jobs(name) for name in ("short", "threaded", "long")}, 32)
    assert 6 == len(list(train_arms(ordered)))
    own = ARMS["short"].train.threads
    assert [(own, ["long", "short", "long", "short"]), (3, ["threaded"] * 2)] == came


def test_what_dvc_refuses_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match="dvc status: ERROR: you are not inside of a DVC repository") as caught:
        find_changed_arms()
    assert "\n" not in str(caught.value)
