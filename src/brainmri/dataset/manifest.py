"""The split manifest: which slice is used for what."""

from enum import StrEnum
from pathlib import Path

from brainmri.tables import Row, read_rows

# A manifest without a test subset was split by the paper's protocol; every figure of it says so.
PAPER_WARNING = (
    "random split: slices of one group may stand on both sides, and the set watched each epoch is the "
    "set reported; for comparison with the paper only"
)


class Subset(StrEnum):
    """What a slice is used for."""

    TRAIN = "train"
    VALID = "valid"
    TEST = "test"


class ManifestRow(Row):
    """One slice of the manifest; `fold` numbers the grouped, stratified folds of everything from 0."""

    slice_id: str
    group: str
    label: str
    subset: Subset
    fold: int


def read_manifest(path: Path) -> list[ManifestRow]:
    """The manifest in the order of the prepared set's slices."""
    return read_rows(path, ManifestRow)
