"""Logs: one JSON object a line, of requests and of everything else, with nothing in them that is personal.

A line says what happened and never quotes what a stranger sent: no path, no body, no header field, no text of an
unforeseen exception, which may quote them all.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import sys
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from traceback import walk_tb
from types import TracebackType
from typing import Any

from hub.api.incoming import Entry

REQUEST_ID_BYTES = 8
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
_encode = json.JSONEncoder(separators=(",", ":")).encode


class JsonFormatter(logging.Formatter):
    """Writes a record as a line of JSON; an exception as its types and places."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record, without its end."""
        line: dict[str, Any] = {
            "time": _time(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = _told(record.exc_info[1])
        return _encode(line)


def configure() -> None:
    """Write the log of this process to standard error, a JSON object a line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


SERVER_CONFIG: dict[str, Any] = {
    "formatters": {"json": {"()": "hub.logs.JsonFormatter"}},
    "handlers": {"json": {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}},
    "loggers": {"_granian": {"handlers": ["json"], "propagate": False}},
}
"""The same for the server below, in the form of `logging.config.dictConfig`."""


def new_request_id() -> str:
    """Return a name for a request, made up here: what a caller sends as one is not used."""
    return secrets.token_hex(REQUEST_ID_BYTES)


def request_line(entry: Entry, method: str, status: int, seconds: float, now: datetime) -> str:
    """Return the line of an answered request, without its end."""
    known = method if method in _METHODS else "other"
    said = _said(known, entry.route, status, entry.code, entry.partner, entry.keyid)
    at = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f'{{"time":"{at}","request":"{entry.request_id}",{said},"duration_ms":{seconds * 1_000:.3f}}}'


@lru_cache(10_000)
def _said(method: str, route: str | None, status: int, code: str | None, partner: str | None, keyid: str | None) -> str:
    """The members of a line that are the same for many requests."""
    told = {
        "method": method,
        "route": route,
        "status": status,
        "code": code,
        "partner": partner,
        "keyid": keyid,
    }
    return _encode({name: value for name, value in told.items() if value is not None})[1:-1]


def write(line: str) -> None:
    """Write a line to standard error in one piece, so that those of several processes do not mix."""
    # Where the log cannot be written, nobody can be told; the request is answered all the same.
    with suppress(OSError):
        os.write(sys.stderr.fileno(), line.encode() + b"\n")


def _told(error: BaseException) -> list[str]:
    """The types of an exception and of its causes, outermost first, each with the places it came through."""
    told = []
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        told.append(f"{type(at).__module__}.{type(at).__qualname__} at {' < '.join(_places(at.__traceback__))}")
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
    return told


def _places(traceback: TracebackType | None) -> list[str]:
    frames = [(frame.f_globals.get("__name__", "?"), line) for frame, line in walk_tb(traceback)]
    return [f"{module}:{line}" for module, line in reversed(frames)]


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
