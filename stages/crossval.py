"""Prepared images, manifest and units -> what one arm's networks say of slices they were not trained on.

Units run side by side, as many as the cores allow, and each can go on after a kill; no network is kept.
"""

from pathlib import Path

from brainmri.dataset.prepared import read_prepared
from brainmri.dataset.units import ScoredRow
from brainmri.learning.arm_network import count_network, list_arm_looks
from brainmri.learning.arm_units import Sources, UnitSettings, take_turns
from brainmri.learning.arms import TaskName, read_arm
from brainmri.learning.finished import finish_all
from brainmri.learning.unit_mapping import train_units
from brainmri.params import read_params
from brainmri.tables import write_mapping, write_rows
from stages import run


class Params(UnitSettings):
    """The keys of params.yaml that this stage reads."""


def main(arm: str, prepared: Path, manifest: Path, units: Path, scores: Path, facts: Path) -> None:
    """An arm's name, prepared folder, manifest and units in; scores and facts of networks out."""
    params = read_params(Params)
    own = read_arm(arm, params, params.comparison)
    jobs = Sources(prepared, manifest, units).list_jobs(arm, own, params, scores)
    outcomes = []
    with take_turns(scores):
        for outcome in train_units(jobs, own.train.threads):
            outcomes.append(outcome)
            print(f"crossval {arm}: {len(outcomes)} of {len(jobs)}: {outcome.words}")
    outcomes.sort(key=lambda outcome: (outcome.unit.seed, outcome.unit.fold))
    write_rows(scores, [row for outcome in outcomes for row in outcome.scored], ScoredRow)
    looks = list_arm_looks(own, read_prepared(prepared).images.shape[-1])
    write_mapping(
        facts,
        {
            "network": count_network(own, looks) | {"architecture": own.arch.value, "size": looks[0].size},
            "protocol": own.protocol.value,
            **({"task": own.task.value} if own.task is TaskName.SEGMENTATION else {}),
            "units": {outcome.unit.name: dict(outcome.facts) for outcome in outcomes},
        },
    )
    finish_all(outcome.key for outcome in outcomes if outcome.key)
    print(f"crossval: {len(outcomes)} networks of {arm} -> {scores}")


if __name__ == "__main__":
    run(main)
