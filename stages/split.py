"""Slices and groups -> the split manifest, and its own leakage.

By the protocol `grouped` no group is in two subsets, unless the user's own subsets say so; `paper` is the
random split to compare with.
"""

from pathlib import Path

from brainmri.dataset.groups import GroupRow
from brainmri.dataset.manifest import ManifestRow
from brainmri.dataset.prepared import SLICES, SliceRow
from brainmri.dataset.protocols import SplitParams
from brainmri.dataset.split import assign_subsets
from brainmri.dataset.split_report import describe_split
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
    grouped = read_rows(groups, GroupRow)
    rows = assign_subsets(slices, grouped, params.split)
    report = describe_split(rows, slices, grouped, params.split)
    write_rows(manifest, rows, ManifestRow)
    write_mapping(metrics, report)
    counts = ", ".join(f"{report[name]['slices']} {name}" for name in ("train", "valid", "test"))
    notice = f"; {report['warning']}" if "warning" in report else ""
    print(f"split: {counts}, by {report['source']} -> {manifest}{notice}")


if __name__ == "__main__":
    run(main)
