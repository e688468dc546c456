"""Reads of posted events: the first answer to a replay, and a partner's own history in commit order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, text

from hub.core.ledger import Transfer
from hub.store.database import fetch
from settlement.core.parties import BREAKAGE, FUND, FUND_LINES, ISSUE, REIMBURSEMENT
from settlement.store.arrays import array_of, columns_of


class Stored(NamedTuple):
    """What is stored of an event: the columns of these names."""

    partner_id: str
    event_id: str
    content: bytes
    kind: str
    member_id: int
    status: str
    points: int
    occurred_at: datetime
    posted_at: datetime
    business_date: date
    expires_on: Any
    matures_on: Any
    amount_minor: Any
    currency: Any
    rate_version: Any
    error_code: Any
    refers_to: Any
    returned_before: Any
    items: Any
    details: Any


_STORED = ", ".join(Stored._fields)
_FIRST = f"""
    SELECT {_STORED} FROM hub.event WHERE partner_id = %(partner_id)s AND event_id = ANY(%(event_ids)s::text[])
"""
_FIRST_OF = f"""
    SELECT {_STORED} FROM unnest(%(partner_id)s::text[], %(event_id)s::text[]) AS asked (partner_id, event_id)
    JOIN hub.event AS event USING (partner_id, event_id)
"""
_LINES = f"""
    SELECT mod(line, {FUND_LINES}), max(CASE issuer WHEN '{FUND}' THEN points_of ELSE issuer END),
           sum(points)::bigint, sum(amount_minor)::bigint, price_version, price_numerator, price_denominator,
           coalesce(sum(points) FILTER (WHERE issuer = '{FUND}'), 0)::bigint,
           coalesce(sum(amount_minor) FILTER (WHERE issuer = '{FUND}'), 0)::bigint,
           currency, kind, redeemer
    FROM settlement.obligation
    WHERE partner_id = %(partner_id)s AND event_id = %(event_id)s AND kind IN ('{REIMBURSEMENT}', '{BREAKAGE}')
    GROUP BY mod(line, {FUND_LINES}), price_version, price_numerator, price_denominator, currency, kind, redeemer
    ORDER BY 1
"""
_ISSUED = f"""
    SELECT line, issuer, points, amount_minor, price_version, price_numerator, price_denominator, 0::bigint, 0::bigint,
           currency, kind, redeemer
    FROM settlement.obligation
    WHERE partner_id = %(partner_id)s AND event_id = %(event_id)s AND kind = '{ISSUE}' ORDER BY line
"""
_ISSUE_TAKEN_BACK = f"""
    SELECT issuer, -sum(points)::bigint FROM settlement.obligation
    WHERE origin = %(origin)s AND origin <> '' AND kind = '{ISSUE}' GROUP BY issuer
"""
_TRANSFERS = """
    SELECT event_id, line, member_id, debit_account, credit_account, expires_on, issuer, kind, matures_on, points
    FROM hub.transfer
    WHERE member_id = ANY(%(members)s::bigint[]) AND partner_id = %(partner_id)s AND event_id = %(event_id)s
    ORDER BY line
"""
_REFERRING = """
    SELECT event_id, kind, points, amount_minor, items, returned_before FROM hub.event
    WHERE partner_id = %(partner_id)s AND refers_to = %(event_id)s AND status = 'posted'
"""
_ADJUSTED = """
    SELECT details->>'author', (details->>'points')::bigint FROM hub.event
    WHERE member_id = ANY(%(members)s::bigint[]) AND (kind <> 'earning' OR points = 0) AND kind = 'adjustment'
      AND business_date = %(day)s AND NOT details ? 'approver'
"""
_PAGE = text("""
    SELECT tx::text AS tx, event_id, kind, status, points, occurred_at, posted_at, amount_minor, currency,
           expires_on, matures_on, error_code, refers_to,
           EXISTS (SELECT FROM hub.review AS review
                   WHERE (review.partner_id, review.event_id, cause) = (event.partner_id, event.event_id, 'revoked')
                     AND state = 'open') AS is_suspect
    FROM hub.event AS event
    WHERE partner_id = :partner_id AND (tx, event_id) > (cast(:tx AS xid8), :event_id)
      AND tx < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY event.tx, event_id LIMIT :most
""")


def first_answers(connection: Connection, partner_id: str, event_ids: Sequence[str]) -> dict[str, Stored]:
    """Return what is stored of a partner's events, by event id."""
    rows = fetch(connection, _FIRST, {"partner_id": partner_id, "event_ids": array_of(event_ids)})
    return {row.event_id: row for row in map(Stored._make, rows)}


def first_of(connection: Connection, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Stored]:
    """Return the same for events of several partners, by partner and event id."""
    rows = fetch(connection, _FIRST_OF, columns_of(("partner_id", "event_id"), keys))
    return {row[:2]: row for row in map(Stored._make, rows)}


class OwedLine(NamedTuple):
    """One line that an event made its issuer owe, or the fund for it, with its price."""

    line: int
    issuer: str
    points: int
    amount_minor: int
    price_version: int
    price_numerator: int
    price_denominator: int
    fund_points: int = 0
    """All points where the fund owes the whole line, otherwise none."""
    fund_minor: int = 0
    """What of the amount the fund owes."""
    currency: str = ""
    kind: str = REIMBURSEMENT
    redeemer: str = ""


def owed_lines(connection: Connection, partner_id: str, event_id: str) -> list[OwedLine]:
    """Return what an event made issuers owe, or the fund for them, line by line."""
    rows = fetch(connection, _LINES, {"partner_id": partner_id, "event_id": event_id})
    return [OwedLine(*row) for row in rows]


def issue_lines(connection: Connection, partner_id: str, event_id: str) -> list[OwedLine]:
    """Return what an event made issuers owe the fund."""
    rows = fetch(connection, _ISSUED, {"partner_id": partner_id, "event_id": event_id})
    return [OwedLine(*row) for row in rows]


def issue_taken_back(connection: Connection, partner_id: str, event_id: str) -> dict[str, int]:
    """Return the points of each issuer for which later events took back what it owed the fund for an event."""
    rows = fetch(connection, _ISSUE_TAKEN_BACK, {"origin": f"{partner_id}/{event_id}"})
    return {str(issuer): int(points) for issuer, points in rows}


def burnt_lots(connection: Connection, partner_id: str, event_id: str) -> list[tuple[str, int, int]]:
    """Return (issuer, points, minor units) of each lot that a posted redemption took, in burning order."""
    return [(one.issuer, one.points, one.amount_minor) for one in owed_lines(connection, partner_id, event_id)]


def transfers_of(connection: Connection, partner_id: str, event_id: str, members: Sequence[int]) -> list[Transfer]:
    """Return an event's transfers with these members, by line."""
    values = {"partner_id": partner_id, "event_id": event_id, "members": list(members)}
    return [Transfer(*row) for row in fetch(connection, _TRANSFERS, values)]


def referring(connection: Connection, partner_id: str, event_id: str) -> Sequence[Row[Any]]:
    """Return the posted events that confirm, end, refund or reverse one."""
    return connection.exec_driver_sql(_REFERRING, {"partner_id": partner_id, "event_id": event_id}).all()


def adjusted_alone(connection: Connection, members: Sequence[int], day: date) -> list[tuple[str, int]]:
    """Return (author, points) of the adjustments of these members on a business day that nobody had to approve."""
    return [(author, points) for author, points in fetch(connection, _ADJUSTED, {"members": list(members), "day": day})]


def page(connection: Connection, partner_id: str, after: tuple[str, str], most: int) -> Sequence[Row[Any]]:
    """Return a partner's events in commit order after ``(transaction, event_id)``.

    Rows become visible in commit order, not in id order; so a page ends before the oldest transaction that
    still runs, and no later page can miss an event that commits late.
    """
    values = {"partner_id": partner_id, "tx": after[0], "event_id": after[1], "most": most}
    return connection.execute(_PAGE, values).all()
