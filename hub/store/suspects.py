"""Events that came signed by a key as of a time at which it was not its holder's any more, and what is frozen for them.

They wait on the list of reviews with the cause ``revoked``. What is frozen is a hold under the name of the event with
``/quarantine`` behind it: the slash keeps that apart from all ids that partners choose.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, text

from hub.core.ledger import LotKey
from hub.store.database import fetch

_LIST = """
    INSERT INTO hub.review
        (partner_id, event_id, cause, kind, content, evidence_id, occurred_at, received_at, is_frozen)
    SELECT event.partner_id, event.event_id, 'revoked', event.kind, event.content, event.evidence_id,
           event.occurred_at, evidence.received_at, false
    FROM hub.partner_key AS key
    JOIN hub.evidence AS evidence USING (partner_id, keyid)
    JOIN hub.event AS event USING (partner_id, evidence_id)
    WHERE key.partner_id = %(partner_id)s AND key.state = 'revoked' AND evidence.received_at >= key.revoked_since
    ORDER BY event.event_id
    ON CONFLICT DO NOTHING RETURNING 1
"""
_NEXT = """
    SELECT event.event_id, event.kind, event.status, event.member_id, event.details,
           original.member_id AS original_member_id, original.details AS original_details
    FROM hub.review AS review
    JOIN hub.event AS event USING (partner_id, event_id)
    LEFT JOIN hub.event AS original ON (original.partner_id, original.event_id) = (event.partner_id, event.refers_to)
    WHERE review.partner_id = %(partner_id)s AND NOT review.is_frozen AND review.state = 'open'
    ORDER BY event.event_id LIMIT %(most)s FOR UPDATE OF review SKIP LOCKED
"""
_FROZEN = """
    UPDATE hub.review SET is_frozen = true
    WHERE partner_id = %(partner_id)s AND event_id = ANY(%(event_ids)s::text[]) AND cause = 'revoked'
"""
_LEFT = "SELECT count(*) FROM hub.review WHERE partner_id = %(partner_id)s AND NOT is_frozen AND state = 'open'"
_GIVEN = """
    SELECT event_id, member_id, expires_on, issuer, kind, matures_on, points FROM hub.transfer
    WHERE member_id = ANY(%(members)s::bigint[]) AND partner_id = %(partner_id)s
      AND event_id = ANY(%(event_ids)s::text[]) AND credit_account = 'available'
    ORDER BY event_id, line
"""
_FOLLOWED = """
    SELECT DISTINCT refers_to FROM hub.event
    WHERE partner_id = %(partner_id)s AND refers_to = ANY(%(event_ids)s::text[]) AND status = 'posted'
"""
_QUARANTINED = """
    SELECT member_id, expires_on, issuer, kind, matures_on, sum(points)::bigint FROM hub.hold
    WHERE member_id = ANY(%(members)s::bigint[]) AND state = 'open' AND right(event_id, 11) = '/quarantine'
    GROUP BY 1, 2, 3, 4, 5
"""
_UNSWEPT = (
    "SELECT DISTINCT partner_id FROM hub.partner_key WHERE state = 'revoked' AND NOT is_swept ORDER BY partner_id"
)
_SWEPT = "UPDATE hub.partner_key SET is_swept = true WHERE partner_id = %(partner_id)s AND state = 'revoked'"
_RUNNING = """
    SELECT 1 FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start <= %(at)s LIMIT 1
"""


class Given(NamedTuple):
    """Points that an event gave a member, and the lot that they went to."""

    event_id: str
    member_id: int
    key: LotKey
    points: int


def list_all(connection: Connection, partner_id: str) -> int:
    """Put all events that revoked keys of a partner signed too late on the list of reviews; return how many are new."""
    return len(fetch(connection, _LIST, {"partner_id": partner_id}))


def next_to_freeze(connection: Connection, partner_id: str, most: int) -> Sequence[Row[Any]]:
    """Lock and return the next events of a partner whose points are not frozen yet."""
    return connection.exec_driver_sql(_NEXT, {"partner_id": partner_id, "most": most}).all()


def frozen(connection: Connection, partner_id: str, event_ids: Sequence[str]) -> None:
    """Note that the points of these events are frozen, as far as they are still there."""
    values = {"partner_id": partner_id, "event_ids": list(event_ids)}
    connection.exec_driver_sql(_FROZEN, values)


def left(connection: Connection, partner_id: str) -> int:
    """Return how many events of a partner wait for their points to be frozen."""
    return int(fetch(connection, _LEFT, {"partner_id": partner_id})[0][0])


def given(connection: Connection, partner_id: str, event_ids: Sequence[str], members: Sequence[int]) -> list[Given]:
    """Return what these events gave these members, by event and line."""
    values = {"partner_id": partner_id, "event_ids": list(event_ids), "members": list(members)}
    return [Given(row[0], row[1], LotKey(*row[2:6]), row[6]) for row in fetch(connection, _GIVEN, values)]


def followed(connection: Connection, partner_id: str, event_ids: Sequence[str]) -> set[str]:
    """Return those of these events that others refer to, such as refunds."""
    return {row[0] for row in fetch(connection, _FOLLOWED, {"partner_id": partner_id, "event_ids": list(event_ids)})}


def quarantined(connection: Connection, members: Sequence[int]) -> dict[tuple[int, LotKey], int]:
    """Return what is frozen of these members' lots; under their locks."""
    rows = fetch(connection, _QUARANTINED, {"members": list(members)})
    return {(row[0], LotKey(*row[1:5])): row[5] for row in rows}


def unswept(connection: Connection) -> list[str]:
    """Return the partners of whose revoked keys it is not certain that all events are on the list, and frozen."""
    return [row[0] for row in fetch(connection, _UNSWEPT, {})]


def swept(connection: Connection, partner_id: str) -> None:
    """Note that all events of a partner's revoked keys are on the list, and frozen."""
    connection.exec_driver_sql(_SWEPT, {"partner_id": partner_id})


def instant_of_database(connection: Connection) -> datetime:
    """Return what the database's clock says, for `has_passed`."""
    at: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return at


def has_passed(connection: Connection, at: datetime) -> bool:
    """Tell whether all transactions have ended that began before; they may not have seen what was committed by then."""
    return not fetch(connection, _RUNNING, {"at": at})
