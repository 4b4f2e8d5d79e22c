"""What changed since a revision, as Markdown for a review."""

import argparse
from pathlib import Path

from brainmri.reporting.review import write_review
from brainmri.reporting.revisions import WORKSPACE, find_revision


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("--rev", required=True, help="the commit, branch, tag or experiment before")
    parser.add_argument("--to", default=WORKSPACE, help="the one after; the working tree if not given")
    parser.add_argument("--out", type=Path, default=Path("report.md"), help="where the report goes")
    parser.add_argument("--picture-url", help="pictures are linked as URL/COMMIT/PATH instead of copied")


def run(given: argparse.Namespace) -> int:
    """Writes the report."""
    before, after = find_revision(given.rev), find_revision(given.to)
    count = write_review(given.out, before, after, given.picture_url)
    print(f"report: {count} figures differ between {before.name} and {after.name} -> {given.out}")
    return 0
