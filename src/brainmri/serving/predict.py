"""Scans of any readable format -> answers."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from brainmri.confinement import Limits
from brainmri.dataset.prepared import RejectedRow
from brainmri.isolation import isolate_within
from brainmri.scans.settings import ReadingLimits
from brainmri.scoring.novelty import measure_novelty
from brainmri.serving.answers import (
    Answers,
    ModelFacts,
    ScanAnswer,
    SliceAnswer,
    answer_patients,
    are_unlike,
    decide,
)
from brainmri.serving.backends import Backend, open_network
from brainmri.serving.intake import Taken, Watch, take_scans
from brainmri.serving.model import Model, Network

# Slices that are in memory at once, and go through the network together.
_CHUNK = 256


class Predictor:
    """A model and what runs its network, which is loaded when it is first asked."""

    def __init__(self, model: Model, backend: Backend) -> None:
        """`backend` is one that the model has a file for."""
        self.model, self.backend = model, backend

    @cached_property
    def network(self) -> Network:
        """The network, ready. Raises `BadInput` for a wrong file or a missing library."""
        return open_network(self.model, self.backend)


def predict_scans(
    paths: Sequence[Path], predictor: Predictor, limits: ReadingLimits, watches: Sequence[Watch] = ()
) -> Answers:
    """Answers for every scan in `paths`, rejections with their reason; raises `BadInput` for the model alone.

    The network is not loaded before a scan was read.
    """
    isolate = isolate_within(Limits(limits.max_memory_megabytes, limits.max_seconds))
    return answer_scans(take_scans(paths, predictor.model.rule(limits), isolate), predictor, watches)


def answer_scans(
    taken: Iterable[Taken | RejectedRow], predictor: Predictor, watches: Sequence[Watch]
) -> Answers:
    """Answers for scans as they come; `watches` see each of them."""
    scans: list[ScanAnswer] = []
    rejected: list[RejectedRow] = []
    model = predictor.model
    for chunk in _chunks(taken, rejected):
        images = np.stack([piece.image for item in chunk for piece in item.prepared.slices])
        answered = list(_answer(chunk, images, model, predictor.network))
        for watch in watches:
            watch(chunk, answered, images)
        scans += answered
    return Answers(
        notice=model.notice,
        model=describe_model(model, predictor.backend),
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
        sha256=model.weights_sha256,
        zero_shot=model.zero_shot,
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
