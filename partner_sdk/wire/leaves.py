"""What the log says of an event: nine lines of text, whose hash is the event's entry in the Merkle tree.

Nothing in them names a member. `content` binds the hub to what the partner reported, and `record` to everything else
that its row says; each is hashed with a salt of its own, so nobody finds out by trying what they stand for. The
partner that reported the event is told the first salt, nobody the second.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from partner_sdk.wire import merkle

FORM = "hansa-event-v1"
SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Leaf:
    """The text's lines after its form; `posted_at` is an instant with six digits of a fraction and `Z`."""

    partner: str
    event_id: str
    kind: str
    status: str
    points: int
    posted_at: str
    content: str
    record: str

    def __post_init__(self) -> None:
        """Refuse what has no nine lines; raises ValueError."""
        texts = [getattr(self, name) for name in self.__slots__ if name != "points"]
        if type(self.points) is not int or any(type(one) is not str or "\n" in one for one in texts):
            raise ValueError("a leaf is made of lines of text and a whole number")

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> "Leaf":
        """Read the member `leaf` of a proof."""
        return cls(
            wire["partner"], wire["event_id"], wire["kind"], wire["status"], wire["points"], wire["posted_at"],
            wire["content"], wire["record"],
        )  # fmt: skip

    def text(self) -> str:
        """The nine lines."""
        return "\n".join(
            (
                FORM, self.partner, self.event_id, self.kind, self.status, str(self.points), self.posted_at,
                self.content, self.record,
            )
        )  # fmt: skip

    def hash(self) -> bytes:
        """The hash of the leaf (RFC 9162 section 2.1.1)."""
        return merkle.leaf_hash(self.text().encode())

    def is_of(self, salt: bytes, content: bytes) -> bool:
        """Whether its `content` is this digest, under the salt that the hub told."""
        return hashlib.sha256(salt + content).hexdigest() == self.content


def content_digest(kind: str, content: Mapping[str, Any]) -> bytes:
    """The digest of what was reported: SHA-256 over `[kind, content]` as JSON, keys sorted, instants in UTC.

    `content` is the parsed report, so spelling makes no difference. The hub tells a replay from a conflict by it.
    """
    canonical = json.dumps([kind, content], sort_keys=True, separators=(",", ":"), default=_instant)
    return hashlib.sha256(canonical.encode()).digest()


def _instant(value: object) -> str:
    if not isinstance(value, datetime):
        raise TypeError(f"a {type(value).__name__} is not what reports are made of")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
