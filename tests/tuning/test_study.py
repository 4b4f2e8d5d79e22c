"""A search finds what is best, gives up on what is poor, and goes on from its journal."""

import multiprocessing
import os
import signal
import threading
from pathlib import Path

import optuna
import pytest

from brainmri.errors import BadInput, Diverged
from brainmri.tuning.space import SearchParams, Value
from brainmri.tuning.study import (
    ScoreFold,
    find_best,
    list_importances,
    list_trials,
    open_study,
    run_study,
)

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
PRESENT: dict[str, Value] = {"lr": 0.05, "train.batch_size": 8}


def _score(values: dict[str, Value], fold: int) -> float:
    """Best at 16 images and a low rate; the batch matters more."""
    return 0.5 + 0.3 * (values["train.batch_size"] == 16) - float(values["lr"]) + 0.01 * fold


def _diverge_at_8(values: dict[str, Value], fold: int) -> float:
    if values["train.batch_size"] == 8:
        raise Diverged("lr: expected a rate that trains")
    return _score(values, fold)


def _run(
    folder: Path,
    params: SearchParams = PARAMS,
    score: ScoreFold = _score,
    present: dict[str, Value] | None = None,
) -> optuna.Study:
    with open_study(folder / "journal", "a", params, present) as opened:
        run_study(opened, params, score, lambda _: None)
    return opened.study


def test_the_best_settings_are_found_and_poor_ones_given_up(tmp_path: Path) -> None:
    study = _run(tmp_path)
    best, area = find_best(study)
    assert 16 == best["train.batch_size"]
    assert area > 0.79
    rows = list_trials(study)
    assert 25 == len(rows)
    assert "pruned" in {row.state for row in rows}
    assert all(row.folds == 1 for row in rows if row.state == "pruned")


def test_what_mattered_most_comes_first(tmp_path: Path) -> None:
    study = _run(tmp_path, PARAMS.model_copy(update={"folds": 1, "startup": 25}))
    assert ["train.batch_size", "lr"] == [row.setting for row in list_importances(study)]


def test_the_present_settings_come_first(tmp_path: Path) -> None:
    study = _run(tmp_path, PARAMS.model_copy(update={"trials": 1}), present=PRESENT)
    assert ["-S lr=0.05 -S train.batch_size=8"] == [row.settings for row in list_trials(study)]


def _die_in_the_second(folder: Path) -> None:
    """In a process of its own: killed while its second trial trains."""
    calls = []

    def score(values: dict[str, Value], fold: int) -> float:
        calls.append(values)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return _score(values, fold)

    _run(folder, PARAMS.model_copy(update={"folds": 1}), score, PRESENT)


def test_what_a_killed_search_had_under_way_is_tried_first_by_the_next(tmp_path: Path) -> None:
    process = multiprocessing.get_context("fork").Process(target=_die_in_the_second, args=(tmp_path,))
    process.start()
    process.join()
    assert -signal.SIGKILL == process.exitcode
    once = PARAMS.model_copy(update={"folds": 1})
    with open_study(tmp_path / "journal", "a", once, PRESENT) as opened:
        (died,) = (trial for trial in opened.study.trials if trial.state is optuna.trial.TrialState.FAIL)
        tried: list[dict[str, Value]] = []

        def score(values: dict[str, Value], fold: int) -> float:
            tried.append(values)
            return _score(values, fold)

        run_study(opened, once, score, lambda _: None)
    assert died.params == tried[0]
    assert 25 == len(list_trials(opened.study)) == len(tried) + 1
    assert not list(tmp_path.glob("*.lock"))


def test_a_finished_search_trains_nothing_more(tmp_path: Path) -> None:
    _run(tmp_path)

    def fail(_: dict[str, Value], __: int) -> float:
        raise AssertionError

    assert 25 == len(list_trials(_run(tmp_path, score=fail)))


def test_settings_that_diverge_are_a_failed_trial(tmp_path: Path) -> None:
    study = _run(tmp_path, score=_diverge_at_8)
    rows = list_trials(study)
    failed = [row for row in rows if row.state == "failed"]
    assert failed
    assert 25 == len(rows)
    assert all(row.auroc is None and "batch_size=8" in row.settings for row in failed)
    assert 16 == find_best(study)[0]["train.batch_size"]


def test_a_failed_trial_says_why(tmp_path: Path) -> None:
    told: list[str] = []
    with open_study(tmp_path / "journal", "a", PARAMS, PRESENT) as opened:
        run_study(opened, PARAMS.model_copy(update={"trials": 1}), _diverge_at_8, told.append)
    assert told[0].endswith("-S lr=0.05 -S train.batch_size=8: failed: lr: expected a rate that trains")


def test_a_trial_that_has_just_begun_is_nobody_s_to_end(tmp_path: Path) -> None:
    with open_study(tmp_path / "journal", "a", PARAMS, None) as first:
        begun = first.study.ask()
        with open_study(tmp_path / "journal", "a", PARAMS, None) as second:
            assert optuna.trial.TrialState.RUNNING is second.study.trials[begun.number].state


def test_what_else_is_wrong_ends_the_search_and_counts_as_no_trial(tmp_path: Path) -> None:
    def fail(_: dict[str, Value], __: int) -> float:
        raise BadInput("weights: no such file")

    with pytest.raises(BadInput, match="no such file"):
        _run(tmp_path, score=fail)
    assert not list(tmp_path.glob("*.lock"))
    assert 25 == len(list_trials(_run(tmp_path)))


def test_what_was_refused_is_tried_first_by_the_next(tmp_path: Path) -> None:
    refused: list[dict[str, Value]] = []
    tried: list[dict[str, Value]] = []

    def refuse(values: dict[str, Value], fold: int) -> float:
        refused.append(values)
        raise BadInput("a node: gone")

    def score(values: dict[str, Value], fold: int) -> float:
        tried.append(values)
        return _score(values, fold)

    with pytest.raises(BadInput, match="a node: gone"):
        _run(tmp_path, score=refuse)
    study = _run(tmp_path, score=score)
    assert refused == tried[:1]
    assert len(list_trials(study)) == PARAMS.trials


def test_an_error_that_nobody_foresaw_ends_the_search_when_trials_beside_it_are_done(tmp_path: Path) -> None:
    beside, broken = threading.Event(), threading.Event()

    def score(values: dict[str, Value], fold: int) -> float:
        if values == PRESENT:
            assert beside.wait(60)
            broken.set()
            raise RuntimeError("CUDA error: misaligned address")
        beside.set()
        assert broken.wait(60)
        return _score(values, fold)

    with open_study(tmp_path / "journal", "a", PARAMS, PRESENT) as opened:
        with pytest.raises(RuntimeError, match="misaligned"):
            run_study(opened, PARAMS, score, lambda _: None, 2)
        done = list_trials(opened.study)
    assert done
    assert "failed" not in {row.state for row in done}
    rows = list_trials(_run(tmp_path))
    assert [row.settings for row in done] == [row.settings for row in rows[: len(done)]]
    assert 25 == len(rows)


@pytest.mark.parametrize("error", [BadInput("a node: gone"), RuntimeError("CUDA error: a node")])
def test_what_is_wrong_with_the_last_trials_is_said_too(tmp_path: Path, error: Exception) -> None:
    few, begun = PARAMS.model_copy(update={"trials": 2, "folds": 1}), threading.Barrier(2)

    def score(values: dict[str, Value], fold: int) -> float:
        begun.wait(60)
        if values == PRESENT:
            raise error
        return _score(values, fold)

    with open_study(tmp_path / "journal", "a", few, PRESENT) as opened:
        with pytest.raises(type(error), match="a node"):
            run_study(opened, few, score, lambda _: None, 2)
        assert 1 == len(list_trials(opened.study))
    # And is tried once more.
    rows = list_trials(_run(tmp_path, few))
    assert 2 == len(rows)
    assert "-S lr=0.05 -S train.batch_size=8" in {row.settings for row in rows}


def test_settings_that_nobody_can_train_with_are_tried_twice_and_no_more(tmp_path: Path) -> None:
    tried: list[dict[str, Value]] = []

    def score(values: dict[str, Value], fold: int) -> float:
        tried.append(values)
        if values == PRESENT:
            raise RuntimeError("CUDA out of memory")
        return _score(values, fold)

    for _ in range(2):
        with pytest.raises(RuntimeError, match="out of memory"):
            _run(tmp_path, score=score, present=PRESENT)
    assert 25 == len(list_trials(_run(tmp_path, score=score)))
    assert [True, True, False] == [values == PRESENT for values in tried[:3]]


def test_a_search_in_which_nothing_ends_says_so(tmp_path: Path) -> None:
    def diverge(_: dict[str, Value], __: int) -> float:
        raise Diverged("lr: expected a rate that trains")

    study = _run(tmp_path, score=diverge)
    assert [] == list_importances(study)
    with pytest.raises(BadInput, match="search: expected a trial to end"):
        find_best(study)


def test_two_searches_at_once_share_the_trials_and_draw_others(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_run, args=(tmp_path,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [0, 0] == [process.exitcode for process in processes]
    rows = list_trials(_run(tmp_path))
    # Both may be at a last one.
    assert 25 <= len(rows) <= 26
    assert len(rows) == len({row.settings for row in rows})


@pytest.mark.long
def test_a_journal_below_a_relative_path_is_no_trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _run(Path("below"), PARAMS.model_copy(update={"trials": 1}))
    left = tmp_path / "below" / "journal.lock"
    left.symlink_to("journal")
    os.utime(left, (0, 0), follow_symlinks=False)
    study = _run(Path("below"), PARAMS.model_copy(update={"trials": 2}))
    assert 2 == len(list_trials(study))
