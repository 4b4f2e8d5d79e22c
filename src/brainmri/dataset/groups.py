"""Which slices belong together: the unit that never straddles subsets."""

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from brainmri.dataset.prepared import RawFactRow, SliceRow
from brainmri.tables import Row


class GroupRow(Row):
    """The group of a slice; groups are numbered G0001 … in the order of their first slice."""

    slice_id: str
    group: str


def join_slices(slices: Sequence[SliceRow], facts: Sequence[RawFactRow]) -> list[GroupRow]:
    """Joins the slices of one patient, of one scan, and those whose files are byte-identical."""
    ties = (
        [f"scan {row.scan}" for row in slices],
        [None if row.patient is None else f"patient {row.patient}" for row in slices],
        [f"file {row.sha256}" for row in facts],
    )
    numbers = _connected(len(slices), ties)
    return [
        GroupRow(slice_id=row.slice_id, group=f"G{number:04d}")
        for row, number in zip(slices, numbers, strict=True)
    ]


def _connected(count: int, ties: Iterable[Sequence[str | None]]) -> list[int]:
    """Components of the graph in which equal ties join slices, numbered from 1 by first appearance."""
    ends: dict[str, int] = {}
    pairs = [
        (index, ends.setdefault(tie, index))
        for tie_of in ties
        for index, tie in enumerate(tie_of)
        if tie is not None
    ]
    here, there = np.array(pairs).T
    _, components = connected_components(
        coo_array((np.ones(len(pairs)), (here, there)), shape=(count, count))
    )
    order: dict[int, int] = {}
    return [order.setdefault(int(component), len(order) + 1) for component in components]
