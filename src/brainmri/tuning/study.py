"""Optuna's study of a search: TPE, pruning, and a journal that several processes may share."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

import optuna
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, Trial, TrialState

from brainmri.errors import BadInput, Diverged
from brainmri.exclusion import hold_alone, hold_if_free
from brainmri.tuning.records import ImportanceRow, TrialRow
from brainmri.tuning.space import Choices, SearchParams, Value, tell_changes

# What a trial notes of itself: the process that works on it, why it failed, and how often it was asked again.
_OWNER: Final = "owner"
_AGAIN: Final = "again"
_DIVERGED: Final = "diverged"
_SEED_STEP: Final = 1_000_003
# With fewer, importances say nothing.
_LEAST_COMPLETE: Final = 4

# The settings of a trial and the number of a fold -> the AUROC on it.
ScoreFold = Callable[[dict[str, Value], int], float]
Tell = Callable[[str], None]


@dataclass(frozen=True)
class OpenStudy:
    """A study, and the name that the trials of this process carry."""

    study: optuna.Study
    owner: str


@contextmanager
def open_study(
    journal: Path, name: str, params: SearchParams, present: dict[str, Value] | None
) -> Iterator[OpenStudy]:
    """The study `name` in the journal, begun with the present settings where they lie in the space.

    What a process that is gone had under way is asked for once more, and goes on from its checkpoint.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    journal.parent.mkdir(parents=True, exist_ok=True)
    owner = uuid4().hex
    with hold_alone(_lock(journal, owner), "search"):
        study = optuna.create_study(
            # Optuna's own lock is a symbolic link: to a relative path it leads nowhere, and is waited for.
            storage=JournalStorage(JournalFileBackend(str(journal.resolve()))),
            study_name=name,
            direction="maximize",
            load_if_exists=True,
            pruner=MedianPruner(n_startup_trials=params.startup),
        )
        if not study.trials and present is not None:
            study.enqueue_trial(present, skip_if_exists=True)
        _take_over(study, journal)
        # Processes at once would draw the same with one seed.
        seed = params.seed + len(study.trials) + _SEED_STEP * _rank(journal, owner)
        study.sampler = TPESampler(n_startup_trials=params.startup, seed=seed % 2**32, constant_liar=True)
        try:
            yield OpenStudy(study, owner)
        finally:
            _lock(journal, owner).unlink(missing_ok=True)


def _lock(journal: Path, owner: str) -> Path:
    return journal.with_name(f"{journal.name}.{owner}.lock")


def _rank(journal: Path, owner: str) -> int:
    """The place of this process among those that work on the journal."""
    return sorted(journal.parent.glob(f"{journal.name}.*.lock")).index(_lock(journal, owner))


def _take_over(study: optuna.Study, journal: Path) -> None:
    """Ends the trials of processes that are gone, and puts their settings first in the queue.

    A trial without an owner has just begun in a process beside this one.
    """
    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    for trial in (trial for trial in running if _OWNER in trial.user_attrs):
        lock = _lock(journal, trial.user_attrs[_OWNER])
        with hold_if_free(lock) as gone:
            if gone:
                study.tell(trial.number, state=TrialState.FAIL)
                if trial.params:
                    study.enqueue_trial(trial.params)
        if gone:
            for left in (lock, lock.with_name(f"{lock.name}.pid")):
                left.unlink(missing_ok=True)


def run_study(
    opened: OpenStudy, params: SearchParams, score_fold: ScoreFold, tell: Tell, at_once: int = 1
) -> None:
    """Goes on, `at_once` at a time, until the study, whoever works on it, has `params.trials` trials.

    A setting that diverges is a failed trial; anything else that is wrong ends the search when the trials
    beside it are done.
    """
    wrong: list[Exception] = []

    def score(trial: Trial) -> float:
        try:
            trial.set_user_attr(_OWNER, opened.owner)
            values = {name: _draw(trial, name, params) for name in params.space}
            return _score_folds(trial, values, params, score_fold)
        except Diverged as error:
            trial.set_user_attr(_DIVERGED, str(error))
            raise
        except optuna.TrialPruned:
            raise
        except Exception as error:
            wrong.append(error)
            _ask_again(opened.study, trial, error)
            raise

    def report(study: optuna.Study, trial: FrozenTrial) -> None:
        done, row = len(_list_done(study)), _describe(trial)
        area = (
            f"AUROC {row.auroc:.3f} on {row.folds} folds, {row.state}" if row.auroc is not None else row.state
        )
        reason = trial.user_attrs.get(_DIVERGED)
        told = area if reason is None else f"{area}: {reason}"
        tell(f"search: {done} of {params.trials}: {row.settings}: {told}")
        if done >= params.trials:
            study.stop()

    left = params.trials - len(_list_done(opened.study))
    if left > 0:
        # At once no more than are drawn at random: the others are to learn from them.
        at_once = min(at_once, left, params.startup)
        opened.study.optimize(score, left, callbacks=[report], n_jobs=at_once, catch=(Diverged,))
    # Of several at once Optuna says nothing of those that end last.
    if wrong and len(_list_done(opened.study)) < params.trials:
        raise wrong[0]


def _ask_again(study: optuna.Study, trial: Trial, error: Exception) -> None:
    """The same command asks for the trial once more, for it may not be at fault: a node may be gone.

    Of an error that nobody foresaw only once, for that may be of these settings alone.
    """
    times = trial.user_attrs.get(_AGAIN, 0)
    if isinstance(error, BadInput) or not times:
        study.enqueue_trial(trial.params, user_attrs={_AGAIN: times + 1})


def _score_folds(
    trial: Trial, values: dict[str, Value], params: SearchParams, score_fold: ScoreFold
) -> float:
    areas: list[float] = []
    for fold in range(params.folds):
        areas.append(score_fold(values, fold))
        trial.report(sum(areas) / len(areas), fold)
        if fold + 1 < params.folds and trial.should_prune():
            raise optuna.TrialPruned
    return sum(areas) / len(areas)


def _list_done(study: optuna.Study) -> list[FrozenTrial]:
    """The trials that count: ended, or diverged; not those that a kill interrupted."""
    ended = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL))
    return [trial for trial in ended if trial.state is not TrialState.FAIL or _DIVERGED in trial.user_attrs]


def list_trials(study: optuna.Study) -> list[TrialRow]:
    """What is done, in order."""
    return [_describe(trial) for trial in _list_done(study)]


def list_importances(study: optuna.Study) -> list[ImportanceRow]:
    """By importance; none with too few complete trials, or where all are alike."""
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(complete) < _LEAST_COMPLETE or len({trial.value for trial in complete}) < 2:
        return []
    # Optuna's default, PED-ANOVA, asks what makes the best trials, and finds little in two choices.
    found = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
    return [ImportanceRow(setting=name, importance=float(value)) for name, value in found.items()]


def find_best(study: optuna.Study) -> tuple[dict[str, Value], float]:
    """The settings of the best complete trial and its AUROC; `BadInput` where none is complete."""
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if not complete:
        raise BadInput("search: expected a trial to end, came none that did; look at the lines above")
    best = max(complete, key=lambda trial: (trial.value or 0.0, -trial.number))
    return best.params, float(best.value or 0.0)


def _draw(trial: Trial, name: str, params: SearchParams) -> Value:
    span = params.space[name]
    if isinstance(span, Choices):
        return trial.suggest_categorical(name, span.choices)  # type: ignore[return-value]
    return trial.suggest_float(name, span.low, span.high, log=span.log)


def _describe(trial: FrozenTrial) -> TrialRow:
    folds = len(trial.intermediate_values)
    last = trial.intermediate_values[max(trial.intermediate_values)] if folds else None
    states = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned"}
    state = states.get(trial.state, "failed")
    return TrialRow(
        trial=trial.number,
        state=state,
        folds=folds,
        auroc=None if state == "failed" else last,
        settings=tell_changes(trial.params),
    )
