"""What a file said of one event: for whoever looks at it long afterwards, with the request that opened the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.services.context import Hub
from hub.services.files import contents, receiving
from hub.store import file_chunks
from hub.store.database import Connection


def is_of_file(body: Mapping[str, Any]) -> bool:
    """Tell whether a signed request opened a file."""
    return "file_id" in body and "sha256" in body


def record(
    hub: Hub, connection: Connection, partner_id: str, body: Mapping[str, Any], event_id: str
) -> Mapping[str, Any]:
    """Return the record of an event that came in a file, from the request that opened it.

    Raises:
        LedgerBroken: it is not what was read from the file.
    """
    file = receiving.find(connection, partner_id, body["file_id"])
    own = event_id.removesuffix(f"~{file.number}")
    chunk = file_chunks.holding(connection, partner_id, file.file_id, contents.hash_of(own))
    assert chunk is not None
    entries = contents.read(hub, file, chunk)
    found = next(one.record for one in entries if not one.code and one.record["event_id"] == own)
    return {**found, "event_id": event_id}
