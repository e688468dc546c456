"""What was put up as security: orders, which two operators agree on, and the entries that they made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, insert, select
from sqlalchemy.dialects import postgresql

from settlement.core.dues import Account
from settlement.core.security import Entry
from settlement.store.tables import security_entry, security_order


class Order(NamedTuple):
    """What is to be booked, by the `order_id` that its author chose; `content` says what, `digest` names it."""

    order_id: str
    kind: str
    content: Mapping[str, Any]
    digest: bytes
    author: str
    at: datetime


_COLUMNS = [security_order.c[name] for name in Order._fields]


def add_order(connection: Connection, order: Order) -> bool:
    """Add an order; False if its id is taken."""
    added = postgresql.insert(security_order).on_conflict_do_nothing().returning(security_order.c.order_id)
    return connection.execute(added, order._asdict()).first() is not None


def find_order(connection: Connection, order_id: str) -> Order | None:
    """An order, held until the transaction ends."""
    query = select(*_COLUMNS).where(security_order.c.order_id == order_id).with_for_update()
    row = connection.execute(query).first()
    return Order._make(row)._replace(digest=bytes(row.digest)) if row else None


def orders(connection: Connection, kind: str | None = None) -> list[Order]:
    """All orders, of one kind or of any, in the order in which they were made."""
    query = select(*_COLUMNS).order_by(security_order.c.at, security_order.c.order_id)
    rows = connection.execute(query.where(security_order.c.kind == kind) if kind else query)
    return [Order._make(row)._replace(digest=bytes(row.digest)) for row in rows]


def book(connection: Connection, order_id: str, entries: Sequence[Entry]) -> None:
    """Book the entries of an order, if there are any; each order books once."""
    rows = [{"order_id": order_id, "line": line, **entry._asdict()} for line, entry in enumerate(entries, 1)]
    if rows:
        connection.execute(insert(security_entry), rows)


def booked(connection: Connection, order_id: str) -> list[Entry]:
    """The entries of an order, in order; none before it was approved."""
    columns = [security_entry.c[name] for name in Entry._fields]
    query = select(*columns).where(security_entry.c.order_id == order_id).order_by(security_entry.c.line)
    return [Entry._make(row) for row in connection.execute(query)]


def balances(connection: Connection) -> dict[Account, int]:
    """What is on each account by currency; credit is above zero, and each currency adds up to zero."""
    found: defaultdict[Account, int] = defaultdict(int)
    for column, sign in ((security_entry.c.credit_account, 1), (security_entry.c.debit_account, -1)):
        sums = select(column, security_entry.c.currency, func.sum(security_entry.c.amount_minor)).group_by(
            column, security_entry.c.currency
        )
        for account, currency, minor in connection.execute(sums):
            found[account, currency] += sign * int(minor)
    return dict(found)
