"""Scans of any readable format -> answers."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

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
from brainmri.serving.intake import Taken, Watch, take_scans
from brainmri.serving.judging import Images, Predictor
from brainmri.serving.model import Model, Opinion
from brainmri.serving.runtimes import Runtime

# Slices that are in memory at once, and go through the network together.
_CHUNK = 256
_NO_PIXELS = np.empty((0, 0), np.uint8)


def predict_scans(
    paths: Sequence[Path], predictor: Predictor, limits: ReadingLimits, watches: Sequence[Watch] = ()
) -> Answers:
    """Answers for every scan in `paths`, rejections with their reason; raises `BadInput` for the model alone.

    The network is not loaded before a scan was read.
    """
    return _collect(stream_scans(paths, predictor, limits, watches), predictor)


def stream_scans(
    paths: Sequence[Path], predictor: Predictor, limits: ReadingLimits, watches: Sequence[Watch] = ()
) -> Iterator[ScanAnswer | RejectedRow]:
    """As `predict_scans`, scan by scan, rejected ones last; nothing that was given away stays in memory."""
    isolate = isolate_within(Limits(limits.max_memory_megabytes, limits.max_seconds, patient=True))
    return _answer_each(take_scans(paths, predictor.model.rule(limits), isolate), predictor, watches)


def answer_scans(
    taken: Iterable[Taken | RejectedRow], predictor: Predictor, watches: Sequence[Watch]
) -> Answers:
    """Answers for scans as they come; `watches` see each of them."""
    return _collect(_answer_each(taken, predictor, watches), predictor)


def _answer_each(
    taken: Iterable[Taken | RejectedRow], predictor: Predictor, watches: Sequence[Watch]
) -> Iterator[ScanAnswer | RejectedRow]:
    rejected: list[RejectedRow] = []
    for chunk, opinion in _judge(_chunks(taken, rejected), predictor, keep=bool(watches)):
        answered = list(_answer(chunk, opinion, predictor.model))
        for watch in watches:
            watch(chunk, answered, _stack(chunk))
        yield from answered
    yield from rejected


def _collect(answers: Iterable[ScanAnswer | RejectedRow], predictor: Predictor) -> Answers:
    scans: list[ScanAnswer] = []
    rejected: list[RejectedRow] = []
    for answer in answers:
        if isinstance(answer, RejectedRow):
            rejected.append(answer)
        else:
            scans.append(answer)
    model = predictor.model
    return Answers(
        notice=model.notice,
        model=describe_model(model, predictor.runtime),
        scans=tuple(scans),
        patients=answer_patients(scans, model.point),
        rejected=tuple(rejected),
    )


def describe_model(model: Model, runtime: Runtime) -> ModelFacts:
    """Which model it is."""
    return ModelFacts(
        folder=model.folder.as_posix(),
        runtime=runtime.value,
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


def _judge(
    chunks: Iterable[list[Taken]], predictor: Predictor, *, keep: bool
) -> Iterator[tuple[list[Taken], Opinion]]:
    """Scans, and what the network says of their slices; `keep` their pixels.

    On a cluster a few chunks for each of its cores are under way.
    """
    under_way: deque[list[Taken]] = deque()

    def stack() -> Iterator[Images]:
        for chunk in chunks:
            under_way.append(chunk if keep else list(map(_empty, chunk)))
            yield _stack(chunk)

    for opinion in predictor.judge(stack()):
        yield under_way.popleft(), opinion


def _stack(chunk: Sequence[Taken]) -> Images:
    return np.stack([piece.image for item in chunk for piece in item.prepared.slices])


def _empty(item: Taken) -> Taken:
    """The scan without its pixels."""
    slices = [replace(piece, image=_NO_PIXELS, mask=None) for piece in item.prepared.slices]
    return replace(item, prepared=replace(item.prepared, slices=slices))


def _answer(chunk: Sequence[Taken], opinion: Opinion, model: Model) -> Iterator[ScanAnswer]:
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
