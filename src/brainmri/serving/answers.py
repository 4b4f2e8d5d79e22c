"""What a model says of scans and patients, as rows that check themselves."""

from collections.abc import Sequence
from typing import Annotated, Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from brainmri.dataset.prepared import RejectedRow
from brainmri.scoring.calibration import OperatingPoint

NOT_FOR_DIAGNOSIS: Final = "Not for diagnosis: a research tool, not a medical device."
# Of a network that has learnt from phantoms alone.
ZERO_SHOT: Final = "Zero-shot: this network has seen synthetic MRI alone, and no scan of a person."
UNLIKE: Final = "unlike the training images"
# A scan is unlike the training data where the slice that decides is, or so many of all.
_MOST_UNLIKE: Final = 0.5

Probability = Annotated[float, Field(ge=0, le=1)]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SliceAnswer(_Answer):
    """A slice: its calibrated probability of tumor; a `novelty` above 1 is unlike the training images."""

    slice: int
    probability: Probability
    decision: str
    novelty: Annotated[float, Field(ge=0)]
    unlike: bool


class ScanAnswer(_Answer):
    """A scan; decided by the highest of its slices' probabilities."""

    scan: str
    patient: str | None
    probability_max: Probability
    probability_mean: Probability
    decision: str
    unlike: bool
    unlike_slices: int
    notices: tuple[str, ...]
    slices: tuple[SliceAnswer, ...]


class PatientAnswer(_Answer):
    """All scans of a patient, where headers say which those are; unlike if any scan is."""

    patient: str
    scans: int
    slices: int
    probability_max: Probability
    probability_mean: Probability
    decision: str
    unlike: bool


class ModelFacts(_Answer):
    """Which model answered; `sha256` is of the weights of its training, by whichever runtime.

    `zero_shot`: it has seen synthetic MRI alone.
    """

    folder: str
    runtime: str
    architecture: str
    sha256: str
    zero_shot: bool
    negative: str
    positive: str
    threshold: Probability


class Answers(_Answer):
    """All of one question."""

    notice: str
    model: ModelFacts
    scans: tuple[ScanAnswer, ...]
    patients: tuple[PatientAnswer, ...]
    rejected: tuple[RejectedRow, ...]


def decide(probability: float, point: OperatingPoint) -> str:
    """The name of the class, by the stored threshold."""
    return point.positive if probability >= point.threshold else point.negative


def answer_patients(scans: Sequence[ScanAnswer], point: OperatingPoint) -> tuple[PatientAnswer, ...]:
    """One answer for each patient that a header names."""
    members: dict[str, list[ScanAnswer]] = {}
    for scan in scans:
        if scan.patient is not None:
            members.setdefault(scan.patient, []).append(scan)
    return tuple(_answer_patient(patient, own, point) for patient, own in members.items())


def are_unlike(slices: Sequence[SliceAnswer]) -> bool:
    """Whether the slice of the highest probability is unlike the training images, or half of all are."""
    deciding = max(slices, key=lambda piece: piece.probability)
    return deciding.unlike or bool(np.mean([piece.unlike for piece in slices]) >= _MOST_UNLIKE)


def _answer_patient(patient: str, scans: Sequence[ScanAnswer], point: OperatingPoint) -> PatientAnswer:
    slices = [piece for scan in scans for piece in scan.slices]
    highest = max(piece.probability for piece in slices)
    return PatientAnswer(
        patient=patient,
        scans=len(scans),
        slices=len(slices),
        probability_max=highest,
        probability_mean=float(np.mean([piece.probability for piece in slices])),
        decision=decide(highest, point),
        unlike=any(scan.unlike for scan in scans),
    )
