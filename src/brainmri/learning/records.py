"""The tables of a training: what learning writes and the figures read, without torch."""

from pathlib import Path

from brainmri.tables import Row, read_mapping, write_mapping


class EpochLosses(Row):
    """An epoch of any training: its losses, and the last learning rate of the head.

    `train_loss` is fastai's: a running average over some fifty steps, while the weights change and images
    are augmented, of `train_size` pixels a side. `valid_loss` is the mean of the validation subset, by the
    averaged weights, at the prepared size.
    """

    epoch: int
    train_size: int
    log10_learning_rate: float
    train_loss: float
    valid_loss: float


class EpochRow(EpochLosses):
    """One line of plots/history.csv: an epoch of a classifier, and its accuracy on the validation subset."""

    accuracy: float


class MaskEpochRow(EpochLosses):
    """One line of plots/segmentation/history.csv: an epoch of a segmenter.

    `dice` is that of all pixels of the validation subset together, 0 to 1.
    """

    dice: float


class RatePoint(Row):
    """One line of plots/lr_find.csv: the smoothed training loss at a learning rate."""

    log10_learning_rate: float
    loss: float


def write_rate(path: Path, learning_rate: float, source: str) -> None:
    """Writes metrics/lr.json; `source` is what the rate was taken from."""
    write_mapping(path, {"learning_rate": learning_rate, "source": source})


def read_rate(path: Path) -> float:
    """The learning rate in metrics/lr.json."""
    return float(read_mapping(path)["learning_rate"])
