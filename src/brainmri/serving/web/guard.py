"""Around every request: who may ask, how much may come and how fast, and what a browser may do with it."""

import asyncio
import hmac
import json
import logging
import time
import traceback
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from brainmri.serving.web.problems import Refusal, refuse
from brainmri.serving.web.settings import ServeLimits

_MEGABYTE: Final = 1_000_000
# Of a request beside its files: the lines between them, and their names.
_ENVELOPE_BYTES: Final = 1_000_000
# What a browser that knows the header says of requests that another site's page makes.
_FOREIGN: Final = ("cross-site", "same-site")
_MORE_HEADERS: Final = {
    "token_needed": [(b"www-authenticate", b"Bearer")],
    "busy": [(b"retry-after", b"2")],
}
PREDICT: Final = "/api/v1/predict"
# Answered without a token, as the pages are: nothing of a scan is in it.
_OPEN: Final = ("/api/v1/about",)
HEADERS: Final = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}


# After a refusal what still comes is taken for so long.
_DRAIN_SECONDS: Final = 10.0
# What is counted where a client left before its answer (as nginx does).
_GONE: Final = 499
FAILED: Final = "an error of this program, not of the request; the server's log says where"
_LOG: Final = logging.getLogger("brainmri.serve")


@dataclass(frozen=True)
class Door:
    """Who may come in: with which token, if any, and asking for which host names (empty: any)."""

    token: str | None
    hosts: Sequence[str]


@dataclass(frozen=True)
class Hall:
    """Where requests for an answer wait (`place` raises `Refusal` where there is no room), and are counted.

    `count` is told each one's status and seconds.
    """

    place: Callable[[], AbstractContextManager[None]]
    count: Callable[[int, float], None]


class Guard:
    """An ASGI middleware, the outermost one."""

    def __init__(self, app: ASGIApp, door: Door, limits: ServeLimits, hall: Hall) -> None:
        """Guards `app`."""
        self._app, self._door, self._limits, self._hall = app, door, limits, hall

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body, answer = _Body(receive, self._limits), _Answer(send, self._limits)
        began = time.monotonic()
        try:
            await self._pass(scope, body, answer)
        finally:
            if scope["path"] == PREDICT:
                self._hall.count(answer.status or _GONE, time.monotonic() - began)

    async def _pass(self, scope: Scope, body: "_Body", answer: "_Answer") -> None:
        waits = scope["path"] == PREDICT and scope["method"] == "POST"
        try:
            self._check(scope)
            body.declare(_headers(scope).get("content-length"))
            # The place is kept until the answer is sent: a large one that nobody takes is memory too.
            with self._hall.place() if waits else nullcontext():
                await self._app(scope, body.receive, answer.send)
        except Refusal as refusal:
            await self._refuse(refusal, body, answer)
        except Exception as error:
            # The path is a stranger's word too.
            _LOG.error("%s: %s", scope["method"], _place(error))
            await self._refuse(refuse(500, "failed", FAILED), body, answer)

    async def _refuse(self, refusal: Refusal, body: "_Body", answer: "_Answer") -> None:
        if answer.status is None:
            await body.drain()
            await _write(answer.send, refusal)

    def _check(self, scope: Scope) -> None:
        headers = _headers(scope)
        if self._door.hosts and _host(headers) not in self._door.hosts:
            raise refuse(
                403, "not_allowed", f"expected a request to {self._door.hosts[0]}, came one to another host"
            )
        if scope["method"] == "POST" and _is_foreign(headers):
            raise refuse(403, "not_allowed", "expected a request of this page, came one of another site's")
        self._check_token(scope["path"], headers.get("authorization", ""))

    def _check_token(self, path: str, given: str) -> None:
        guarded = path.startswith(("/api/", "/metrics")) and path not in _OPEN
        if self._door.token is None or not guarded:
            return
        if not hmac.compare_digest(f"Bearer {self._door.token}".encode(), given.encode()):
            raise refuse(401, "token_needed", "expected `Authorization: Bearer` with this server's token")


class _Body:
    """What comes in, counted and timed."""

    def __init__(self, receive: Receive, limits: ServeLimits) -> None:
        self._receive, self._limits = receive, limits
        self._most = limits.max_upload_megabytes * _MEGABYTE + _ENVELOPE_BYTES
        self._ends = time.monotonic() + limits.receive_seconds
        self._bytes, self._whole = 0, False

    def declare(self, length: str | None) -> None:
        """Raises `Refusal` for a body that says at its start that it is too large."""
        if length is not None and length.isascii() and length.isdecimal() and int(length) > self._most:
            raise self._too_large()

    async def receive(self) -> Message:
        """Once the body is whole, what follows is waited for without end: it tells that nobody waits."""
        if self._whole:
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, self._ends - time.monotonic()))
        except TimeoutError:
            raise refuse(
                408, "too_slow", f"expected the files within {self._limits.receive_seconds:g} seconds"
            ) from None
        self._bytes += len(message.get("body", b""))
        self._whole = message["type"] != "http.request" or not message.get("more_body", False)
        if self._bytes > self._most:
            raise self._too_large()
        return message

    async def drain(self) -> None:
        """Takes the rest and drops it, for a while: a client that still sends gets to read its answer."""
        ends = min(self._ends, time.monotonic() + _DRAIN_SECONDS)
        while not self._whole and time.monotonic() < ends:
            try:
                message = await asyncio.wait_for(self._receive(), max(0.0, ends - time.monotonic()))
            except TimeoutError:
                return
            self._whole = message["type"] != "http.request" or not message.get("more_body", False)

    def _too_large(self) -> Refusal:
        return refuse(
            413,
            "too_large",
            f"expected files of at most {self._limits.max_upload_megabytes} megabytes together, came more; "
            "send fewer at once",
        )


class _Answer:
    """What goes out, with the headers of the house, to clients that take it."""

    def __init__(self, send: Send, limits: ServeLimits) -> None:
        self._send, self._seconds = send, limits.receive_seconds
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            kept = [pair for pair in message.get("headers", []) if pair[0].decode() not in HEADERS]
            own = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
            message = {**message, "headers": [*kept, *own]}
        await asyncio.wait_for(self._send(message), self._seconds)


def _headers(scope: Scope) -> Mapping[str, str]:
    found: MutableMapping[str, str] = {}
    for name, value in scope["headers"]:
        found[name.decode("latin-1").lower()] = value.decode("latin-1")
    return found


def _is_foreign(headers: Mapping[str, str]) -> bool:
    """Whether a browser sent it for another site's page, by either header that browsers have for it."""
    origin = headers.get("origin")
    elsewhere = origin is not None and urlsplit(origin).netloc != headers.get("host")
    return elsewhere or headers.get("sec-fetch-site") in _FOREIGN


def _host(headers: Mapping[str, str]) -> str | None:
    """The name or number that was asked for, without its port."""
    try:
        return urlsplit(f"//{headers.get('host', '')}").hostname
    except ValueError:
        return None


def _place(error: Exception) -> str:
    """Kind and line of an error. Its words may quote a scan, and stay here."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(last.filename).name}:{last.lineno}"


async def _write(send: Any, refusal: Refusal) -> None:
    content = json.dumps(refusal.problem.model_dump(), ensure_ascii=False).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        (b"connection", b"close"),
        *_MORE_HEADERS.get(refusal.problem.code, []),
    ]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
