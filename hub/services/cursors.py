"""Opaque cursors of lists: a position, sealed with a key so that nobody makes one up or borrows another's."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from typing import Any

from hub.core.errors import Refused

TAG_BYTES = 12


def write(key: bytes, scope: str, position: list[Any]) -> str:
    """Return the cursor of a position; ``scope`` names the list and the partner it belongs to."""
    body = json.dumps(position, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_tag(key, scope, body) + body).rstrip(b"=").decode()


def read(key: bytes, scope: str, cursor: str) -> list[Any]:
    """Return the position of a cursor that `write` made for the same scope.

    Raises:
        Refused: ``cursor_invalid``.
    """
    try:
        sealed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (binascii.Error, ValueError):
        sealed = b""
    tag, body = sealed[:TAG_BYTES], sealed[TAG_BYTES:]
    if not hmac.compare_digest(tag, _tag(key, scope, body)):
        raise Refused("cursor_invalid", "The cursor is not one that this list gave out.")
    position: list[Any] = json.loads(body)
    return position


def _tag(key: bytes, scope: str, body: bytes) -> bytes:
    return hmac.digest(key, b"cursor\n" + scope.encode() + b"\n" + body, "sha256")[:TAG_BYTES]
