"""Around every request: who may ask, how much may come and how fast, and what a browser may do with it."""

import asyncio
import hmac
import json
import logging
import time
import traceback
from collections.abc import Mapping, MutableMapping, Sequence
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
# Answered without a token, as the pages are: nothing of a scan is in it, nor of the model then.
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


_FAILED: Final = "an error of this program, not of the request; the server's log says where"
_LOG: Final = logging.getLogger("brainmri.serve")


@dataclass(frozen=True)
class Door:
    """Who may come in: with which token, if any, and asking for which host names (empty: any)."""

    token: str | None
    hosts: Sequence[str]


class Guard:
    """An ASGI middleware, the outermost one."""

    def __init__(self, app: ASGIApp, door: Door, limits: ServeLimits) -> None:
        """Guards `app`."""
        self._app, self._door, self._limits = app, door, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(receive, self._limits)
        answer = _Answer(send)
        try:
            self._check(scope)
            body.declare(_headers(scope).get("content-length"))
            await self._app(scope, body.receive, answer.send)
        except Refusal as refusal:
            await self._refuse(refusal, body, answer)
        except Exception as error:
            _LOG.error("%s %s: %s", scope["method"], scope["path"][:40], _place(error))
            await self._refuse(refuse(500, "failed", _FAILED), body, answer)

    async def _refuse(self, refusal: Refusal, body: "_Body", answer: "_Answer") -> None:
        if not answer.begun:
            await body.drain()
            await _write(answer.send, refusal)

    def _check(self, scope: Scope) -> None:
        headers = _headers(scope)
        if self._door.hosts and _host(headers) not in self._door.hosts:
            raise refuse(
                403, "not_allowed", f"expected a request to {self._door.hosts[0]}, came one to another host"
            )
        if scope["method"] == "POST" and headers.get("sec-fetch-site") in _FOREIGN:
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
        """Takes the rest and drops it, so that a client that still sends gets to read its answer."""
        while not self._whole and time.monotonic() < self._ends:
            try:
                message = await asyncio.wait_for(self._receive(), max(0.0, self._ends - time.monotonic()))
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
    """What goes out, with the headers of the house."""

    def __init__(self, send: Send) -> None:
        self._send, self.begun = send, False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            kept = [pair for pair in message.get("headers", []) if pair[0].decode() not in HEADERS]
            own = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
            message = {**message, "headers": [*kept, *own]}
        await self._send(message)


def _headers(scope: Scope) -> Mapping[str, str]:
    found: MutableMapping[str, str] = {}
    for name, value in scope["headers"]:
        found[name.decode("latin-1").lower()] = value.decode("latin-1")
    return found


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
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    if refusal.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
