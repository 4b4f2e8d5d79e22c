"""Where requests become answers: a bounded number wait, few are worked on, each for a limited time."""

import asyncio
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import anyio
import numpy as np
from numpy.typing import NDArray
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from brainmri.confinement import Failure, Limits
from brainmri.dataset.prepared import RejectedRow
from brainmri.dataset.scan_preparation import prepare_scan
from brainmri.deadline import Deadline, TooLate
from brainmri.scans.dicom_header import read_identity
from brainmri.scans.settings import ReadingLimits
from brainmri.serving.answers import Answers
from brainmri.serving.intake import take_scans
from brainmri.serving.judging import Predictor
from brainmri.serving.model import Model, Network, Opinion
from brainmri.serving.predict import answer_scans
from brainmri.serving.runtimes import (
    Heat,
    HeatMap,
    Outline,
    Runtime,
    choose_runtime,
    open_heat,
    open_outliner,
)
from brainmri.serving.web.problems import Problem, Refusal, refuse
from brainmri.serving.web.settings import ServeLimits
from brainmri.serving.web.unpacking import Room, is_zip, unpack
from brainmri.serving.web.uploads import Upload
from brainmri.serving.web.views import ScanView, Viewer, view_scan
from brainmri.workers import Isolate, Workers, staying_context

_OPTION: Final = "serve"
_MEGABYTE: Final = 1_000_000
# What a file has left in a process that decodes ends with it.
_TASKS_A_LIFE: Final = 200


@dataclass(frozen=True)
class Work:
    """What a request is answered with: the answers, and views where they were asked for."""

    answers: Answers
    views: Sequence[ScanView]


class _InTurn(Network):
    """A network, its maps and its outlines, one request at a time: each run uses all cores."""

    def __init__(self, desk: "Desk", deadline: Deadline) -> None:
        self._desk, self._deadline = desk, deadline

    def judge(self, images: NDArray[np.uint8]) -> Opinion:
        with self._turn():
            return self._desk.network.judge(images)

    def heat(self, images: NDArray[np.uint8]) -> Iterator[HeatMap]:
        with self._turn():
            found = [] if self._desk.heat is None else list(self._desk.heat(images))
        return iter(found)

    def outline(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        with self._turn():
            return images[:0] if self._desk.outline is None else self._desk.outline(images)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        self._deadline.check()
        if not self._desk.lock.acquire(timeout=self._deadline.left):
            raise TooLate
        try:
            yield
        finally:
            self._desk.lock.release()


class Desk:
    """A loaded model, the processes that decode for it, and the queue before both."""

    def __init__(
        self, model: Model, wanted: Runtime | None, reading: ReadingLimits, limits: ServeLimits
    ) -> None:
        """Loads all that the model folder has. Raises `BadInput` for one that can't be used."""
        self.limits, self.lock = limits, threading.Lock()
        self.predictor = Predictor(model, choose_runtime(model, wanted))
        self.network = self.predictor.network
        torch = self.predictor.runtime is Runtime.TORCH
        self.heat: Heat | None = open_heat(model, _OPTION) if torch else None
        self.outline: Outline | None = open_outliner(model, _OPTION) if torch else None
        self._rule = model.rule(reading)
        self._waiting = 0
        self._root = Path(tempfile.mkdtemp(prefix="brainmri-"))
        functions: list[Callable[..., object]] = [prepare_scan, view_scan, read_identity, unpack]
        self._workers = Workers(
            Limits(reading.max_memory_megabytes, reading.max_seconds),
            functions,
            staying_context(),
            life=_TASKS_A_LIFE,
        )
        self._workers.start()

    def stop(self) -> None:
        """Ends what is under way, and the processes; no file of a request stays."""
        self._workers.stop()
        shutil.rmtree(self._root, ignore_errors=True)

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

    @asynccontextmanager
    async def folder(self) -> AsyncIterator[Path]:
        """A folder for the files of a request, gone with its answer."""
        folder = Path(tempfile.mkdtemp(dir=self._root))
        try:
            yield folder
        finally:
            with anyio.CancelScope(shield=True):
                await run_in_threadpool(shutil.rmtree, folder, ignore_errors=True)

    async def answer(self, request: Request, folder: Path, uploads: Sequence[Upload], *, views: bool) -> Work:
        """Answers for what lies in `folder`. Raises `Refusal` where nothing is readable, or not in time."""
        deadline = Deadline.after(self.limits.answer_seconds)
        watcher = asyncio.create_task(_end_when_gone(request, deadline))
        try:
            return await run_in_threadpool(self._work, folder, uploads, deadline, views=views)
        except TooLate:
            raise refuse(
                503,
                "too_slow",
                f"expected scans answered within {self.limits.answer_seconds:g} seconds; send fewer at once",
            ) from None
        finally:
            watcher.cancel()

    def _work(self, folder: Path, uploads: Sequence[Upload], deadline: Deadline, *, views: bool) -> Work:
        isolate, turn = self._workers.until(deadline), _InTurn(self, deadline)
        files, rejected = self._unpack(folder, uploads, isolate)
        predictor = Predictor(self.predictor.model, self.predictor.runtime)
        predictor.network = turn
        viewer = Viewer(
            None if self.heat is None else turn.heat,
            None if self.outline is None else turn.outline,
            predictor.model.point.threshold,
            self.limits.max_viewed_slices,
        )
        taken = take_scans(
            [upload.path for upload in files],
            self._rule,
            isolate,
            view_scan if views else prepare_scan,
            {upload.path: upload.shown for upload in files}.__getitem__,
        )
        answers = answer_scans(taken, predictor, [viewer.watch] if views else [])
        answers = answers.model_copy(update={"rejected": (*rejected, *answers.rejected)})
        if not answers.scans:
            raise Refusal(422, _say_none(answers.rejected))
        return Work(answers, viewer.views)

    def _unpack(
        self, folder: Path, uploads: Sequence[Upload], isolate: Isolate
    ) -> tuple[list[Upload], list[RejectedRow]]:
        """Zip files are replaced by what is in them; all of a request share its limits."""
        files = [upload for upload in uploads if not is_zip(upload.path)]
        rejected: list[RejectedRow] = []
        left = self.limits.max_unpacked_megabytes * _MEGABYTE
        for number, upload in enumerate(upload for upload in uploads if is_zip(upload.path)):
            below = folder / f"zip{number:06d}"
            below.mkdir()
            room = Room(below, self.limits.max_files - len(files), left)
            (outcome,) = isolate(partial(unpack, room), [upload], _OPTION)
            # Of a bomb too: many of them write no more than one.
            left -= _measure(below)
            upload.path.unlink()
            if isinstance(outcome, Failure):
                shutil.rmtree(below)
                rejected.append(RejectedRow(scan=upload.shown, reason=outcome.reason))
            else:
                files += outcome
        return files, rejected


async def _end_when_gone(request: Request, deadline: Deadline) -> None:
    """Nobody works for a client that has left."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    deadline.end()


def _measure(folder: Path) -> int:
    """Bytes of the files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _say_none(rejected: Sequence[RejectedRow]) -> Problem:
    return Problem(
        code="nothing_readable",
        message=f"none of {len(rejected)} scans can be read; the first: {rejected[0].reason}",
        rejected=tuple(rejected),
    )
