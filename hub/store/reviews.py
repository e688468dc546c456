"""What waits for a person: which events, why, and what he said. What was reported is in its evidence.

A ``late`` event is nowhere else; a suspect one (``revoked``) is posted. One may wait for the one and then the other.

A row is only ever decided, once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from hub.core.ledger import Evidence
from hub.store.database import fetch

OPEN, RELEASED, REJECTED = "open", "released", "rejected"
LATE, REVOKED = "late", "revoked"

_COLUMNS = (
    "partner_id, event_id, kind, content, evidence_id, occurred_at, received_at, state, decided_by, decided_at, "
    "decision_reason, cause"
)
_ADD = """
    INSERT INTO hub.review (partner_id, event_id, kind, content, evidence_id, occurred_at, received_at)
    VALUES (%(partner_id)s, %(event_id)s, %(kind)s, %(content)s, %(evidence_id)s, %(occurred_at)s, %(received_at)s)
    ON CONFLICT DO NOTHING RETURNING true
"""
_FIND = f"""
    SELECT {_COLUMNS} FROM hub.review
    WHERE (partner_id, event_id) = (%(partner_id)s, %(event_id)s) AND cause = ANY(%(causes)s::text[])
    ORDER BY cause DESC LIMIT 1
"""
_SUSPECT = """
    SELECT 1 FROM hub.review
    WHERE (partner_id, event_id, cause) = (%(partner_id)s, %(event_id)s, 'revoked') AND state = 'open'
"""
_STATES = """
    SELECT event_id, state FROM hub.review
    WHERE partner_id = %(partner_id)s AND event_id = ANY(%(event_ids)s::text[]) AND cause = 'late'
"""
_LIST = f"""
    SELECT {_COLUMNS} FROM hub.review
    WHERE (%(everything)s OR state = 'open') AND (%(partner_id)s = '' OR partner_id = %(partner_id)s)
    ORDER BY received_at, partner_id, event_id
"""
_DECIDE = """
    UPDATE hub.review
    SET state = %(state)s, decided_by = %(author)s, decided_at = %(at)s, decision_reason = %(reason)s
    WHERE (partner_id, event_id, cause) = (%(partner_id)s, %(event_id)s, %(cause)s) AND state = 'open' RETURNING true
"""
_EVIDENCE = """
    SELECT evidence_id, keyid, received_at, signature_base, signature, sealed_body FROM hub.evidence
    WHERE (partner_id, evidence_id) = (%(partner_id)s, %(evidence_id)s)
"""


class Review(NamedTuple):
    """A report that waits, or what became of it."""

    partner_id: str
    event_id: str
    kind: str
    content: bytes
    """The digest of what was reported."""
    evidence_id: bytes
    occurred_at: datetime
    received_at: datetime
    state: str = OPEN
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision_reason: str | None = None
    cause: str = LATE


def add(connection: Connection, review: Review) -> bool:
    """Quarantine a report; False if one with its id is there already."""
    return bool(fetch(connection, _ADD, review._asdict()))


def find(
    connection: Connection, partner_id: str, event_id: str, causes: Sequence[str] = (LATE, REVOKED)
) -> Review | None:
    """Return what was quarantined for one of some causes, a suspect event before a late one, or None."""
    rows = fetch(connection, _FIND, {"partner_id": partner_id, "event_id": event_id, "causes": list(causes)})
    return Review(*rows[0]) if rows else None


def is_suspect(connection: Connection, partner_id: str, event_id: str) -> bool:
    """Tell whether a posted event waits for a person, since its key was revoked."""
    return bool(fetch(connection, _SUSPECT, {"partner_id": partner_id, "event_id": event_id}))


def states(connection: Connection, partner_id: str, event_ids: Iterable[str]) -> dict[str, str]:
    """Return the states of those of a partner's reports that ever came too late, by event id."""
    return dict(fetch(connection, _STATES, {"partner_id": partner_id, "event_ids": list(event_ids)}))


def listing(connection: Connection, partner_id: str, *, everything: bool) -> list[Review]:
    """Return what waits, or all there ever was, of one partner or of all (""), in the order of coming."""
    rows = fetch(connection, _LIST, {"everything": everything, "partner_id": partner_id})
    return [Review(*row) for row in rows]


def decide(connection: Connection, review: Review, state: str, author: str, at: datetime, reason: str) -> bool:
    """Decide on what waits; False if it was decided before."""
    values = {
        "partner_id": review.partner_id, "event_id": review.event_id, "state": state, "author": author, "at": at,
        "reason": reason, "cause": review.cause,
    }  # fmt: skip
    return bool(fetch(connection, _DECIDE, values))


def evidence(connection: Connection, review: Review) -> Evidence:
    """Return the signed request that a report came in."""
    return evidence_of(connection, review.partner_id, review.evidence_id)


def evidence_of(connection: Connection, partner_id: str, evidence_id: bytes) -> Evidence:
    """Return a signed request that is kept."""
    values = {"partner_id": partner_id, "evidence_id": evidence_id}
    return Evidence(*fetch(connection, _EVIDENCE, values)[0])
