"""What a partner sent in some business days and what became of it, page by page and as a file with totals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from hub.core.content import instant
from hub.core.errors import Refused
from hub.services import cursors
from hub.services.context import Hub
from hub.store import records
from hub.store.database import Connection
from hub.store.records import Days, Place
from partner_sdk.wire.records import write_records
from settlement.core.periods import period
from settlement.errors import UnknownCycle
from settlement.formats.files import whole_file

AT_ONCE = 1_000


def days_of(hub: Hub, connection: Connection, partner_id: str, day: date | None, cycle: str | None) -> Days:
    """Return the days of a cycle, or one day.

    Raises:
        Refused: ``unknown_cycle``, ``unknown_partner``.
    """
    moment = hub.moment(connection)
    moment.configuration.partner(partner_id)
    try:
        found = period(cycle) if cycle else None
    except UnknownCycle as error:
        raise Refused("unknown_cycle", f"{error}.") from error
    if found:
        return Days(partner_id, found.first_day, found.last_day, moment.day)
    return Days(partner_id, day or moment.day, day or moment.day, moment.day)


def page(hub: Hub, partner_id: str, day: date | None, cycle: str | None, cursor: str, limit: int) -> dict[str, Any]:
    """Return a page of records; raises Refused (``unknown_cycle``, ``cursor_invalid``)."""
    scope = f"records {partner_id} {cycle or day}"
    with hub.database.snapshot() as connection:
        days = days_of(hub, connection, partner_id, day, cycle)
        after = Place(*cursors.read(hub.keyring.blind, scope, cursor)) if cursor else records.begin(connection, days)
        rows = records.page(connection, days, after, limit + 1)
    shown = rows[:limit]
    last = _place(shown[-1], after) if shown else after
    return {
        "records": [_plain(row) for row in shown],
        "next_cursor": cursors.write(hub.keyring.blind, scope, list(last)),
        "more": len(rows) > limit,
    }


def write(hub: Hub, partner_id: str, day: date | None, cycle: str | None, path: Path) -> dict[str, Any]:
    """Write all records as CSV (``.csv``) or JSON lines, never more than a page in memory; return the totals.

    Raises:
        Refused: ``unknown_cycle``, ``unknown_partner``.
    """
    with hub.database.snapshot() as connection:
        days = days_of(hub, connection, partner_id, day, cycle)
        with whole_file(path) as beside:
            return write_records(beside, _all(connection, days), as_csv=path.suffix == ".csv")


def _all(connection: Connection, days: Days) -> Iterator[dict[str, Any]]:
    after = records.begin(connection, days)
    while rows := records.page(connection, days, after, AT_ONCE):
        yield from map(_plain, rows)
        after = _place(rows[-1], after)


def _place(row: Any, after: Place) -> Place:
    return Place(row.place, row.event_id, after.until)


def _plain(row: Any) -> dict[str, Any]:
    amount = None if row.amount_minor is None else {"minor": row.amount_minor, "currency": row.currency}
    plain = {
        "event_id": row.event_id,
        "kind": row.kind,
        "outcome": row.outcome,
        "code": row.code,
        "occurred_at": instant(row.occurred_at),
        "posted_at": instant(row.posted_at) if row.posted_at else None,
        "amount": amount,
        "points": row.points,
        "rate_version": row.rate_version,
        "refers_to": row.refers_to,
        "store": row.store,
        "terminal": row.terminal,
        "owed": row.owed,
        "packs": row.packs,
    }
    return {name: value for name, value in plain.items() if value is not None}
