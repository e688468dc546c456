"""The local hub's log: each event is sealed as it is recorded; its tree, leaves and notes are the wire's own."""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import UTC
from typing import TYPE_CHECKING, Any, NamedTuple

from partner_sdk.testing.gate import Refusal
from partner_sdk.wire import base64url, merkle
from partner_sdk.wire.checkpoints import Checkpoint, origin_of, sign_checkpoint
from partner_sdk.wire.keys import PrivateKey, PublicKey, key_id
from partner_sdk.wire.leaves import SALT_BYTES, Leaf, content_digest

if TYPE_CHECKING:
    from partner_sdk.testing.books import Books, Event

Query = Mapping[str, Any]


class Entry(NamedTuple):
    """An event's place in the log, its leaf with the salt of its content, and who owes or is owed for it."""

    position: int
    leaf: Leaf
    salt: bytes
    parties: frozenset[str]


class Log:
    """What was sealed, under the hub's root key and signed by its own."""

    def __init__(self, root: PublicKey, signing: PrivateKey) -> None:
        self._origin, self._signing = origin_of(root), signing
        self._hashes: list[bytes] = []
        self._entries: dict[tuple[str, str], Entry] = {}

    def seal(self, partner: str, event: "Event") -> None:
        """Give an event its place."""
        salt, kind = secrets.token_bytes(SALT_BYTES), "redemption" if event.kind == "hold" else event.kind
        digest, posted_at = content_digest(kind, event.content), event.posted_at.astimezone(UTC)
        leaf = Leaf(
            partner, event.event_id, event.kind, event.status, event.points, f"{posted_at:%Y-%m-%dT%H:%M:%S.%f}Z",
            hashlib.sha256(salt + digest).hexdigest(), secrets.token_hex(merkle.HASH_BYTES),
        )  # fmt: skip
        owing = frozenset(lot.key.issuer for lot in event.lots if event.minors and event.kind != "hold")
        self._entries[partner, event.event_id] = Entry(len(self._hashes), leaf, salt, owing)
        self._hashes.append(leaf.hash())

    def checkpoint(self) -> dict[str, Any]:
        """The newest checkpoint, and the key that signed it."""
        newest = Checkpoint(self._origin, len(self._hashes), self._hash_of(0, len(self._hashes)))
        keyid = key_id("hub", self._signing.public)
        return {"checkpoint": sign_checkpoint(newest, self._signing), "keyid": keyid}

    def proof(self, party: str, partner: str, event_id: str, size: int | None) -> dict[str, Any]:
        """The proof that an event is in the log; refuses unknown_event and log_size."""
        entry = self._entries.get((partner, event_id))
        if entry is None or party not in {partner, *entry.parties}:
            raise Refusal("unknown_event", "The partner is party to no such event.")
        within = len(self._hashes) if size is None else size
        if not entry.position < within <= len(self._hashes):
            detail = f"The log has {len(self._hashes)} entries; the event is number {entry.position + 1}."
            raise Refusal("log_size", detail)
        path = merkle.inclusion_path(entry.position, within, self._hash_of)
        leaf = {name: getattr(entry.leaf, name) for name in entry.leaf.__slots__}
        told = {"content_salt": base64url.encode(entry.salt)} if party == partner else {}
        proven = {"position": entry.position, "size": within, "path": [one.hex() for one in path]}
        return {"leaf": leaf, **told, **proven}

    def consistency(self, old: int, new: int) -> dict[str, Any]:
        """The proof that the log of one size begins that of another; refuses log_size."""
        if not old <= new <= len(self._hashes):
            raise Refusal("log_size", f"The log has {len(self._hashes)} entries, and never had more after fewer.")
        return {"path": [one.hex() for one in merkle.consistency_path(old, new, self._hash_of)]}

    def _hash_of(self, start: int, end: int) -> bytes:
        return merkle.root_of(self._hashes[start:end])


def checkpoint(books: "Books") -> dict[str, Any]:
    """GET /v1/log/checkpoint."""
    return books.coalition.log.checkpoint()


def proof(books: "Books", query: Query) -> dict[str, Any]:
    """GET /v1/log/proof."""
    reporter = query.get("partner", books.partner)
    return books.coalition.log.proof(books.partner, reporter, query["event_id"], query.get("size"))


def consistency(books: "Books", query: Query) -> dict[str, Any]:
    """GET /v1/log/consistency."""
    return books.coalition.log.consistency(query["from"], query["to"])
