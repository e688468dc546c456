"""What makes two reports the same: the digest of an event's content.

The parsed content counts, not its spelling: white space, the order of keys and the offset in which an instant
was written make no difference; every value does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

CONFLICT = "This id was used before for other content; nothing was changed."


def content_digest(kind: str, content: Mapping[str, Any]) -> bytes:
    """Return the SHA-256 of an event's kind and content; instants are compared in UTC."""
    return hashlib.sha256(_CANONICAL.encode([kind, content]).encode()).digest()


def instant(at: datetime) -> str:
    """Write an instant as RFC 3339 in UTC, with ``Z``."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _instant(value: object) -> str:
    assert isinstance(value, datetime)
    return instant(value)


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=_instant)
