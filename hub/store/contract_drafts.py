"""Drafts of contracts: what one operator wrote and a second one publishes, after he has seen it.

A row is only ever decided, once; its document never changes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from hub.store.database import fetch

OPEN, PUBLISHED, WITHDRAWN = "open", "published", "withdrawn"

_COLUMNS = (
    "draft_id, partner_id, valid_from, document, digest, author, drafted_at, state, version, decided_by, decided_at"
)
_ADD = """
    INSERT INTO hub.contract_draft (draft_id, partner_id, valid_from, document, digest, author, drafted_at)
    VALUES (%(draft_id)s, %(partner_id)s, %(valid_from)s, %(document)s::jsonb, %(digest)s, %(author)s, %(at)s)
"""
_FIND = f"SELECT {_COLUMNS} FROM hub.contract_draft WHERE draft_id = %(draft_id)s"
_LIST = f"""
    SELECT {_COLUMNS} FROM hub.contract_draft WHERE %(everything)s OR state = 'open' ORDER BY drafted_at, draft_id
"""
_DECIDE = """
    UPDATE hub.contract_draft
    SET state = %(state)s, decided_by = %(author)s, decided_at = %(at)s, version = %(version)s
    WHERE draft_id = %(draft_id)s AND state = 'open' RETURNING true
"""
_ISSUED = "SELECT EXISTS (SELECT FROM hub.transfer WHERE issuer = %(partner_id)s)"
_PRICED_SINCE = """
    SELECT EXISTS (SELECT FROM hub.event WHERE partner_id = %(partner_id)s AND business_date >= %(day)s)
        OR EXISTS (SELECT FROM settlement.obligation WHERE business_date >= %(day)s
                   AND %(partner_id)s IN (issuer, redeemer, points_of))
        OR EXISTS (SELECT FROM hub.transfer WHERE issuer = %(partner_id)s AND business_date >= %(day)s)
"""


class Draft(NamedTuple):
    """A contract that waits to be published, or what became of it."""

    draft_id: str
    partner_id: str
    valid_from: date
    document: Mapping[str, Any]
    """``replaces`` (the newest version when it was drafted), ``life_months``, ``enrols_unknown`` and ``terms``."""
    digest: bytes
    """SHA-256 of partner, first day and document, by which it is published."""
    author: str
    drafted_at: datetime
    state: str = OPEN
    version: int | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None


def add(connection: Connection, draft: Draft) -> None:
    """Add an open draft under a new id."""
    values = draft._asdict() | {"document": json.dumps(draft.document), "at": draft.drafted_at}
    connection.exec_driver_sql(_ADD, values)


def find(connection: Connection, draft_id: str) -> Draft | None:
    """Return a draft, or None if there is none."""
    rows = fetch(connection, _FIND, {"draft_id": draft_id})
    return Draft(*rows[0]) if rows else None


def listing(connection: Connection, *, everything: bool) -> list[Draft]:
    """Return the open drafts, or all of them, oldest first."""
    return [Draft(*row) for row in fetch(connection, _LIST, {"everything": everything})]


def decide(
    connection: Connection, draft_id: str, state: str, author: str, at: datetime, version: int | None = None
) -> bool:
    """Decide an open draft; False if it was decided before, also in the instant before."""
    values = {"draft_id": draft_id, "state": state, "author": author, "at": at, "version": version}
    return bool(fetch(connection, _DECIDE, values))


def has_issued(connection: Connection, partner_id: str) -> bool:
    """Tell whether there is, or ever was, a point of this issuer."""
    return bool(fetch(connection, _ISSUED, {"partner_id": partner_id})[0][0])


def priced_since(connection: Connection, partner_id: str, day: date) -> bool:
    """Tell whether anything was posted by this partner, or owed to it or for its points, on a day or after it."""
    return bool(fetch(connection, _PRICED_SINCE, {"partner_id": partner_id, "day": day})[0][0])
