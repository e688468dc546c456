"""The bridge between granian and Flask.

Granian's WSGI interface hands over only the decoded path, and a signature is over the target as it was sent.
Its ASGI interface has the raw target, so requests arrive here, are read up to a limit, and are answered by the
Flask application in a pool of threads. What one process takes on is bounded (`hub.room`); beyond that the hub sheds
load at once, from the event loop, instead of letting every caller wait. That is also where it tells how it is.
"""

from __future__ import annotations

import asyncio
import io
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, MutableMapping, Sequence
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
from hub.room import FairPool, Room
from hub.services.rate_limits import RateLimits

OPEN_THREADS = 2
"""For refusals, and for what nobody signs: the hub's keys, its figures."""
HEALTH = frozenset({"/livez", "/readyz"})
"""Answered on the event loop, since nothing in them waits, so that they do not queue with what keeps the hub busy."""
_FRAMING = frozenset({b"content-length", b"transfer-encoding"})

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
        beat: Callable[[], Coroutine[Any, Any, None]],
    ) -> None:
        self._app, self._express = app, express
        self._max_body_bytes, self._body_timeout_s = max_body_bytes, body_timeout_s
        self._rate_limits, self._trusted_proxies = rate_limits, trusted_proxies
        self._pool: FairPool[Answer] = FairPool(threads, "hansa")
        self._open = ThreadPoolExecutor(OPEN_THREADS, thread_name_prefix="hansa-open")
        self._room = Room(threads)
        self._beat = beat

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; other kinds of connection (web sockets) are not taken."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        if scope["type"] != "http":
            return
        started = time.perf_counter()
        environ, entry = _environ(scope), Entry(logs.new_request_id())
        environ[ENTRY] = entry
        whose = self._express.claimed_partner(environ)
        body = await self._let_in(environ, scope, receive, whose)
        status, headers, answer = await self._answer(environ, body, whose)
        headers.append((b"request-id", entry.request_id.encode()))
        seconds = time.perf_counter() - started
        logs.write(logs.request_line(entry, scope["method"], status, seconds, datetime.now(UTC)))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _live(self, receive: Receive, send: Send) -> None:
        """Note that this event loop turns, from the server's start to its end (ASGI's lifespan protocol)."""
        await receive()
        beating = asyncio.create_task(self._beat())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        beating.cancel()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, environ: dict[str, Any], body: bytes, whose: str) -> Answer:
        if REFUSED in environ:
            return self._express.shed(environ) or await self._by_open(environ, b"")
        with self._room.taken(whose, len(body)):
            return await self._express.answer(environ, body, whose) or await self._usual(environ, body, whose)

    async def _let_in(self, environ: dict[str, Any], scope: Scope, receive: Receive, whose: str) -> bytes:
        """Return the body of a request, or leave in its environment why it is refused without a look at it."""
        try:
            await self._count(environ)
            _check_form(scope)
            body = b""
            if _has_body(scope):
                async with asyncio.timeout(self._body_timeout_s):
                    body = await _read(receive, self._max_body_bytes)
            if environ[RAW_PATH] not in HEALTH:
                self._room.check(whose, len(body))
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

    async def _usual(self, environ: dict[str, Any], body: bytes, whose: str) -> Answer:
        if environ[RAW_PATH] in HEALTH:
            return _call(self._app, environ, body)
        if "HTTP_SIGNATURE_INPUT" not in environ:
            return await self._by_open(environ, body)
        return await self._pool.run(whose, lambda: _call(self._app, environ, body))

    async def _by_open(self, environ: dict[str, Any], body: bytes) -> Answer:
        """Answer what must not wait behind all that keeps the hub busy."""
        return await asyncio.get_running_loop().run_in_executor(self._open, _call, self._app, environ, body)


def _check_form(scope: Scope) -> None:
    target = scope["raw_path"], scope["query_string"]
    fault = request_form.fault(scope["http_version"], scope["method"], *target, scope["headers"])
    if fault is not None:
        raise Refused(*fault)


def _has_body(scope: Scope) -> bool:
    """Tell whether a body follows; without either field there is none (RFC 9112 section 6.3)."""
    return any(name in _FRAMING for name, _ in scope["headers"])


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


def _call(app: Flask, environ: dict[str, Any], content: bytes) -> Answer:
    """Run a WSGI application to its end and return status, headers and body."""
    environ["CONTENT_LENGTH"] = str(len(content))
    environ["wsgi.input"] = io.BytesIO(content)
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
