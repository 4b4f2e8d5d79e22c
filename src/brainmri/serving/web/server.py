"""The server as a process: a socket, the application behind its guard, and its end."""

import ipaddress
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import uvicorn

from brainmri.errors import BadInput
from brainmri.serving.web.api import make_app
from brainmri.serving.web.desk import Desk
from brainmri.serving.web.guard import Door, Guard
from brainmri.serving.web.quality import Quality

_LOOPBACK_NAMES: Final = ("127.0.0.1", "localhost", "::1")
# Connections beyond the waiting requests: those that only look, and those that are told to wait.
_SPARE_CONNECTIONS: Final = 100
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
    hosts = _LOOPBACK_NAMES if address.is_loopback else ()
    app = Guard(make_app(desk, quality, token_needed=token is not None), Door(token, hosts), desk.limits)
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    # It quotes what it stumbles over.
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    config = uvicorn.Config(
        app,
        access_log=False,
        log_config=None,
        server_header=False,
        lifespan="off",
        proxy_headers=False,
        limit_concurrency=desk.limits.waiting + _SPARE_CONNECTIONS,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=_LEAVE_SECONDS,
    )
    with _listen(address) as listening:
        host = f"[{address.host}]" if ":" in address.host else address.host
        say(f"http://{host}:{listening.getsockname()[1]}")
        try:
            uvicorn.Server(config).run(sockets=[listening])
        finally:
            desk.close()


def _listen(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadInput(
            f"--host {address.host} --port {address.port}: can't listen there ({reason}); name another port"
        ) from None
