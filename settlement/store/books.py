"""What the books are made of and held against, asked of the database: sums of lines, security, write-offs, words."""

from __future__ import annotations

from sqlalchemy import Connection, Date, and_, cast, func, select

from settlement.core.books.approved_checks import Booked, Ordered, Written
from settlement.core.books.of_cycles import Sum
from settlement.core.books.of_money import Secured, WrittenOff
from settlement.core.books.payment_checks import Said
from settlement.core.payment_moves import APPLIED
from settlement.core.security import SUBJECT, Entry
from settlement.core.write_offs import SUBJECT as WRITE_OFFS
from settlement.core.write_offs import Entry as WriteOffEntry
from settlement.store.payment_tables import bank_word
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


def said(connection: Connection) -> list[Said]:
    """Every word of a bank that moved a payment."""
    query = select(bank_word.c.end_to_end_id, bank_word.c.says).where(bank_word.c.outcome == APPLIED)
    return [Said._make(row) for row in connection.execute(query)]


def ordered(connection: Connection) -> list[Ordered]:
    """Every order about security, with the digest of its approval."""
    approved = _approved(connection, SUBJECT)
    columns = [security_order.c[name] for name in Ordered._fields[:-1]]
    query = select(*columns).order_by(security_order.c.order_id)
    return [
        Ordered(row.order_id, row.kind, row.content, bytes(row.digest), approved.get(row.order_id, b""))
        for row in connection.execute(query)
    ]


def booked(connection: Connection) -> Booked:
    """Every entry of security, also of an order that is not there."""
    columns = [security_entry.c[name] for name in ("order_id", "line", *Entry._fields)]
    return {(row[0], row[1]): Entry(*row[2:]) for row in connection.execute(select(*columns))}


def written(connection: Connection) -> list[Written]:
    """Everything that was written off, or whose write-off was approved."""
    approved = _approved(connection, WRITE_OFFS)
    columns = [write_off.c[name] for name in ("break", "reason", *WriteOffEntry._fields)]
    rows = connection.execute(select(*columns).order_by(write_off.c["break"], write_off.c.currency)).all()
    return [
        Written(
            name,
            [WriteOffEntry(*row[2:]) for row in rows if row[0] == name],
            frozenset(row[1] for row in rows if row[0] == name),
            approved.get(name, b""),
        )
        for name in sorted({*approved, *(row[0] for row in rows)})
    ]


def _approved(connection: Connection, kind: str) -> dict[str, bytes]:
    """What was approved of a kind, by subject; the last digest where there were several."""
    query = select(approval.c.subject, approval.c.digest).where(approval.c.kind == kind, approval.c.state == "approved")
    return {subject: bytes(digest) for subject, digest in connection.execute(query.order_by(approval.c.version))}
