"""The table of the shortcut baselines, where they meet scoring."""

from brainmri.tables import Row


class ShortcutRow(Row):
    """The out-of-fold probability of tumor that a baseline gives a slice."""

    slice_id: str
    baseline: str
    fold: int
    score: float
