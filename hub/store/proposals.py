"""Proposals: what one operator asked for and a second one approves or declines.

A row is only ever decided, once; its content never changes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from hub.store.database import fetch

OPEN, APPROVED, DECLINED = "open", "approved", "declined"

_COLUMNS = "proposal_id, content, digest, author, proposed_at, state, decided_by, decided_at, decision_reason"
_ADD = """
    INSERT INTO hub.proposal (proposal_id, content, digest, author, proposed_at)
    VALUES (%(proposal_id)s, %(content)s::jsonb, %(digest)s, %(author)s, %(at)s)
    ON CONFLICT DO NOTHING RETURNING true
"""
_FIND = f"SELECT {_COLUMNS} FROM hub.proposal WHERE proposal_id = %(proposal_id)s"
_LIST = f"""
    SELECT {_COLUMNS} FROM hub.proposal WHERE %(everything)s OR state = 'open' ORDER BY proposed_at, proposal_id
"""
_DECIDE = """
    UPDATE hub.proposal
    SET state = %(state)s, decided_by = %(author)s, decided_at = %(at)s, decision_reason = %(reason)s
    WHERE proposal_id = %(proposal_id)s AND state = 'open' RETURNING true
"""


class Proposal(NamedTuple):
    """What waits for a second operator, or what he said."""

    proposal_id: str
    content: Mapping[str, Any]
    digest: bytes
    """SHA-256 of the content, by which it is approved."""
    author: str
    proposed_at: datetime
    state: str
    decided_by: str | None
    decided_at: datetime | None
    decision_reason: str | None


def add(
    connection: Connection, proposal_id: str, content: Mapping[str, Any], digest: bytes, author: str, at: datetime
) -> bool:
    """Add an open proposal; False if the id is taken."""
    values = {"proposal_id": proposal_id, "content": json.dumps(content), "digest": digest, "author": author, "at": at}
    return bool(fetch(connection, _ADD, values))


def find(connection: Connection, proposal_id: str) -> Proposal | None:
    """Return a proposal, or None if there is none."""
    rows = fetch(connection, _FIND, {"proposal_id": proposal_id})
    return Proposal(*rows[0]) if rows else None


def listing(connection: Connection, *, everything: bool) -> list[Proposal]:
    """Return the open proposals, or all of them, oldest first."""
    return [Proposal(*row) for row in fetch(connection, _LIST, {"everything": everything})]


def decide(
    connection: Connection, proposal_id: str, state: str, author: str, at: datetime, reason: str | None = None
) -> bool:
    """Decide an open proposal; False if it was decided before, also in the instant before."""
    values = {"proposal_id": proposal_id, "state": state, "author": author, "at": at, "reason": reason}
    return bool(fetch(connection, _DECIDE, values))
