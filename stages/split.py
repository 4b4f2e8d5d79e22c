"""Slices and groups -> the split manifest, and its own leakage.

By the protocol `grouped` no group is in two subsets; `paper` is the random split to compare with.
"""

from pathlib import Path

from brainmri.dataset.groups import GroupRow
from brainmri.dataset.manifest import ManifestRow
from brainmri.dataset.prepared import SLICES, SliceRow
from brainmri.dataset.split import SplitParams, assign_subsets, describe_split
from brainmri.params import Section, read_params
from brainmri.tables import read_rows, write_mapping, write_rows
from stages import run


class Params(Section):
    """The keys of params.yaml that this stage reads."""

    split: SplitParams


def main(prepared: Path, groups: Path, manifest: Path, metrics: Path) -> None:
    """Prepared slices and groups in, manifest and metrics out."""
    params = read_params(Params)
    slices = read_rows(prepared / SLICES, SliceRow)
    rows = assign_subsets(slices, read_rows(groups, GroupRow), params.split)
    report = describe_split(rows, slices, params.split)
    write_rows(manifest, rows, ManifestRow)
    write_mapping(metrics, report)
    counts = ", ".join(f"{report[name]['slices']} {name}" for name in ("train", "valid", "test"))
    print(f"split: {counts} -> {manifest}")


if __name__ == "__main__":
    run(main)
