"""What makes two reports the same: the digest of an event's content.

The parsed content counts, not its spelling: white space, the order of keys and the offset in which an instant
was written make no difference; every value does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

CONFLICT = "This id was used before for other content; nothing was changed."


def content_digest(kind: str, content: Mapping[str, Any]) -> bytes:
    """Return the SHA-256 of an event's kind and content; instants are compared in UTC."""
    return hashlib.sha256(f"[{quoted(kind)},{canonical(content)}]".encode()).digest()


def canonical(content: Mapping[str, Any]) -> str:
    """Return a JSON object as the one text that all its spellings share, as `json.dumps` writes it with sorted keys.

    What reports are made of is written here, which takes half the time that `json.dumps` takes.
    """
    members: list[str] = []
    for name in sorted(content):
        value = content[name]
        kind = type(value)
        if kind is str:
            written = quoted(value)
        elif kind is int:
            written = str(value)
        elif kind is dict:
            written = canonical(value)
        elif kind is datetime:
            written = f'"{instant(value)}"'
        else:
            written = json.dumps(value, sort_keys=True, separators=(",", ":"), default=_instant)
        members.append(f"{quoted(name)}:{written}")
    return f"{{{','.join(members)}}}"


def instant(at: datetime) -> str:
    """Write an instant as RFC 3339 in UTC, with ``Z``."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _instant(value: object) -> str:
    assert isinstance(value, datetime)
    return instant(value)
