"""The prepared set -> groups of slices that belong together, and counts of what is in it.

Slices of one patient, of one scan and of byte-identical files are in one group.
"""

from pathlib import Path

from brainmri.dataset.audit import summarize_groups
from brainmri.dataset.groups import GroupRow, join_slices
from brainmri.dataset.prepared import read_prepared, read_raw_facts
from brainmri.figures.groups import show_groups
from brainmri.tables import write_mapping, write_rows
from stages import run


def main(prepared: Path, groups: Path, metrics: Path, plots: Path) -> None:
    """Prepared folder in; groups, metrics and a picture of the largest groups out."""
    data, facts = read_prepared(prepared), read_raw_facts(prepared)
    rows = join_slices(data.slices, facts)
    summary = summarize_groups(data.slices, facts, rows)
    write_rows(groups, rows, GroupRow)
    write_mapping(metrics, summary)
    show_groups(data, rows, plots / "largest_groups.png")
    print(f"audit: {summary['slices']} slices in {summary['groups']} groups -> {groups}")


if __name__ == "__main__":
    run(main)
