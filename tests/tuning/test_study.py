"""A search finds what is best, gives up on what is poor, and goes on from its journal."""

from pathlib import Path

import pytest

from brainmri.errors import BadInput
from brainmri.tuning.space import SearchParams, Value
from brainmri.tuning.study import find_best, list_importances, list_trials, open_study, run_study

PARAMS = SearchParams.model_validate(
    {
        "trials": 25,
        "folds": 2,
        "startup": 5,
        "seed": 0,
        "space": {
            "lr": {"low": 1e-4, "high": 1e-1, "log": True},
            "train.batch_size": {"choices": [8, 16]},
        },
    }
)


def _score(values: dict[str, Value], fold: int) -> float:
    """Best at 16 images and a low rate; the batch matters more."""
    return 0.5 + 0.3 * (values["train.batch_size"] == 16) - float(values["lr"]) + 0.01 * fold


def _say(_: str) -> None:
    pass


def test_the_best_settings_are_found_and_poor_ones_given_up(tmp_path: Path) -> None:
    study = open_study(tmp_path / "journal", "a", PARAMS, None)
    run_study(study, PARAMS, _score, _say)
    best, area = find_best(study)
    assert 16 == best["train.batch_size"]
    assert area > 0.79
    rows = list_trials(study)
    assert 25 == len(rows)
    assert "pruned" in {row.state for row in rows}
    assert all(row.folds == 1 for row in rows if row.state == "pruned")


def test_what_mattered_most_comes_first(tmp_path: Path) -> None:
    once = PARAMS.model_copy(update={"folds": 1, "startup": 25})
    study = open_study(tmp_path / "journal", "a", once, None)
    run_study(study, once, _score, _say)
    assert ["train.batch_size", "lr"] == [row.setting for row in list_importances(study)]


def test_the_present_settings_come_first(tmp_path: Path) -> None:
    present: dict[str, Value] = {"lr": 0.05, "train.batch_size": 8}
    few = PARAMS.model_copy(update={"trials": 1})
    study = open_study(tmp_path / "journal", "a", few, present)
    run_study(study, few, _score, _say)
    assert ["-S lr=0.05 -S train.batch_size=8"] == [row.settings for row in list_trials(study)]


def test_a_search_that_was_killed_goes_on_from_its_journal_with_other_draws(tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    seen: list[float] = []

    def die(values: dict[str, Value], fold: int) -> float:
        seen.append(float(values["lr"]))
        if len(seen) == 6:
            raise Killed
        return _score(values, fold)

    with pytest.raises(Killed):
        run_study(open_study(tmp_path / "journal", "a", PARAMS, None), PARAMS, die, _say)
    study = open_study(tmp_path / "journal", "a", PARAMS, None)
    before = len(list_trials(study))
    assert 2 <= before < 25
    run_study(study, PARAMS, _score, _say)
    assert 25 == len(list_trials(study))
    rates = [row.settings.split()[1] for row in list_trials(study)]
    assert len(set(rates)) == len(rates)
    run_study(study, PARAMS, die, _say)
    assert 6 == len(seen)


def test_settings_that_diverge_are_a_failed_trial(tmp_path: Path) -> None:
    def diverge(values: dict[str, Value], fold: int) -> float:
        if values["train.batch_size"] == 8:
            raise BadInput("lr: expected a rate that trains")
        return _score(values, fold)

    study = open_study(tmp_path / "journal", "a", PARAMS, None)
    run_study(study, PARAMS, diverge, _say)
    failed = [row for row in list_trials(study) if row.state == "failed"]
    assert failed
    assert all(row.auroc is None and "batch_size=8" in row.settings for row in failed)
    assert 16 == find_best(study)[0]["train.batch_size"]


def test_a_search_in_which_nothing_ends_says_so(tmp_path: Path) -> None:
    def diverge(_: dict[str, Value], __: int) -> float:
        raise BadInput("lr: expected a rate that trains")

    study = open_study(tmp_path / "journal", "a", PARAMS, None)
    run_study(study, PARAMS, diverge, _say)
    assert [] == list_importances(study)
    with pytest.raises(BadInput, match="search: expected a trial to end"):
        find_best(study)


def test_two_searches_share_the_trials(tmp_path: Path) -> None:
    """As two processes do: each sees what the other has done."""
    first = open_study(tmp_path / "journal", "a", PARAMS, None)
    few = PARAMS.model_copy(update={"trials": 10})
    run_study(first, few, _score, _say)
    second = open_study(tmp_path / "journal", "a", PARAMS, None)
    run_study(second, PARAMS, _score, _say)
    assert 25 == len(list_trials(first)) == len(list_trials(second))
