"""The prepared set -> groups of slices that belong together, and what a person should know before training.

Slices of one patient, of one scan, copies and near-duplicates are in one group.
"""

from pathlib import Path

from brainmri.dataset.audit import AuditParams, audit_set, summarize_audit
from brainmri.dataset.findings import FindingRow
from brainmri.dataset.groups import GroupRow
from brainmri.dataset.prepared import REJECTED, RejectedRow, read_prepared, read_raw_facts
from brainmri.dataset.summary import describe_audit
from brainmri.figures.groups import show_groups, show_weakest_twins
from brainmri.params import Section, read_params
from brainmri.tables import read_rows, write_mapping, write_rows
from stages import run


class Params(Section):
    """The keys of params.yaml that this stage reads."""

    audit: AuditParams


def main(prepared: Path, groups: Path, metrics: Path, plots: Path) -> None:
    """Prepared folder in; groups, metrics, findings and pictures of what was joined out."""
    params = read_params(Params).audit
    data, rejected = read_prepared(prepared), read_rows(prepared / REJECTED, RejectedRow)
    audited = audit_set(data, read_raw_facts(prepared), rejected, params)
    summary = summarize_audit(audited, params)
    write_rows(groups, audited.groups, GroupRow)
    write_mapping(metrics, summary)
    write_rows(plots / "findings.csv", audited.findings, FindingRow)
    show_groups(data, audited.groups, plots / "largest_groups.png", audited.twins)
    show_weakest_twins(data, audited.twins, plots / "weakest_twins.png")
    print(describe_audit(summary))
    print(f"audit: {summary['slices']} slices in {summary['groups']} groups -> {groups}")


if __name__ == "__main__":
    run(main)
