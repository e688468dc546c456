"""Texts that only this hub can have written: cursors and quotes, which say all that it needs to know again.

They are authenticated, not encrypted. What a text is for, and to whom it was given, is in the key of its seal; so
nobody makes one up, borrows another's, or uses one for something else.
"""

from __future__ import annotations

import hmac
import json
from typing import Any

from partner_sdk.wire import base64url

TAG_BYTES = 16


def write(key: bytes, scope: str, content: list[Any]) -> str:
    """Return ``content``, which JSON can hold, sealed for a scope: one line that names purpose and holder."""
    body = json.dumps(content, separators=(",", ":")).encode()
    return base64url.encode(_tag(key, scope, body) + body)


def read(key: bytes, scope: str, sealed: str) -> list[Any] | None:
    """Return what `write` sealed for the same scope, or None for any other text, however like it."""
    try:
        raw = base64url.decode(sealed)
    except ValueError:
        return None
    tag, body = raw[:TAG_BYTES], raw[TAG_BYTES:]
    if not hmac.compare_digest(tag, _tag(key, scope, body)):
        return None
    content: list[Any] = json.loads(body)
    return content


def _tag(key: bytes, scope: str, body: bytes) -> bytes:
    # Identifiers, whose blind indexes have the same key, hold no line feed.
    return hmac.digest(key, scope.encode() + b"\n" + body, "sha256")[:TAG_BYTES]
