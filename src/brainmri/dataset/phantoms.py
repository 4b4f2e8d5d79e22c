"""A set of phantoms: what is known of each besides its picture and its class."""

from pathlib import Path
from typing import Final

from brainmri.tables import Row, read_rows

# Stands by every figure that is of phantoms.
SYNTHETIC: Final = "synthetic: no result on real data"


class PhantomRow(Row):
    """One phantom; `kind` is what is particular about its tumor, `area` its share of the picture."""

    slice_id: str
    kind: str
    area: float


def read_phantoms(path: Path) -> dict[str, PhantomRow]:
    """The rows at `path`, by slice."""
    return {row.slice_id: row for row in read_rows(path, PhantomRow)}
