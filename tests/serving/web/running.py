"""The server as its users start it, on a port of its own."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import httpx
import uvicorn

from brainmri.serving.judging import Predictor
from brainmri.serving.limits import LIMITS
from brainmri.serving.model import Model
from brainmri.serving.runtimes import Runtime
from brainmri.serving.web.api import make_app
from brainmri.serving.web.metering import Meters
from brainmri.serving.web.quality import Quality
from brainmri.serving.web.settings import SERVE_LIMITS, ServeLimits
from brainmri.tables import write_mapping
from tests.serving.conftest import LIMITS as READING
from tests.serving.conftest import SERVE

_START_SECONDS = 90


def write_limits(model: Path, limits: ServeLimits = SERVE) -> None:
    """A model folder that carries the limits of the server that it is served by."""
    write_mapping(model / LIMITS, READING.model_dump())
    write_mapping(model / SERVE_LIMITS, limits.model_dump())


@dataclass
class Server:
    """A process, where it listens, what it said, and the folder that its temporary files lie in."""

    process: "subprocess.Popen[str]"
    url: str
    log: Path
    temporary: Path

    @classmethod
    def start(cls, model: Path, folder: Path, environment: Mapping[str, str] | None = None) -> Self:
        """Starts and waits until it says where it listens; `folder` is its working directory."""
        temporary = folder / "temporary"
        temporary.mkdir()
        command = [sys.executable, "-m", "brainmri", "serve", "--port", "0", "--model", str(model)]
        with (folder / "said").open("w") as said:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, "TMPDIR": str(temporary), **(environment or {})},
                stdout=said,
                stderr=subprocess.STDOUT,
                text=True,
            )
        ends = time.monotonic() + _START_SECONDS
        while "serve: http" not in (line := (folder / "said").read_text()):
            if process.poll() is not None or time.monotonic() > ends:
                process.kill()
                raise AssertionError(f"the server said {line}")
            time.sleep(0.05)
        return cls(process, line.split("serve: ")[1].split()[0], folder / "said", temporary)

    @property
    def said(self) -> str:
        """All that it printed."""
        return self.log.read_text()

    def ask(self, *files: tuple[str, bytes], **query: object) -> httpx.Response:
        """What it answers to files of these names."""
        sent = [("files", (name, content)) for name, content in files]
        given = {name: str(value).lower() for name, value in query.items()}
        return httpx.post(f"{self.url}/api/v1/predict", files=sent, params=given, timeout=120)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    def workers(self) -> list[int]:
        """The processes that decode: children of the small one that they are forked from."""
        return [pid for child in _children(self.process.pid) for pid in _children(child)]

    def megabytes(self) -> float:
        """Memory of the server and all its processes, in RAM."""
        family = [self.process.pid, *_children(self.process.pid), *self.workers()]
        return sum(_resident_bytes(pid) for pid in family) / 1e6

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Ends it by a signal, Ctrl-C's if none is named; its exit code."""
        self.process.send_signal(number)
        try:
            return self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task")
    try:
        return [int(child) for task in found.iterdir() for child in (task / "children").read_text().split()]
    except OSError:
        return []


def _resident_bytes(pid: int) -> int:
    """Its own memory: what it shares with those it was forked from counts once, by its share (PSS)."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    (line,) = (line for line in text.splitlines() if line.startswith("Pss:"))
    return 1024 * int(line.split()[1])


@contextmanager
def show(model: Model) -> Iterator[str]:
    """Where the page and what it says of `model` are; nothing is answered there."""
    desk: Any = SimpleNamespace(
        predictor=Predictor(model, Runtime.TORCH), heat=None, outline=None, limits=SERVE, waiting=0
    )
    app = make_app(desk, Quality("", known=False), Meters(desk), token_needed=False)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
