"""Where a network looks hottest in each slice with tumor: the table where learning and scoring meet."""

from pathlib import Path

from brainmri.tables import Row, read_rows


class PointingRow(Row):
    """Row and column of the hottest pixel of a prepared slice, from 0.

    `random_…` is of the same network with weights that learnt nothing.
    """

    slice_id: str
    row: int
    column: int
    random_row: int
    random_column: int


def read_pointing(path: Path) -> list[PointingRow]:
    """The table at `path`."""
    return read_rows(path, PointingRow)
