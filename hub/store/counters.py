"""Amounts that are counted over a period, by member or household: rows that are locked, read and then changed.

Whoever posts what counts locks all its counters first, in one order, so that a batch, a file and a refund that come at
the same moment count one after the other. The events keep what they counted; the rows are what that adds up to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection

from hub.store.database import fetch
from settlement.store.arrays import columns_of

Key = tuple[int, str]
"""Member and name of a counter."""

_LOCK = """
    INSERT INTO hub.counter AS counter (member_id, partner_id, name, amount)
    SELECT member_id, %(partner_id)s, name, 0
    FROM unnest(%(members)s::bigint[], %(names)s::text[]) AS wanted (member_id, name) ORDER BY member_id, name
    ON CONFLICT (member_id, partner_id, name) DO UPDATE SET amount = counter.amount
    RETURNING member_id, name, amount
"""
_OF_MERGED = """
    SELECT merged.survivor, counter.name, sum(counter.amount)::bigint
    FROM hub.counter AS counter JOIN hub.merged AS merged USING (member_id)
    WHERE merged.survivor = ANY(%(members)s::bigint[]) AND counter.partner_id = %(partner_id)s
      AND counter.name = ANY(%(names)s::text[])
    GROUP BY 1, 2
"""
_PEEK = """
    SELECT coalesce(merged.survivor, counter.member_id), counter.name, sum(counter.amount)::bigint
    FROM hub.counter AS counter LEFT JOIN hub.merged AS merged USING (member_id)
    WHERE counter.partner_id = %(partner_id)s AND counter.name = ANY(%(names)s::text[])
      AND coalesce(merged.survivor, counter.member_id) = ANY(%(members)s::bigint[])
    GROUP BY 1, 2
"""
_COUNT = """
    UPDATE hub.counter AS counter SET amount = counter.amount + change.amount
    FROM unnest(%(members)s::bigint[], %(names)s::text[], %(amounts)s::bigint[]) AS change (member_id, name, amount)
    WHERE (counter.member_id, counter.partner_id, counter.name) = (change.member_id, %(partner_id)s, change.name)
"""


def lock(connection: Connection, partner_id: str, wanted: Iterable[Key]) -> dict[Key, int]:
    """Lock counters in order and return them, with those of members who were merged into theirs."""
    keys = sorted(set(wanted))
    if not keys:
        return {}
    values = _keys(partner_id, keys)
    found = {(member, name): amount for member, name, amount in fetch(connection, _LOCK, values)}
    for survivor, name, amount in fetch(connection, _OF_MERGED, values):
        if (survivor, name) in found:
            found[survivor, name] += amount
    return found


def peek(connection: Connection, partner_id: str, wanted: Iterable[Key]) -> dict[Key, int]:
    """Return counters as they are, without a lock; those that were never used are missing."""
    keys = sorted(set(wanted))
    rows = fetch(connection, _PEEK, _keys(partner_id, keys)) if keys else ()
    return {(member, name): amount for member, name, amount in rows}


def count(connection: Connection, partner_id: str, changes: Mapping[Key, int]) -> None:
    """Change counters that are locked."""
    given = {key: amount for key, amount in changes.items() if amount}
    if given:
        values = _keys(partner_id, list(given)) | columns_of(("amounts",), [(amount,) for amount in given.values()])
        connection.exec_driver_sql(_COUNT, values)


def _keys(partner_id: str, keys: Sequence[Key]) -> dict[str, str]:
    return {"partner_id": partner_id, **columns_of(("members", "names"), keys)}
