"""What the books are made of, asked of the database: lines summed by who owes whom for what, security, write-offs."""

from __future__ import annotations

from sqlalchemy import Connection, Date, and_, cast, func, select

from settlement.core.books.of_cycles import Sum
from settlement.core.books.of_money import Secured, WrittenOff
from settlement.core.security import SUBJECT
from settlement.store.reconciliation_tables import write_off
from settlement.store.tables import approval, obligation, security_entry, security_order
from settlement.store.window import Window, within


def ask_sums(connection: Connection, window: Window) -> list[Sum]:
    """What a cycle's lines come to, sorted."""
    key = [obligation.c[name] for name in Sum._fields[:-1]]
    query = select(*key, func.sum(obligation.c.amount_minor)).where(within(obligation, window)).group_by(*key)
    return sorted(Sum._make((*row[:-1], int(row[-1]))) for row in connection.execute(query))


def secured(connection: Connection) -> list[Secured]:
    """Every entry of security, on the day on which the second operator approved its order."""
    entry, order = security_entry, security_order
    approved = and_(approval.c.kind == SUBJECT, approval.c.subject == entry.c.order_id, approval.c.state == "approved")
    day = cast(func.timezone("UTC", func.coalesce(approval.c.decided_at, order.c.at)), Date)
    columns = [entry.c.order_id, entry.c.line, day, *(entry.c[name] for name in Secured._fields[3:])]
    joined = entry.join(order, order.c.order_id == entry.c.order_id).outerjoin(approval, approved)
    query = select(*columns).select_from(joined).order_by(entry.c.order_id, entry.c.line)
    return [Secured._make(row) for row in connection.execute(query)]


def written_off(connection: Connection) -> list[WrittenOff]:
    """Every entry by which a break was written off."""
    figures = [write_off.c[name] for name in WrittenOff._fields[2:]]
    query = select(write_off.c["break"], write_off.c.posted_on, *figures).order_by(*write_off.primary_key.columns)
    return [WrittenOff._make(row) for row in connection.execute(query)]
