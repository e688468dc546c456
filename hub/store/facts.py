"""Reads of one event with all that hangs on it: its transfers, what is owed for it, and who signed for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row

from hub.core.ledger import Transfer
from hub.store.database import fetch

_FIND = "SELECT * FROM hub.event WHERE partner_id = %(partner_id)s AND event_id = %(event_id)s"
_REPORTERS = """
    SELECT partner_id FROM hub.event
    WHERE partner_id = ANY(%(partners)s::text[]) AND event_id = %(event_id)s ORDER BY partner_id
"""
_TRANSFERS = """
    SELECT event_id, line, member_id, debit_account, credit_account, expires_on, issuer, kind, matures_on, points
    FROM hub.transfer WHERE partner_id = %(partner_id)s AND event_id = %(event_id)s ORDER BY line, member_id
"""
_OWED = """
    SELECT line, issuer, redeemer, points, amount_minor, currency, price_version, price_numerator, price_denominator,
           origin, kind, points_of
    FROM settlement.obligation WHERE partner_id = %(partner_id)s AND event_id = %(event_id)s ORDER BY line
"""
_SIGNED = """
    SELECT keyid, received_at FROM hub.evidence
    WHERE partner_id = %(partner_id)s AND evidence_id = %(evidence_id)s
"""
_LATER = """
    SELECT partner_id, event_id, kind, status, points, posted_at FROM hub.event
    WHERE partner_id = %(partner_id)s AND refers_to = %(event_id)s ORDER BY posted_at, tx, event_id
"""


class Owed(NamedTuple):
    """One line that an event made its issuer owe, or owe less."""

    line: int
    issuer: str
    redeemer: str
    points: int
    amount_minor: int
    currency: str
    price_version: int
    price_numerator: int
    price_denominator: int
    origin: str
    """The event that it corrects, as ``partner_id/event_id``; empty where it corrects none."""
    kind: str
    points_of: str
    """Where the fund owes: the partner whose points they are."""


def event(connection: Connection, partner_id: str, event_id: str) -> Row[Any] | None:
    """Return an event with all its columns, or None if there is none."""
    return connection.exec_driver_sql(_FIND, {"partner_id": partner_id, "event_id": event_id}).one_or_none()


def reporters(connection: Connection, partners: Sequence[str], event_id: str) -> list[str]:
    """Return those of these partners that have an event with this id."""
    return [row[0] for row in fetch(connection, _REPORTERS, {"partners": list(partners), "event_id": event_id})]


def all_transfers(connection: Connection, partner_id: str, event_id: str) -> list[Transfer]:
    """Return all transfers of an event, whosoever's: a look at the whole table, for where members are not known."""
    return [Transfer(*row) for row in fetch(connection, _TRANSFERS, {"partner_id": partner_id, "event_id": event_id})]


def owed(connection: Connection, partner_id: str, event_id: str) -> list[Owed]:
    """Return what an event made issuers owe or owe less, by line."""
    return [Owed(*row) for row in fetch(connection, _OWED, {"partner_id": partner_id, "event_id": event_id})]


def signed(connection: Connection, partner_id: str, evidence_id: bytes | None) -> tuple[str, datetime] | None:
    """Return the key of the request that reported an event and when it arrived, or None where nobody signed."""
    rows = fetch(connection, _SIGNED, {"partner_id": partner_id, "evidence_id": evidence_id})
    return (rows[0][0], rows[0][1]) if rows else None


def later(connection: Connection, partner_id: str, event_id: str) -> Sequence[Row[Any]]:
    """Return the events that refer to one, oldest first."""
    return connection.exec_driver_sql(_LATER, {"partner_id": partner_id, "event_id": event_id}).all()
