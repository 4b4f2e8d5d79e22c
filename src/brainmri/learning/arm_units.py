"""The units of a comparison's arms: which there are, in what order all of them are trained, and by whom."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path

from brainmri.backend import Backend, find_chosen
from brainmri.dataset.protocols import SplitParams
from brainmri.dataset.units import UnitRow
from brainmri.exclusion import hold_alone
from brainmri.learning.arm_network import count_network, list_arm_looks
from brainmri.learning.arms import Arm, ComparisonParams, Settings
from brainmri.learning.crossval import UnitJob, UnitOutcome
from brainmri.learning.finished import PLACE
from brainmri.learning.unit_mapping import train_units
from brainmri.tables import read_rows


class UnitSettings(Settings):
    """The keys of params.yaml that units are trained by."""

    split: SplitParams
    comparison: ComparisonParams


@dataclass(frozen=True)
class Sources:
    """The prepared folder, the manifest and the table of units that all arms learn from."""

    prepared: Path
    manifest: Path
    units: Path

    def list_jobs(self, name: str, arm: Arm, params: UnitSettings, scores: Path) -> list[UnitJob]:
        """The units of an arm's protocol, for the arm's file of scores."""
        cases, split = params.comparison.cases, params.split
        return [
            UnitJob(self.prepared, self.manifest, arm, row, cases, split, scores, of=name)
            for row in read_rows(self.units, UnitRow)
            if row.protocol is arm.protocol
        ]


def take_turns(scores: Path) -> AbstractContextManager[None]:
    """On a cluster one driver at a time: units that wait for those of another would keep nodes idle."""
    chosen = find_chosen()
    if chosen is None or chosen.backend is Backend.LOCAL:
        return nullcontext()
    return hold_alone(PLACE / f"{scores.name}.lock", f"units of {scores.stem}")


def order_units(jobs: Mapping[str, Sequence[UnitJob]], side: int) -> list[UnitJob]:
    """One unit of each arm, so that what is wrong with one shows soon, then the others; the longest first.

    `side`: pixels of the prepared images.
    """
    longest = sorted(jobs, key=lambda name: (-_measure(jobs[name][0].arm, side), name))
    first = [jobs[name][0] for name in longest]
    return first + [job for name in longest for job in jobs[name][1:]]


def train_arms(jobs: Sequence[UnitJob]) -> Iterator[UnitOutcome]:
    """Outcomes of units of several arms as they come, each kept; those of another number of threads later."""
    parts: dict[int, list[UnitJob]] = {}
    for job in jobs:
        parts.setdefault(job.arm.train.threads, []).append(job)
    with ExitStack() as held:
        for scores in sorted({job.outputs for job in jobs}):
            held.enter_context(take_turns(scores))
        for threads, part in parts.items():
            yield from train_units(part, threads)


def _measure(arm: Arm, side: int) -> float:
    """About how long a unit trains, in multiply-adds of one image: its size at the end, all epochs."""
    looks = list_arm_looks(arm, side)[:1]
    return arm.share * arm.length * count_network(arm, looks)["multiply_adds"]
