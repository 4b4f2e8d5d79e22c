"""How a training went, drawn from its tables."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from brainmri.figures.canvas import save
from brainmri.figures.losses import History, Suggestion, draw_history, draw_lr_search
from brainmri.learning.records import EpochLosses, EpochRow, MaskEpochRow, RatePoint

_UNITS: Final[dict[type[EpochLosses], tuple[str, str, str]]] = {
    EpochRow: ("accuracy", "Accuracy", "Share of cases"),
    MaskEpochRow: ("dice", "Dice", "Dice of all pixels"),
}


def draw_training(
    epochs: Sequence[EpochLosses], rates: Sequence[RatePoint], rate: float, source: str, folder: Path
) -> None:
    """The losses of each epoch, and the search for a learning rate; `source` ends the small print."""
    best = min(epochs, key=lambda row: row.valid_loss)
    watched, name, unit = _UNITS[type(epochs[0])]
    history = History(
        epoch=np.array([row.epoch for row in epochs]),
        train_size=np.array([row.train_size for row in epochs]),
        train_loss=np.array([row.train_loss for row in epochs]),
        valid_loss=np.array([row.valid_loss for row in epochs]),
        watched=np.array([getattr(row, watched) for row in epochs]),
        watched_name=name,
        watched_unit=unit,
        best=best.epoch,
    )
    save(draw_history(history, f"training and validation subset of {source}"), folder / "losses.png")
    lr = 10 ** np.array([row.log10_learning_rate for row in rates])
    loss = np.array([row.loss for row in rates])
    searched = f"smoothed loss, the mean of the searches, each on a sample of the training subset of {source}"
    given = f"no search: lr is {rate:g} in params.yaml"
    suggestion = Suggestion("valley", rate) if rates else None
    save(draw_lr_search(lr, loss, suggestion, searched if rates else given), folder / "lr_find.png")
