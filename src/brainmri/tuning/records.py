"""The table of a search."""

from brainmri.tables import Row


class TrialRow(Row):
    """One trial: its settings as options, the mean AUROC of the folds it was scored on, and how it ended.

    `state` is complete, pruned, or failed (a training that diverged, say); a failed one has no AUROC.
    """

    trial: int
    state: str
    folds: int
    auroc: float | None
    settings: str


class ImportanceRow(Row):
    """The share, 0 to 1, of the differences between complete trials that a setting explains.

    By fANOVA (Hutter, Hoos and Leyton-Brown 2014, ICML).
    """

    setting: str
    importance: float
