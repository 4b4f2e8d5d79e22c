"""The manifest and the arms -> the units that every arm trains: a fold to score, one to watch, a seed.

Checks all that can be wrong with a comparison before the first training. The units don't tell the arms
apart, so a new arm leaves those of others alone.
"""

from pathlib import Path

from brainmri.dataset.manifest import read_manifest
from brainmri.dataset.masks import require_masks
from brainmri.dataset.prepared import read_prepared
from brainmri.dataset.units import UnitRow, plan_units
from brainmri.learning.arms import ComparisonParams, Settings, TaskName, read_arms
from brainmri.params import read_params
from brainmri.tables import write_rows
from stages import run


class Params(Settings):
    """The keys of params.yaml that this stage reads."""

    comparison: ComparisonParams


def main(prepared: Path, manifest: Path, scores: Path, units: Path) -> None:
    """Prepared folder and manifest in, units out; what arms that are gone left in `scores` is removed."""
    params = read_params(Params)
    comparison = params.comparison
    arms = read_arms(params, comparison)
    if any(arm.task is TaskName.SEGMENTATION for arm in arms.values()):
        require_masks(read_prepared(prepared))
    planned = plan_units(read_manifest(manifest), comparison.seeds, comparison.cases)
    for left in [*scores.glob("*.csv"), *scores.glob("*.json")]:
        if left != units and left.stem not in arms:
            left.unlink()
    write_rows(units, planned, UnitRow)
    print(f"plan: {len(arms)} arms; {len(planned)} units -> {units}")


if __name__ == "__main__":
    run(main)
