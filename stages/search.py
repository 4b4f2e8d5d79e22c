"""Prepared images and manifest -> the settings that do best on validation folds; no stage, but run like one.

    python -m stages.search [--prepared data/prepared] [--manifest data/split.csv] [--plots plots/search]

Tries what `search.space` in params.yaml names, by Optuna. The test subset is in no fold. Trials go to a
journal below `.dvc/tmp/brainmri/`: the same command goes on after a kill, and several at once share the work.
"""

import os
import signal
import sys
from pathlib import Path

from brainmri.compute import leave_cluster
from brainmri.figures.canvas import save
from brainmri.figures.search import draw_search
from brainmri.learning.finished import find_stores
from brainmri.learning.unit_mapping import count_at_once
from brainmri.params import read_params
from brainmri.tables import write_bytes, write_rows
from brainmri.tuning.records import ImportanceRow, TrialRow
from brainmri.tuning.space import SearchSettings, check_space, name_search, read_present, tell_changes
from brainmri.tuning.study import find_best, list_importances, list_trials, open_study, run_study
from brainmri.tuning.trial import gather_trial_data
from stages import run, stop


def main(
    prepared: Path = Path("data/prepared"),
    manifest: Path = Path("data/split.csv"),
    plots: Path = Path("plots/search"),
) -> None:
    """Prepared folder and manifest in; trials, pictures and the best settings out."""
    params = read_params(SearchSettings)
    search = params.search
    check_space(search, params, params.train.threads)
    data = gather_trial_data(prepared, manifest, params)
    name = name_search(params, data.identity)
    with open_study(find_stores() / "search.journal", name, search, read_present(search, params)) as opened:
        at_once = count_at_once(params.train.threads)
        if at_once > 1 and signal.getsignal(signal.SIGINT) is stop:
            signal.signal(signal.SIGINT, _end)
        run_study(opened, search, data.score_fold, print, at_once)
    best, area = find_best(opened.study)
    write_rows(plots / "trials.csv", trials := list_trials(opened.study), TrialRow)
    write_rows(plots / "importance.csv", importances := list_importances(opened.study), ImportanceRow)
    save(draw_search(trials, importances, f"{search.folds} validation folds"), plots / "search.png")
    write_bytes(plots / "best.txt", f"{tell_changes(best)}\n".encode())
    print(f"search: AUROC {area:.3f} with {tell_changes(best)} -> {plots}")


def _end(*_: object) -> None:
    """Ctrl-C: trials at once are in threads, for whose ends a usual exit would wait."""
    try:
        stop()
    except SystemExit as ended:
        print(ended.code, file=sys.stderr, flush=True)
        leave_cluster()
        os._exit(1)


if __name__ == "__main__":
    run(main)
