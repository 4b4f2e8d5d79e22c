"""Scans of any readable format -> answers."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from brainmri.dataset.prepared import RejectedRow
from brainmri.scans.settings import ReadingLimits
from brainmri.scoring.novelty import measure_novelty
from brainmri.serving.answers import (
    NOT_FOR_DIAGNOSIS,
    Answers,
    ModelFacts,
    ScanAnswer,
    SliceAnswer,
    Watch,
    answer_patients,
    are_unlike,
    decide,
)
from brainmri.serving.backends import Backend, network_file, open_network
from brainmri.serving.intake import Taken, take_scans
from brainmri.serving.model import Model, Network

# Slices that are in memory at once, and go through the network together.
_CHUNK = 256


def predict_scans(
    paths: Sequence[Path], model: Model, backend: Backend, limits: ReadingLimits, watch: Watch | None = None
) -> Answers:
    """Answers for every scan in `paths`, rejections with their reason; raises `BadInput` for the model alone.

    The network is not loaded before a scan was read. `watch` sees the answers as they come.
    """
    taken = take_scans(paths, model.rule(limits))
    scans: list[ScanAnswer] = []
    rejected: list[RejectedRow] = []
    network: Network | None = None
    for chunk in _chunks(taken, rejected):
        network = network or open_network(model, backend)
        images = np.stack([piece.image for item in chunk for piece in item.prepared.slices])
        answered = list(_answer(chunk, images, model, network))
        if watch is not None:
            watch(answered, images)
        scans += answered
    return Answers(
        notice=NOT_FOR_DIAGNOSIS,
        model=describe_model(model, backend),
        scans=tuple(scans),
        patients=answer_patients(scans, model.point),
        rejected=tuple(rejected),
    )


def describe_model(model: Model, backend: Backend) -> ModelFacts:
    """Which model it is."""
    return ModelFacts(
        folder=model.folder.as_posix(),
        backend=backend.value,
        architecture=model.card.architecture.value,
        sha256=model.digest(network_file(backend)),
        negative=model.point.negative,
        positive=model.point.positive,
        threshold=model.point.threshold,
    )


def _chunks(outcomes: Iterable[Taken | RejectedRow], rejected: list[RejectedRow]) -> Iterator[list[Taken]]:
    """Scans of some hundred slices together; what is rejected goes to `rejected`."""
    chunk: list[Taken] = []
    for outcome in outcomes:
        if isinstance(outcome, RejectedRow):
            rejected.append(outcome)
            continue
        chunk.append(outcome)
        if sum(len(item.prepared.slices) for item in chunk) >= _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _answer(
    chunk: Sequence[Taken], images: NDArray[np.uint8], model: Model, network: Network
) -> Iterator[ScanAnswer]:
    opinion = network.judge(images)
    novelty = measure_novelty(opinion.features, model.familiar)
    said = iter(zip(opinion.probability.tolist(), novelty.tolist(), strict=True))
    for item in chunk:
        slices = [_answer_slice(piece.number, *next(said), model) for piece in item.prepared.slices]
        probabilities = [piece.probability for piece in slices]
        yield ScanAnswer(
            scan=item.scan,
            patient=item.patient,
            probability_max=max(probabilities),
            probability_mean=float(np.mean(probabilities)),
            decision=decide(max(probabilities), model.point),
            unlike=are_unlike(slices),
            unlike_slices=sum(piece.unlike for piece in slices),
            notices=tuple(item.prepared.notices),
            slices=tuple(slices),
        )


def _answer_slice(number: int, probability: float, novelty: float, model: Model) -> SliceAnswer:
    return SliceAnswer(
        slice=number,
        probability=probability,
        decision=decide(probability, model.point),
        novelty=novelty,
        unlike=novelty > 1,
    )
