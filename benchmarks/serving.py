"""The server under load: many clients for minutes, their times, and its memory.

    python -m benchmarks.serving [--clients 30] [--minutes 5] [--model models]

The default model on pictures of this checkout's phantom, over loopback. A client that is told to wait waits
as long as the answer says. Memory is that of the server and its processes (PSS), a reading a second.
"""

import argparse
import asyncio
import os
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import numpy as np

from benchmarks.measurement import describe_machine, write_results
from tests.serving.web.running import Server

ROOT = Path(__file__).parents[1]
_BUSY, _ANSWERED = 503, 200


@dataclass
class Log:
    """What clients saw, and what the server took."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    megabytes: list[tuple[float, float]] = field(default_factory=list)


async def ask(url: str, pictures: list[Path], ends: float, log: Log) -> None:
    """A client: one picture after the other."""
    async with httpx.AsyncClient(timeout=120) as client:
        number = id(log) % len(pictures)
        while time.monotonic() < ends:
            number = (number + 1) % len(pictures)
            began = time.monotonic()
            files = {"files": (pictures[number].name, pictures[number].read_bytes())}
            response = await client.post(f"{url}/api/v1/predict", files=files)
            log.statuses[response.status_code] += 1
            if response.status_code == _ANSWERED:
                log.seconds.append(time.monotonic() - began)
            if response.status_code == _BUSY:
                await asyncio.sleep(float(response.headers["retry-after"]))


async def weigh(server: Server, began: float, ends: float, log: Log) -> None:
    """Reads the server's memory."""
    while time.monotonic() < ends:
        log.megabytes.append((time.monotonic() - began, server.megabytes()))
        await asyncio.sleep(1)


async def load(server: Server, pictures: list[Path], clients: int, minutes: float) -> Log:
    """All clients at once."""
    log, began = Log(), time.monotonic()
    ends = began + 60 * minutes
    work = [ask(server.url, pictures, ends, log) for _ in range(clients)]
    await asyncio.gather(weigh(server, began, ends, log), *work)
    return log


def report(log: Log, minutes: float) -> dict[str, Any]:
    """Counts, seconds of answered requests, and the median memory of each minute."""
    share = {
        f"minute {minute + 1}": round(
            median(found for at, found in log.megabytes if minute <= at / 60 < minute + 1)
        )
        for minute in range(max(1, int(minutes)))
    }
    quantiles = np.quantile(log.seconds, [0.5, 0.95, 0.99])
    return {
        "statuses": {str(status): count for status, count in sorted(log.statuses.items())},
        "answers_per_second": round(len(log.seconds) / (60 * minutes), 2),
        "seconds": {
            name: round(float(q), 3) for name, q in zip(("p50", "p95", "p99"), quantiles, strict=True)
        },
        "megabytes": share,
    }


def main() -> None:
    """Measures, prints, writes benchmarks/results/serving.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--clients", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--model", type=Path, default=Path("models"))
    arguments = parser.parse_args()
    pictures = sorted(Path("data/phantom/images").iterdir())
    with TemporaryDirectory() as folder:
        (Path(folder) / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
        began = time.monotonic()
        server = Server.start(arguments.model.absolute(), Path(folder), dict(os.environ))
        started = round(time.monotonic() - began, 2)
        try:
            log = asyncio.run(load(server, pictures, arguments.clients, arguments.minutes))
        finally:
            server.stop()
    found = {"clients": arguments.clients, "start_seconds": started, **report(log, arguments.minutes)}
    print(found)
    write_results("serving", {"machine": describe_machine(("torch", "fastapi", "uvicorn")), "results": found})


if __name__ == "__main__":
    main()
