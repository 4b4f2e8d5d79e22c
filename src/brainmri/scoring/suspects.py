"""Slices whose labels out-of-fold networks confidently contradict: the first to look at for mistakes."""

import numpy as np

from brainmri.dataset.prepared import Classes
from brainmri.scoring.folded import Folded
from brainmri.tables import Row


class SuspectRow(Row):
    """A slice whose label looks wrong; `probability` is what networks that never saw it give its label."""

    slice_id: str
    group: str
    label: str
    suspected: str
    probability: float


def find_suspects(arm: Folded, classes: Classes) -> list[SuspectRow]:
    """Confident learning (Northcutt, Jiang and Chuang 2021, JAIR 70:1373), the least probable label first.

    A slice is suspect if the class that it is not labelled with is more probable than its own, and at least
    as probable as that class is, on average, for the slices that have its label. Probabilities are means over
    seeds. (The authors' library, cleanlab, is AGPL, which a project under Apache-2.0 can't depend on.)
    """
    names = np.array([row.slice_id for row in arm.rows])
    _, first, inverse = np.unique(names, return_index=True, return_inverse=True)
    score = np.bincount(inverse, arm.cases.score) / np.bincount(inverse)
    truth = arm.cases.truth[first]
    if truth.all() or not truth.any():
        return []
    usual = {True: float(score[truth].mean()), False: float((1 - score)[~truth].mean())}
    rows = []
    for place, (positive, tumor) in enumerate(zip(truth.tolist(), score.tolist(), strict=True)):
        own, other = (tumor, 1 - tumor) if positive else (1 - tumor, tumor)
        if other > own and other >= usual[not positive]:
            row = arm.rows[int(first[place])]
            suspected = classes.negative if positive else classes.positive
            rows.append(
                SuspectRow(
                    slice_id=row.slice_id,
                    group=row.group,
                    label=row.label,
                    suspected=suspected,
                    probability=own,
                )
            )
    return sorted(rows, key=lambda row: (row.probability, row.slice_id))
