"""The hub's own keys: the newest list of them that the root key signed, and what is on it.

The list is kept as the bytes that were signed, because those are what partners verify; its keys are kept as rows beside
it, because every worker reads them with the other small tables to know which key it may sign with.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, text

_PUT_KEY = text("""
    INSERT INTO hub.hub_key AS key (keyid, public_key, not_before, not_after)
    VALUES (:keyid, :public_key, to_timestamp(:not_before), to_timestamp(:not_after))
    ON CONFLICT (keyid) DO UPDATE SET not_before = excluded.not_before, not_after = excluded.not_after
""")
_PUT_LIST = text("""
    INSERT INTO hub.key_list (version, key_list, signature, published_at)
    VALUES (:version, :key_list, :signature, :at)
""")


class SignedList(NamedTuple):
    """A list as it is served: the bytes of its JSON text, and the root key's signature over them."""

    version: int
    key_list: bytes
    signature: bytes


def version(connection: Connection) -> int:
    """Return the version of the newest list, 0 before the first."""
    return int(connection.execute(text("SELECT key_list_version FROM hub.coalition")).scalar_one())


def newest(connection: Connection) -> SignedList | None:
    """Return the newest list, or None before the first."""
    row = connection.execute(
        text("SELECT version, key_list, signature FROM hub.key_list ORDER BY version DESC LIMIT 1")
    ).one_or_none()
    return SignedList(row.version, bytes(row.key_list), bytes(row.signature)) if row else None


def listed(connection: Connection) -> Sequence[Row[Any]]:
    """Return the keys on the newest list, oldest first; of those that began in one second, what has no end is last."""
    return connection.execute(text("SELECT * FROM hub.hub_key ORDER BY not_before, not_after NULLS LAST, keyid")).all()


def publish(
    connection: Connection, signed: SignedList, keys: Iterable[tuple[str, bytes, int, int | None]], at: datetime
) -> None:
    """Let a list follow the newest: (id, raw public key, not before, not after) of each of its keys.

    The caller has locked the small tables. All processes see it with their next request.
    """
    for keyid, public_key, not_before, not_after in keys:
        values = {"keyid": keyid, "public_key": public_key, "not_before": not_before, "not_after": not_after}
        connection.execute(_PUT_KEY, values)
    connection.execute(_PUT_LIST, {**signed._asdict(), "at": at})
    connection.execute(
        text("UPDATE hub.coalition SET key_list_version = :version, config_version = config_version + 1"),
        {"version": signed.version},
    )
