"""Raw scans -> the prepared set (two arrays, three tables) and a contact sheet.

Only this stage reads raw data. Every scan found is either prepared or listed in rejected.csv.
"""

from pathlib import Path

from brainmri.dataset.prepare import PrepareParams, prepare_folder
from brainmri.figures.gallery import show_prepared
from brainmri.params import Section, read_params
from stages import run


class Params(Section):
    """The keys of params.yaml that this stage reads."""

    prepare: PrepareParams


def main(raw: Path, prepared: Path, sheet: Path) -> None:
    """Raw folder in, prepared folder and sheet out."""
    params = read_params(Params)
    count = prepare_folder(raw, params.prepare, prepared)
    show_prepared(prepared, sheet)
    found = f"{count.found} scans, {count.rejected} rejected"
    print(f"prepare: {count.slices} slices of {found} -> {prepared}", *count.notices, sep="; ")


if __name__ == "__main__":
    run(main)
