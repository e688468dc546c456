"""The bridge between granian and Flask.

Granian's WSGI interface hands over only the decoded path, and a signature is over the target as it was sent.
Its ASGI interface has the raw target, so requests arrive here, are read up to a limit, and are answered by the
Flask application in a bounded pool of threads. When all threads are busy and the queue is full the hub sheds
load at once instead of letting every caller wait.
"""

from __future__ import annotations

import asyncio
import io
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from flask import Flask

from hub import logs
from hub.api.express import Answer, Express
from hub.api.incoming import ENTRY, RAW_PATH, REFUSED, Entry
from hub.core import client_address, request_form
from hub.core.errors import Refused
from hub.core.webhook_targets import Network
from hub.services.rate_limits import RateLimits

QUEUED_A_THREAD = 32
"""Requests that may wait for each thread before others are refused with ``unavailable``."""
REFUSING_THREADS = 2

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Bridge:
    """An ASGI application that answers by the express lane where it can, and with a Flask application elsewhere."""

    def __init__(
        self,
        app: Flask,
        express: Express,
        rate_limits: RateLimits,
        threads: int,
        max_body_bytes: int,
        body_timeout_s: int,
        trusted_proxies: Sequence[Network],
    ) -> None:
        self._app, self._express = app, express
        self._max_body_bytes, self._body_timeout_s = max_body_bytes, body_timeout_s
        self._rate_limits, self._trusted_proxies = rate_limits, trusted_proxies
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="hansa")
        self._refusals = ThreadPoolExecutor(REFUSING_THREADS, thread_name_prefix="hansa-refusals")
        self._free = threads * (1 + QUEUED_A_THREAD)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; other kinds of connection (web sockets) are not taken."""
        if scope["type"] != "http":
            return
        started = time.perf_counter()
        environ, entry = _environ(scope), Entry(logs.new_request_id())
        environ[ENTRY] = entry
        body = await self._let_in(environ, scope, receive)
        self._free -= 1
        try:
            status, headers, answer = await self._express.answer(environ, body) or await self._usual(environ, body)
        finally:
            self._free += 1
        headers.append((b"request-id", entry.request_id.encode()))
        seconds = time.perf_counter() - started
        logs.write(logs.request_line(entry, scope["method"], status, seconds, datetime.now(UTC)))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _let_in(self, environ: dict[str, Any], scope: Scope, receive: Receive) -> bytes:
        """Return the body of a request, or leave in its environment why it is refused without a look at it."""
        try:
            await self._count(environ)
            _check_form(scope)
            async with asyncio.timeout(self._body_timeout_s):
                body = await _read(receive, self._max_body_bytes)
            if self._free <= 0:
                raise Refused("unavailable", "The hub is busy; try again later.")
        except TimeoutError:
            environ[REFUSED] = Refused("body_too_slow", f"The body was not there after {self._body_timeout_s} seconds.")
        except Refused as refused:
            environ[REFUSED] = refused
        else:
            return body
        return b""

    async def _count(self, environ: dict[str, Any]) -> None:
        """Count a request of its address."""
        forwarded = environ.get("HTTP_X_FORWARDED_FOR", "")
        address = client_address.of(environ["REMOTE_ADDR"], forwarded, self._trusted_proxies)
        await self._rate_limits.wait(self._rate_limits.limits.address, address)

    async def _usual(self, environ: dict[str, Any], body: bytes) -> Answer:
        environ["CONTENT_LENGTH"] = str(len(body))
        environ["wsgi.input"] = io.BytesIO(body)
        # What was not let in has its refusal already, and must not wait behind all that keeps the hub busy.
        pool = self._refusals if REFUSED in environ else self._pool
        return await asyncio.get_running_loop().run_in_executor(pool, _call, self._app, environ)


def _check_form(scope: Scope) -> None:
    target = scope["raw_path"], scope["query_string"]
    fault = request_form.fault(scope["http_version"], scope["method"], *target, scope["headers"])
    if fault is not None:
        raise Refused(*fault)


async def _read(receive: Receive, most: int) -> bytes:
    """Read a body of at most ``most`` bytes.

    Raises:
        Refused: ``body_too_large``; ``malformed_request`` for one that is not whole.
    """
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused("malformed_request", "The request ended before its body did, or its body cannot be read.")
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            raise Refused(
                "body_too_large", "The body is larger than this hub takes; see docs/protocol.md for the limits."
            )
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


def _environ(scope: Scope) -> dict[str, Any]:
    """Return the WSGI environment (PEP 3333) of a request, with its raw path beside the decoded one."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        RAW_PATH: scope["raw_path"].decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": str(scope["server"][0]),
        "SERVER_PORT": str(scope["server"][1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": str(scope["client"][0]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        # The body is read already, however it was framed; otherwise a chunked one would be taken for none.
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        if b"_" in name:
            # WSGI cannot tell `content_digest` from `content-digest`; only the latter is a field of ours.
            continue
        key = name.decode("latin-1").upper().replace("-", "_")
        key = key if key == "CONTENT_TYPE" else "HTTP_" + key
        text = value.decode("latin-1")
        environ[key] = f"{environ[key]}, {text}" if key in environ else text
    return environ


def _call(app: Flask, environ: dict[str, Any]) -> Answer:
    """Run a WSGI application to its end and return status, headers and body."""
    begun: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        begun.append((status, headers))
        return None

    answer: Iterable[bytes] = app(environ, start_response)
    body = b"".join(answer)
    close = getattr(answer, "close", None)
    if close is not None:
        close()
    status, headers = begun[-1]
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    return int(status[:3]), encoded, body
