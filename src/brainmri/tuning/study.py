"""Optuna's study of a search: TPE, pruning, and a journal that several processes may share."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import optuna
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import MaxTrialsCallback
from optuna.trial import FrozenTrial, Trial, TrialState

from brainmri.errors import BadInput
from brainmri.tuning.records import ImportanceRow, TrialRow
from brainmri.tuning.space import Choices, SearchParams, Value, tell_changes

# What counts towards the number of trials; one that a kill interrupted is neither.
_DONE: Final = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
# With fewer, importances say nothing.
_LEAST_COMPLETE: Final = 4

# The settings of a trial and the number of a fold -> the AUROC on it.
ScoreFold = Callable[[dict[str, Value], int], float]
Tell = Callable[[str], None]


def open_study(
    journal: Path, name: str, params: SearchParams, present: dict[str, Value] | None
) -> optuna.Study:
    """The study `name` in the journal, begun with the present settings where they lie in the space."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    journal.parent.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(journal))),
        study_name=name,
        direction="maximize",
        load_if_exists=True,
        pruner=MedianPruner(n_startup_trials=params.startup),
    )
    begun = len(study.trials)
    # Anew for each process: with one seed all would draw the same.
    study.sampler = TPESampler(n_startup_trials=params.startup, seed=params.seed + begun, constant_liar=True)
    if present is not None and not begun:
        study.enqueue_trial(present)
    return study


def run_study(study: optuna.Study, params: SearchParams, score_fold: ScoreFold, tell: Tell) -> None:
    """Goes on until the study, whoever works on it, has `params.trials` trials."""

    def score(trial: Trial) -> float:
        values = {name: _draw(trial, name, params) for name in params.space}
        areas: list[float] = []
        for fold in range(params.folds):
            areas.append(score_fold(values, fold))
            mean = sum(areas) / len(areas)
            trial.report(mean, fold)
            if fold + 1 < params.folds and trial.should_prune():
                raise optuna.TrialPruned
        return mean

    def report(study: optuna.Study, trial: FrozenTrial) -> None:
        row = _describe(trial)
        area = "failed" if row.auroc is None else f"AUROC {row.auroc:.3f} on {row.folds} folds, {row.state}"
        done = len(study.get_trials(deepcopy=False, states=_DONE))
        tell(f"search: {done} of {params.trials}: {row.settings}: {area}")

    if len(study.get_trials(deepcopy=False, states=_DONE)) < params.trials:
        # A setting that diverges is a failed trial, no end of the search.
        study.optimize(score, callbacks=[report, MaxTrialsCallback(params.trials, _DONE)], catch=(BadInput,))


def list_trials(study: optuna.Study) -> list[TrialRow]:
    """What is done, in order."""
    return [_describe(trial) for trial in study.get_trials(deepcopy=False, states=_DONE)]


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
