"""Which slices belong together: the unit that never straddles subsets."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from brainmri.dataset.prepared import RawFactRow, SliceRow
from brainmri.dataset.twins import Twin
from brainmri.tables import Row


class GroupRow(Row):
    """The group of a slice; groups are numbered G0001 … in the order of their first slice.

    `twins` names the slices that show the same picture (copies and near twins), T0001 …; empty where a slice
    is the only one of its picture. Slices of one patient are one group, but not therefore twins.
    """

    slice_id: str
    group: str
    twins: str | None = None


def join_slices(
    slices: Sequence[SliceRow], facts: Sequence[RawFactRow], twins: Sequence[Twin] = ()
) -> list[GroupRow]:
    """Joins the slices of one patient, of one scan, of byte-identical files, and twins."""
    files = [f"file {row.sha256}" for row in facts]
    groups = _connected(len(slices), [*_known_ties(slices), files], twins)
    pictures = _connected(len(slices), (), twins)
    several = np.flatnonzero(np.bincount(pictures) > 1).tolist()
    names = {picture: f"T{number:04d}" for number, picture in enumerate(several, start=1)}
    return [
        GroupRow(slice_id=row.slice_id, group=f"G{group:04d}", twins=names.get(picture))
        for row, group, picture in zip(slices, groups, pictures, strict=True)
    ]


def number_known_groups(slices: Sequence[SliceRow], copies: Sequence[Twin]) -> NDArray[np.intp]:
    """A number for each slice, the same for those of one patient or scan and for copies: (slices,)."""
    return np.array(_connected(len(slices), _known_ties(slices), copies), np.intp)


def _known_ties(slices: Sequence[SliceRow]) -> list[list[str | None]]:
    return [
        [f"scan {row.scan}" for row in slices],
        [None if row.patient is None else f"patient {row.patient}" for row in slices],
    ]


def _connected(count: int, ties: Iterable[Sequence[str | None]], twins: Sequence[Twin]) -> list[int]:
    """Components of the graph of equal ties and of twins, numbered from 1 by first appearance."""
    ends: dict[str, int] = {}
    pairs = [(twin.first, twin.second) for twin in twins]
    pairs += [
        (index, ends.setdefault(tie, index))
        for tie_of in ties
        for index, tie in enumerate(tie_of)
        if tie is not None
    ]
    here, there = np.array(pairs, np.intp).reshape(-1, 2).T
    _, components = connected_components(
        coo_array((np.ones(len(pairs)), (here, there)), shape=(count, count)), directed=False
    )
    order: dict[int, int] = {}
    return [order.setdefault(int(component), len(order) + 1) for component in components]
