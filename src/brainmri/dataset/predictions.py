"""What a model said of each slice: the table where learning and scoring meet."""

from collections.abc import Iterable
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Annotated

from pydantic import Field
from scipy.special import expit

from brainmri.dataset.manifest import ManifestRow, Subset
from brainmri.errors import BadInput
from brainmri.tables import Row, read_rows


class Epoch(StrEnum):
    """Which weights of a training made a prediction."""

    BEST = "best"
    LAST = "last"


class Prediction(Row):
    """One slice as one model saw it, before calibration.

    `score` is the probability of the positive class, 0 to 1; `logit` its log odds, in nats;
    `label` is the slice's reference standard. `patient` is None where it is unknown.
    """

    slice_id: str
    group: str
    patient: str | None
    label: str
    subset: Subset
    epoch: Epoch
    score: Annotated[float, Field(ge=0, le=1)]
    logit: Annotated[float, Field(allow_inf_nan=False)]


def make_prediction(row: ManifestRow, patient: str | None, epoch: Epoch, logit: float) -> Prediction:
    """What a model says of a slice of the manifest, by its log odds."""
    return Prediction(
        slice_id=row.slice_id,
        group=row.group,
        patient=patient,
        label=row.label,
        subset=row.subset,
        epoch=epoch,
        score=float(expit(logit)),
        logit=logit,
    )


def read_predictions(path: Path) -> list[Prediction]:
    """The table of predictions at `path`, in its own order."""
    return read_rows(path, Prediction)


def select_predictions(
    predictions: Iterable[Prediction], subset: Subset, epoch: Epoch = Epoch.BEST
) -> list[Prediction]:
    """The predictions of one subset and epoch, by `slice_id`.

    Raises `BadInput` if there are none, or two of one slice.
    """
    chosen = sorted(
        (row for row in predictions if row.subset is subset and row.epoch is epoch),
        key=lambda row: row.slice_id,
    )
    if not chosen:
        raise BadInput(
            f"predictions: expected slices of subset {subset}, epoch {epoch}, came none; rerun predict"
        )
    for row, following in pairwise(chosen):
        if row.slice_id == following.slice_id:
            raise BadInput(f"predictions: expected {row.slice_id} once, came twice in subset {subset}")
    return chosen
