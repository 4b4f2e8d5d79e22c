"""The server as its users start it, on a port of its own."""

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx

from brainmri.serving.limits import LIMITS
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
    said: list[str]
    temporary: Path

    @classmethod
    def start(cls, model: Path, folder: Path, environment: Mapping[str, str] | None = None) -> Self:
        """Starts and waits until it says where it listens; `folder` is its working directory."""
        temporary = folder / "temporary"
        temporary.mkdir()
        command = [sys.executable, "-m", "brainmri", "serve", "--port", "0", "--model", str(model)]
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "TMPDIR": str(temporary), **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        said: list[str] = []
        lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=_listen, args=(process, said, lines), daemon=True).start()
        line = lines.get(timeout=_START_SECONDS)
        if not line.startswith("serve: http"):
            raise AssertionError(f"the server said {said}")
        return cls(process, line.split()[1], said, temporary)

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

    def stop(self) -> None:
        """Ends it as Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


def _listen(process: "subprocess.Popen[str]", said: list[str], lines: "queue.Queue[str]") -> None:
    for line in process.stdout or ():
        said.append(line)
        lines.put(line)
    lines.put("ended")


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
