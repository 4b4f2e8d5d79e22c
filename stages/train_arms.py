"""The units of all arms together; no stage, but run like one, before DVC takes arm after arm.

    dvc repro comparison/dvc.yaml:plan && python -m stages.train_arms && dvc repro comparison/dvc.yaml

For a cluster, whose nodes would else wait for the last units of each arm. Trains the arms that `dvc status`
says are not up to date, and keeps below `.dvc/tmp/brainmri/` what comes of them, where `dvc repro` finds it.
The same command goes on after a kill.
"""

from pathlib import Path

from brainmri.dataset.prepared import read_prepared
from brainmri.learning.arm_units import Sources, UnitSettings, order_units, train_arms
from brainmri.learning.arms import read_arms
from brainmri.learning.changed_arms import PIPELINE, find_changed_arms
from brainmri.learning.finished import keep_all
from brainmri.params import read_params
from stages import run

# As in comparison/dvc.yaml.
_DATA, _SCORES = Path("data"), Path("data", "comparison")


def main() -> None:
    """What comparison/dvc.yaml names in; nothing but what is kept out."""
    params = read_params(UnitSettings)
    changed = find_changed_arms()
    sources = Sources(_DATA / "prepared", _DATA / "split.csv", _SCORES / "units.csv")
    jobs = {
        name: sources.list_jobs(name, arm, params, _SCORES / f"{name}.csv")
        for name, arm in read_arms(params, params.comparison).items()
        if name in changed and not arm.zero_shot
    }
    if not jobs:
        print("train_arms: all arms are up to date")
        return
    keep_all()
    ordered = order_units(jobs, read_prepared(sources.prepared).images.shape[-1])
    for done, outcome in enumerate(train_arms(ordered), start=1):
        print(f"train_arms: {done} of {len(ordered)}: {outcome.arm}: {outcome.words}")
    print(f"train_arms: {len(ordered)} networks of {len(jobs)} arms, which `dvc repro {PIPELINE}` takes")


if __name__ == "__main__":
    run(main)
