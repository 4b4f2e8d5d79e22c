"""`python -m brainmri COMMAND`: what isn't a stage."""

import argparse
import sys
from pathlib import Path

from brainmri.errors import BadInput
from brainmri.reporting.offline import set_up_offline_plots
from brainmri.reporting.review import write_review
from brainmri.reporting.revisions import WORKSPACE, find_revision


def main() -> None:
    """Calls the command; what a user can mend ends in one line."""
    parser = argparse.ArgumentParser(prog="python -m brainmri", description="See README.md.")
    commands = parser.add_subparsers(dest="command", required=True)
    report = commands.add_parser("report", help="what changed since a revision, as Markdown for a review")
    report.add_argument("--rev", required=True, help="the commit, branch, tag or experiment before")
    report.add_argument("--to", default=WORKSPACE, help="the one after; the working tree if not given")
    report.add_argument("--out", type=Path, default=Path("report.md"), help="where the report goes")
    report.add_argument("--picture-url", help="pictures are linked as URL/COMMIT/PATH instead of copied")
    commands.add_parser("offline", help="let `dvc plots show` and `diff` open without a network")
    given = parser.parse_args()
    try:
        print(_report(given) if given.command == "report" else f"offline: -> {set_up_offline_plots()}")
    except BadInput as error:
        sys.exit(f"error: {error}")


def _report(given: argparse.Namespace) -> str:
    before, after = find_revision(given.rev), find_revision(given.to)
    count = write_review(given.out, before, after, given.picture_url)
    return f"report: {count} figures differ between {before.name} and {after.name} -> {given.out}"


if __name__ == "__main__":
    main()
