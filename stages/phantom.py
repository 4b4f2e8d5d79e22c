"""Synthetic brain MRI with tumors, the default data set.

In: the section `phantom` of params.yaml. Out: a folder with `images/`, `masks/` and `scans.csv`.
The same section gives the same bytes on the same type of machine, whatever the number of cores.
"""

from pathlib import Path

from brainmri.params import Section, read_params
from brainmri.phantom.patients.dataset import make_data_set
from brainmri.phantom.patients.settings import PhantomParams
from stages import run


class Params(Section):
    """The keys that this stage reads."""

    phantom: PhantomParams


def main(out: Path) -> None:
    """Writes the data set below `out`."""
    count = make_data_set(read_params(Params).phantom, out)
    print(f"{count.patients} patients, {count.slices} slices, {count.tumor_slices} with tumor -> {out}")


if __name__ == "__main__":
    run(main)
