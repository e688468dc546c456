"""What the log proves to partners: its checkpoint, that an event is in it, and that it only ever grew."""

from __future__ import annotations

from typing import Any

from hub.core.errors import Refused
from hub.services.context import Hub
from hub.services.log_tree import Tree, needed
from hub.store import log
from hub.store.database import Connection
from hub.store.log import Entry
from partner_sdk.wire import base64url, merkle
from partner_sdk.wire.checkpoints import Checkpoint, origin_of, sign_checkpoint


def checkpoint(hub: Hub) -> dict[str, Any]:
    """Return the newest checkpoint as a signed note, and the name of the key that signed it."""
    with hub.database.connect() as connection:
        size, root = log.head(connection)
    signer = hub.signer()
    newest = Checkpoint(origin_of(hub.keyring.root.public), size, root)
    return {"checkpoint": sign_checkpoint(newest, signer.key), "keyid": signer.keyid}


def proof(hub: Hub, party: str, partner_id: str, event_id: str, size: int | None) -> dict[str, Any]:
    """Return an event's leaf and the proof that it is in the log of ``size`` entries, or of as many as it has.

    Raises:
        Refused: ``unknown_event`` if ``party`` neither reported the event nor owes or is owed for it, ``not_sealed``,
            ``log_size``.
    """
    with hub.database.connect() as connection:
        newest, _ = log.head(connection)
        entry = _entry(connection, party, partner_id, event_id)
        # An event that was sealed after the head was read is sealed all the same, though not in that head.
        if entry.position is None or (size is None and entry.position >= newest):
            raise Refused("not_sealed", "The event is recorded and gets its place in the log within a second.")
        within = newest if size is None else size
        if within > newest or entry.position >= within:
            raise Refused("log_size", f"The log has {newest} entries; the event is number {entry.position + 1}.")
        tree = Tree(log.tiles(connection, needed(within, [entry.position])))
    path = merkle.inclusion_path(entry.position, within, tree.hash_of)
    told = {"content_salt": base64url.encode(entry.content_salt)} if party == partner_id else {}
    leaf = _leaf(partner_id, event_id, entry)
    return {"leaf": leaf, **told, "position": entry.position, "size": within, "path": [one.hex() for one in path]}


def consistency(hub: Hub, old: int, new: int) -> dict[str, Any]:
    """Return the proof that the log of ``old`` entries begins the one of ``new``.

    Raises:
        Refused: ``log_size``.
    """
    with hub.database.connect() as connection:
        newest, _ = log.head(connection)
        if not old <= new <= newest:
            raise Refused("log_size", f"The log has {newest} entries, and never had more after it had fewer.")
        tree = Tree(log.tiles(connection, needed(new, [old - 1, old]) if old else []))
    return {"path": [one.hex() for one in merkle.consistency_path(old, new, tree.hash_of)]}


def _entry(connection: Connection, party: str, partner_id: str, event_id: str) -> Entry:
    entry = log.entry(connection, partner_id, event_id)
    if entry is None or not (party == partner_id or log.is_party(connection, party, partner_id, event_id)):
        raise Refused("unknown_event", "The partner is party to no such event.")
    return entry


def _leaf(partner_id: str, event_id: str, entry: Entry) -> dict[str, Any]:
    leaf = entry._asdict()
    del leaf["content_salt"], leaf["position"]
    return {"partner": partner_id, "event_id": event_id, **leaf}
