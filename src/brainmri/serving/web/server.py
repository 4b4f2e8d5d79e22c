"""The server as a process: a socket, the application behind its guard, and its end."""

import asyncio
import ipaddress
import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from brainmri.errors import BadInput
from brainmri.serving.web.api import make_app
from brainmri.serving.web.desk import Desk
from brainmri.serving.web.guard import Door, Guard, Hall
from brainmri.serving.web.metering import Meters
from brainmri.serving.web.quality import Quality

_LOOPBACK_NAMES: Final = ("127.0.0.1", "localhost", "::1")
# The last resort: each takes a file descriptor. Requests that wait are bounded by far fewer.
_MOST_CONNECTIONS: Final = 800
# A connection that has asked for nothing by then is closed.
_SILENT_SECONDS: Final = 10
_IDLE_SECONDS: Final = 5
_LEAVE_SECONDS: Final = 10


@dataclass(frozen=True)
class Address:
    """Where to listen; port 0 is one that is free."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def serve(
    desk: Desk, quality: Quality, address: Address, token: str | None, say: Callable[[str], None]
) -> None:
    """Serves until it is interrupted; `say` is told the address. Raises `BadInput` where it can't listen."""
    hosts = (address.host, *_LOOPBACK_NAMES) if address.is_loopback else ()
    meters = Meters(desk)
    app = make_app(desk, quality, meters, token_needed=token is not None)
    guard = Guard(app, Door(token, hosts), desk.limits, Hall(desk.place, meters.count))
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    # It quotes what it stumbles over.
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    config = uvicorn.Config(
        guard,
        http=_Protocol,
        access_log=False,
        log_config=None,
        server_header=False,
        lifespan="off",
        proxy_headers=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=_LEAVE_SECONDS,
    )
    with _listen(address) as listening:
        host = f"[{address.host}]" if ":" in address.host else address.host
        say(f"http://{host}:{listening.getsockname()[1]}")
        _Server(config, desk.stop).run(sockets=[listening])


class _Protocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """HTTP, for clients that say what they want before long."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        asyncio.get_running_loop().call_later(_SILENT_SECONDS, self._close_if_silent, transport)

    def _close_if_silent(self, transport: asyncio.Transport) -> None:
        if self.cycle is None:
            transport.close()


class _Server(uvicorn.Server):
    """Ends by SIGINT and SIGTERM alike: what is under way is ended, nothing of it stays."""

    def __init__(self, config: uvicorn.Config, stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._stop = stop

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self._end) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            self._stop()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _end(self, *_: object) -> None:
        if not self.should_exit:
            self.should_exit = True
            threading.Thread(target=self._stop).start()


def _listen(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadInput(
            f"--host {address.host} --port {address.port}: can't listen there ({reason}); name another port"
        ) from None
