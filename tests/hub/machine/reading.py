"""What the hub's database holds, in the model's words."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, text

from hub.services.context import Hub
from hub.store.database import Connection
from tests.hub.model.books import COALITION, Line, Lot, Part

_TABLES = text("""
    SELECT string_agg(format('DELETE FROM %I.%I', schemaname, tablename), ';') FROM pg_tables
    WHERE schemaname IN ('hub', 'settlement') AND tablename NOT IN ('schema_version', 'alembic_version')
""")
_HOLDS = """
    SELECT hold.*, CASE WHEN state = 'open' AND lapses_at <= clock_at THEN 'lapsed' ELSE state END AS state_now
    FROM hub.hold, hub.coalition ORDER BY partner_id, event_id, line
"""
_OWN = re.compile(r"(repayment|expiry)-.*")
_EXPIRIES = """
    SELECT event.event_id, event.member_id, transfer.expires_on, transfer.issuer, transfer.kind, transfer.matures_on,
           transfer.points
    FROM hub.event AS event JOIN hub.transfer AS transfer USING (partner_id, event_id)
    WHERE event.kind = 'expiry' AND event.event_id <> ALL(:known) ORDER BY event.event_id, transfer.line
"""
_ISSUED = """
    SELECT issuer, sum(CASE WHEN starts_with(debit_account, 'issued:') THEN points ELSE 0 END
                       - CASE WHEN starts_with(credit_account, 'issued:') THEN points ELSE 0 END) AS points
    FROM hub.transfer GROUP BY issuer
"""


def empty(hub: Hub) -> None:
    """Start from nothing, keeping the schema: one coalition and no more."""

    def work(connection: Connection) -> None:
        # Faster than truncating, which makes new files for tables that have a few rows each.
        connection.exec_driver_sql(connection.execute(_TABLES).scalar_one())
        connection.execute(text("INSERT INTO hub.coalition (name, environment) VALUES ('Model', 'sandbox')"))

    hub.database.transact(work)


def rows(hub: Hub, query: str, **values: Any) -> list[Row[Any]]:
    """Return the rows of a query."""
    with hub.database.connect() as connection:
        return list(connection.execute(text(query), values).all())


class Names:
    """The members' names by their ids, which the hub stores only as blind indexes."""

    def __init__(self, hub: Hub, names: Iterable[str]) -> None:
        self._indexes = {hub.keyring.blind_index(name): name for name in names}
        self._hub = hub

    def by_id(self) -> dict[int, str]:
        found = rows(self._hub, "SELECT blind_index, member_id FROM hub.member_identifier")
        return {row.member_id: self._indexes[bytes(row.blind_index)] for row in found}


def lots(hub: Hub, names: Names) -> dict[str, Counter[Lot]]:
    """Return what is in each lot, by member."""
    found: defaultdict[str, Counter[Lot]] = defaultdict(Counter)
    known = names.by_id()
    for row in rows(hub, "SELECT * FROM hub.lot WHERE points <> 0"):
        found[known[row.member_id]][_lot(row)] = row.points
    return found


def holds(hub: Hub, names: Names) -> dict[tuple[str, str], tuple[str, list[Part]]]:
    """Return the state of every hold and the parts of lots that it reserves."""
    found: dict[tuple[str, str], tuple[str, list[Part]]] = {}
    known = names.by_id()
    for row in rows(hub, _HOLDS):
        _, parts = found.setdefault((row.partner_id, row.event_id), (row.state_now, []))
        parts.append(Part(known[row.member_id], _lot(row), row.points))
    return found


def debts(hub: Hub, names: Names) -> dict[str, Counter[str]]:
    """Return what each member owes to whom."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    known = names.by_id()
    for row in rows(hub, "SELECT * FROM hub.debt WHERE points <> 0"):
        found[known[row.member_id]][row.issuer] = row.points
    return found


def lines(hub: Hub, query: str = "SELECT * FROM settlement.obligation") -> list[Line]:
    """Return obligations; those of the hub's own events under the names that the model gives them."""
    return [
        Line(
            row.partner_id,
            _OWN.sub(r"\1", row.event_id) if row.partner_id == COALITION else row.event_id,
            row.line, row.issuer, row.redeemer, row.points, row.amount_minor, row.business_date,
            _OWN.sub(r"\1", row.origin) if row.partner_id == COALITION else row.origin,
        )
        for row in rows(hub, query)
    ]  # fmt: skip


def expiries(hub: Hub, names: Names, known: Iterable[str]) -> dict[str, tuple[str, list[tuple[Lot, int]]]]:
    """Return every other expiry than those that are known: whose it is, and its lines."""
    found: dict[str, tuple[str, list[tuple[Lot, int]]]] = {}
    members = names.by_id()
    for row in rows(hub, _EXPIRIES, known=list(known)):
        found.setdefault(row.event_id, (members[row.member_id], []))[1].append((_lot(row), row.points))
    return found


def issued(hub: Hub) -> Counter[str]:
    """Return what each issuer has given and not got back."""
    return Counter({row.issuer: int(row.points) for row in rows(hub, _ISSUED)})


def _lot(row: Row[Any]) -> Lot:
    return Lot(row.expires_on, row.issuer, row.kind, row.matures_on)
