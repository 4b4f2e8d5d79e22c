"""The slices that a model gets most wrong."""

from collections.abc import Sequence

from brainmri.dataset.predictions import Prediction
from brainmri.scoring.calibration import OperatingPoint
from brainmri.scoring.cases import Unit, gather_cases
from brainmri.scoring.tally import cross_entropy
from brainmri.tables import DIGITS, Row


class LossRow(Row):
    """A slice with its cross entropy `loss` in nats; `probability` is the calibrated one of `predicted`.

    At a threshold other than 0.5 that may be below one half.
    """

    slice_id: str
    predicted: str
    actual: str
    loss: float
    probability: float


def list_top_losses(predictions: Sequence[Prediction], point: OperatingPoint, count: int) -> list[LossRow]:
    """The `count` slices of greatest loss, greatest first; equal at six digits, by `slice_id`."""
    rows = sorted(predictions, key=lambda row: row.slice_id)
    cases = gather_cases(rows, point, Unit.SLICE)
    losses = cross_entropy(cases.truth, cases.score)
    found = []
    for row, score, loss in zip(rows, cases.score, losses, strict=True):
        called = bool(score >= point.threshold)
        found.append(
            LossRow(
                slice_id=row.slice_id,
                predicted=point.classes[called],
                actual=row.label,
                loss=float(loss),
                probability=float(score if called else 1 - score),
            )
        )
    return sorted(found, key=lambda item: (-round(item.loss, DIGITS), item.slice_id))[:count]
