"""The units of all arms at once; no stage, but run like one, before DVC takes arm after arm.

    python -m stages.train_arms [--prepared data/prepared] [--manifest data/split.csv]
        [--scores data/comparison]

For a cluster, whose nodes would else wait for the last units of each arm. Trains what `dvc status` says is
not up to date, the largest networks first, and keeps below `.dvc/tmp/brainmri/` what comes of it, where
`dvc repro comparison/dvc.yaml` finds it. The same command goes on after a kill.
"""

import json
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from brainmri.dataset.prepared import read_prepared
from brainmri.errors import BadInput
from brainmri.learning.arm_network import count_network, list_arm_looks
from brainmri.learning.arms import Arm, read_arms
from brainmri.learning.crossval import UnitJob
from brainmri.learning.unit_mapping import train_units
from brainmri.params import read_params
from stages import run
from stages.crossval import Params, list_jobs, take_turns

_PIPELINE: Final = "comparison/dvc.yaml"


def main(
    prepared: Path = Path("data/prepared"),
    manifest: Path = Path("data/split.csv"),
    scores: Path = Path("data/comparison"),
) -> None:
    """Prepared folder, manifest and the units in the scores' folder in; nothing but what is kept out."""
    params = read_params(Params)
    changed = list_changed()
    arms = {
        name: arm
        for name, arm in read_arms(params, params.comparison).items()
        if f"crossval@{name}" in changed and not arm.zero_shot
    }
    units, side = scores / "units.csv", read_prepared(prepared).images.shape[-1]
    jobs: list[UnitJob] = []
    for name in sorted(arms, key=lambda name: _measure(arms[name], side), reverse=True):
        jobs += list_jobs(params, arms[name], prepared, manifest, units, scores / f"{name}.csv")
    done = 0
    with ExitStack() as held:
        for name in sorted(arms):
            held.enter_context(take_turns(scores / f"{name}.csv"))
        for together in _part_by_threads(jobs):
            for outcome in train_units(together, together[0].arm.train.threads):
                done += 1
                print(f"train_arms: {done} of {len(jobs)}: {outcome.arm}: {outcome.words}")
    print(f"train_arms: {len(jobs)} networks of {len(arms)} arms; `dvc repro {_PIPELINE}` takes them")


def list_changed() -> set[str]:
    """The comparison's stages that are not up to date. Raises `BadInput` where the plan is one of them."""
    asked = subprocess.run(
        ["dvc", "status", "--json", _PIPELINE], capture_output=True, text=True, check=False
    )
    if asked.returncode:
        raise BadInput(f"dvc status: {' '.join(asked.stderr.split())}")
    changed = {stage.removeprefix(f"{_PIPELINE}:") for stage in json.loads(asked.stdout)}
    if "plan" in changed:
        raise BadInput(
            f"{_PIPELINE}: expected a plan that is up to date, came one that is not; "
            f"run `dvc repro {_PIPELINE}:plan`"
        )
    return changed


def _measure(arm: Arm, side: int) -> int:
    """Multiply-adds of its training, but for a factor that all arms share."""
    return arm.length * count_network(arm, list_arm_looks(arm, side))["multiply_adds"]


def _part_by_threads(jobs: Sequence[UnitJob]) -> list[list[UnitJob]]:
    """In the same order, but those of one number of threads together, for they are mapped at once."""
    parts: dict[int, list[UnitJob]] = {}
    for job in jobs:
        parts.setdefault(job.arm.train.threads, []).append(job)
    return list(parts.values())


if __name__ == "__main__":
    run(main)
