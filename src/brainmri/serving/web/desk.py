"""Where requests become answers: a bounded number wait, few are worked on, each for a limited time."""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from starlette.concurrency import run_in_threadpool

from brainmri.dataset.prepared import RejectedRow
from brainmri.dataset.scan_preparation import prepare_scan
from brainmri.isolation import Failure, Limits, Workers, staying_context
from brainmri.scans.dicom_header import read_identity
from brainmri.scans.settings import ReadingLimits
from brainmri.serving.answers import Answers
from brainmri.serving.backends import (
    Backend,
    Heat,
    HeatMap,
    Outline,
    choose_backend,
    open_heat,
    open_outliner,
)
from brainmri.serving.intake import Prepare, Taken, take_scans
from brainmri.serving.model import Model, Network, Opinion
from brainmri.serving.predict import Predictor, answer_scans
from brainmri.serving.web.problems import Problem, Refusal, refuse
from brainmri.serving.web.settings import ServeLimits
from brainmri.serving.web.unpacking import Room, is_zip, unpack
from brainmri.serving.web.uploads import Upload
from brainmri.serving.web.views import ScanView, Viewer, view_scan

_OPTION: Final = "serve"
# More workers than cores help nobody; there are never more.
_MANY: Final = 64
_MEGABYTE: Final = 1_000_000


@dataclass(frozen=True)
class Work:
    """What a request is answered with: the answers, and views where they were asked for."""

    answers: Answers
    views: Sequence[ScanView]


class _OneAtATime(Network):
    """A network that several threads ask; each run uses all cores."""

    def __init__(self, network: Network, lock: threading.Lock) -> None:
        self._network, self._lock = network, lock

    def judge(self, images: NDArray[np.uint8]) -> Opinion:
        with self._lock:
            return self._network.judge(images)


class Desk:
    """A loaded model, the processes that decode for it, and the queue before both."""

    def __init__(
        self, model: Model, wanted: Backend | None, reading: ReadingLimits, limits: ServeLimits
    ) -> None:
        """Loads all that the model folder has. Raises `BadInput` for one that can't be used."""
        self.limits, self.reading = limits, reading
        self._lock = threading.Lock()
        self.predictor = Predictor(model, choose_backend(model, wanted))
        self.predictor.network = _OneAtATime(self.predictor.network, self._lock)
        torch = self.predictor.backend is Backend.TORCH
        self.heat: Heat | None = open_heat(model, _OPTION) if torch else None
        self.outline: Outline | None = open_outliner(model, _OPTION) if torch else None
        self._rule = model.rule(reading)
        self._waiting = 0
        seconds = min(reading.max_seconds, limits.answer_seconds)
        functions: list[Callable[..., object]] = [prepare_scan, view_scan, read_identity, unpack]
        self._workers = Workers(
            Limits(reading.max_memory_megabytes, seconds), functions, staying_context(), _MANY
        )

    def close(self) -> None:
        """Ends the processes."""
        self._workers.__exit__(None)

    @property
    def waiting(self) -> int:
        """Requests that were let in and are not answered yet."""
        return self._waiting

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place in the queue. Raises `Refusal` where there is none."""
        if self._waiting >= self.limits.waiting:
            raise refuse(503, "busy", f"{self._waiting} requests are waiting already; try again in a moment")
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """A folder for the files of a request, gone with its answer."""
        with tempfile.TemporaryDirectory(prefix="brainmri-") as folder:
            yield Path(folder)

    async def answer(self, folder: Path, uploads: Sequence[Upload], *, views: bool) -> Work:
        """Answers for what lies in `folder`. Raises `Refusal` where nothing is readable, or in time."""
        return await run_in_threadpool(self._work, folder, uploads, views=views)

    def _work(self, folder: Path, uploads: Sequence[Upload], *, views: bool) -> Work:
        ends = time.monotonic() + self.limits.answer_seconds
        files, rejected = self._unpack(folder, uploads)
        viewer = Viewer(
            None if self.heat is None else self._heat_alone,
            None if self.outline is None else self._outline_alone,
            self.predictor.model.point.threshold,
            self.limits.max_viewed_slices,
        )
        taken = self._take(files, view_scan if views else prepare_scan)
        answers = answer_scans(
            _in_time(taken, ends, self.limits), self.predictor, [viewer.watch] if views else []
        )
        answers = answers.model_copy(update={"rejected": (*rejected, *answers.rejected)})
        if not answers.scans:
            raise Refusal(422, _say_none(answers.rejected))
        return Work(answers, viewer.views)

    def _heat_alone(self, images: NDArray[np.uint8]) -> Iterator[HeatMap]:
        if self.heat is not None:
            with self._lock:
                yield from list(self.heat(images))

    def _outline_alone(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        with self._lock:
            return images[:0] if self.outline is None else self.outline(images)

    def _unpack(self, folder: Path, uploads: Sequence[Upload]) -> tuple[list[Upload], list[RejectedRow]]:
        """Zip files are replaced by what is in them; all of a request share its limits."""
        files: list[Upload] = []
        rejected: list[RejectedRow] = []
        limits, left = self.limits, self.limits.max_unpacked_megabytes * _MEGABYTE
        for number, upload in enumerate(uploads, 1):
            if not is_zip(upload.path):
                files.append(upload)
                continue
            room = Room(folder, number * 1_000_000, limits.max_files, left)
            (outcome,) = self._workers.isolate(partial(unpack, room), [upload], _OPTION)
            upload.path.unlink()
            if isinstance(outcome, Failure):
                rejected.append(RejectedRow(scan=upload.shown, reason=outcome.reason))
                continue
            files += outcome
            left -= sum(each.path.stat().st_size for each in outcome)
        if len(files) > limits.max_files:
            raise refuse(413, "too_large", f"expected at most {limits.max_files} files, came {len(files)}")
        return files, rejected

    def _take(self, files: Sequence[Upload], prepare: Prepare) -> Iterator[Taken | RejectedRow]:
        names = {upload.path.name: upload.shown for upload in files}
        paths = [upload.path for upload in files]
        return take_scans(paths, self._rule, self._workers.isolate, prepare, lambda path: names[path.name])


def _in_time(
    taken: Iterator[Taken | RejectedRow], ends: float, limits: ServeLimits
) -> Iterator[Taken | RejectedRow]:
    """Raises `Refusal` once the time of a request is over; what is under way ends by its own limit."""
    for item in taken:
        if time.monotonic() > ends:
            raise refuse(
                503,
                "too_slow",
                f"expected scans answered within {limits.answer_seconds:g} seconds; send fewer at once",
            )
        yield item


def _say_none(rejected: Sequence[RejectedRow]) -> Problem:
    return Problem(
        code="nothing_readable",
        message=f"none of {len(rejected)} scans can be read; the first: {rejected[0].reason}",
        rejected=tuple(rejected),
    )
