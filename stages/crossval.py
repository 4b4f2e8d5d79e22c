"""Prepared images, manifest and units -> what one arm's networks say of slices they were not trained on.

Units run side by side, as many as the cores allow, and each can go on after a kill; no network is kept.
"""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from brainmri.backend import Backend, find_chosen
from brainmri.dataset.prepared import read_prepared
from brainmri.dataset.protocols import SplitParams
from brainmri.dataset.units import ScoredRow, UnitRow
from brainmri.exclusion import hold_alone
from brainmri.learning.arm_network import count_network, list_arm_looks
from brainmri.learning.arms import Arm, ComparisonParams, Settings, TaskName, read_arm
from brainmri.learning.crossval import UnitJob
from brainmri.learning.finished import PLACE, finish_all
from brainmri.learning.unit_mapping import train_units
from brainmri.params import read_params
from brainmri.tables import read_rows, write_mapping, write_rows
from stages import run


class Params(Settings):
    """The keys of params.yaml that this stage reads."""

    split: SplitParams
    comparison: ComparisonParams


def take_turns(scores: Path) -> AbstractContextManager[None]:
    """On a cluster one driver at a time: units that wait for those of another would keep nodes idle."""
    chosen = find_chosen()
    if chosen is None or chosen.backend is Backend.LOCAL:
        return nullcontext()
    return hold_alone(PLACE / f"{scores.name}.lock", "crossval")


def list_jobs(
    params: Params, own: Arm, prepared: Path, manifest: Path, units: Path, scores: Path
) -> list[UnitJob]:
    """The units of an arm's protocol, for the arm's scores."""
    return [
        UnitJob(prepared, manifest, own, row, params.comparison.cases, params.split, scores)
        for row in read_rows(units, UnitRow)
        if row.protocol is own.protocol
    ]


def main(arm: str, prepared: Path, manifest: Path, units: Path, scores: Path, facts: Path) -> None:
    """An arm's name, prepared folder, manifest and units in; scores and facts of networks out."""
    params = read_params(Params)
    own = read_arm(arm, params, params.comparison)
    jobs = list_jobs(params, own, prepared, manifest, units, scores)
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
