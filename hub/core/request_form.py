"""The form of a request, before anybody reads what it says: one HTTP version, one host, one way to frame a body.

What two readers could understand in two ways is refused, not guessed at: a proxy before the hub may have
understood the other. The server below has parsed the request already; it refuses fields of wrong syntax by
itself, gives one ``Content-Length`` or ``Transfer-Encoding``, and ends the connection where both were sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MAX_HEADER_BYTES = 16_384
MAX_TARGET_BYTES = 8_192
MALFORMED, TOO_LARGE = "malformed_request", "header_too_large"

_METHOD = re.compile(r"[A-Z]{1,16}")
_HOST = re.compile(rb"(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_ONCE = frozenset({b"host", b"content-type", b"content-length", b"transfer-encoding", b"expect"})
_ONLY = {b"transfer-encoding": b"chunked", b"expect": b"100-continue"}

Fault = tuple[str, str]
"""The code and the sentence to refuse with."""


def fault(version: str, method: str, path: bytes, query: bytes, fields: Iterable[tuple[bytes, bytes]]) -> Fault | None:
    """Return why a request is refused for its form, or None."""
    if len(path) + len(query) > MAX_TARGET_BYTES:
        return TOO_LARGE, "The target is longer than this hub takes."
    if version != "1.1":
        return MALFORMED, "HTTP/1.1 is expected."
    if not _METHOD.fullmatch(method) or not path.startswith(b"/"):
        return MALFORMED, "A method in capitals and a path are expected."
    return _fault_of_fields(fields)


def _fault_of_fields(fields: Iterable[tuple[bytes, bytes]]) -> Fault | None:
    size, host = 0, None
    seen: set[bytes] = set()
    for name, value in fields:
        size += len(name) + len(value)
        if name in _ONCE:
            if name in seen:
                return MALFORMED, "A field that has one value is there twice."
            seen.add(name)
            if name == b"host":
                host = value
            elif value.lower() != _ONLY.get(name, value.lower()):
                return MALFORMED, "The only transfer coding taken is chunked, the only expectation 100-continue."
    if size > MAX_HEADER_BYTES:
        return TOO_LARGE, "The header is larger than this hub takes; see docs/protocol.md for the limits."
    if host is None or not _HOST.fullmatch(host):
        return MALFORMED, "One Host field with a host is expected."
    return None
