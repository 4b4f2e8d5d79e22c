"""The table of a pretraining: what learning writes and the figures read, without torch."""

from brainmri.tables import Row


class PretrainRow(Row):
    """One line of plots/pretrain/ARCH/history.csv: the means since the line before.

    `pictures` is how many were seen by then. `cross_entropy` is of tumor or none, the other losses are of the
    maps at an eighth and a sixteenth of the side. `valid_auroc` is of unseen phantoms, where scored.
    """

    pictures: int
    log10_learning_rate: float
    cross_entropy: float
    map_loss_eighth: float
    map_loss_sixteenth: float
    valid_auroc: float | None
