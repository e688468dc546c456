"""Limits: how far each partner may owe, held in the transaction that posts what it owes.

A partner whose contract sets no limit has no credit line, and nothing here is asked for it. For the others every line
that is posted changes the headroom of its credit line in the same transaction. What is authorised there and then (a
redemption, points that are paid for at issue) is refused when a hard line has too little; what was promised before or
cannot be declined (a capture, points that expire, a correction) is counted all the same.

A hold reserves its value, so that its capture needs nothing more; what is reserved comes back when it is captured or
voided, or at the next recount after it has lapsed. `recount` finds the exposure anew from the lines, the cycles that
are not paid and what is reserved; it corrects whatever was posted by processes that did not know of the line yet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, case, delete, func, insert, or_, select, tuple_
from sqlalchemy.dialects import postgresql

from settlement.core.contracts import PREPAID, Terms
from settlement.core.dues import Account
from settlement.core.exposure import CreditLine, changes, less
from settlement.core.lines import Obligation
from settlement.core.security import PREPAID_BALANCE
from settlement.errors import LimitReached
from settlement.store import headroom
from settlement.store.dues import load_dues, terms_in_force
from settlement.store.history import moves_by_cycle
from settlement.store.security import balances
from settlement.store.tables import credit_line, obligation, reservation
from settlement.store.tables import headroom as headroom_table
from settlement.store.window import CutOff, cut_offs, unseen_by

__all__ = ["LineView", "Promised", "count", "recount", "release", "renew", "reserve", "view", "watched"]

PAID = frozenset({"paid_in", "paid_out", "closed"})
"""The states of a cycle whose dues have come in, so that nobody owes them any more."""
_COLUMNS = [credit_line.c[name] for name in CreditLine._fields]


class Promised(NamedTuple):
    """A hold: what it will come to when it is captured."""

    event: tuple[str, str]
    """Its (partner_id, event_id)."""
    lines: Sequence[Obligation]
    lapses_at: datetime


class LineView(NamedTuple):
    """A credit line as it stands; `exposure_minor` counts what is reserved too."""

    partner: str
    currency: str
    limit_minor: int
    exposure_minor: int
    left_minor: int
    alert_minor: int | None
    hard: bool
    state: str


def watched(connection: Connection) -> dict[Account, CreditLine]:
    """Every credit line there is, by partner and currency."""
    return {(row.partner, row.currency): CreditLine._make(row) for row in connection.execute(select(*_COLUMNS))}


def count(
    connection: Connection,
    lines: Iterable[Obligation],
    lines_watched: Mapping[Account, CreditLine],
    *,
    authorise: bool,
    reserved: Mapping[Account, int] | None = None,
) -> None:
    """Count lines that are posted in the caller's transaction, less what was `reserved` for them.

    Raises `LimitReached` when `authorise` is asked and a hard line has too little; the caller then rolls back.
    """
    found = less(changes(lines, lines_watched), reserved or {})
    for account, minor in sorted(found.items()):
        if not headroom.take(connection, account, minor, hard=authorise and lines_watched[account].hard):
            raise LimitReached(*account, minor)


def reserve(connection: Connection, holds: Sequence[Promised], lines_watched: Mapping[Account, CreditLine]) -> None:
    """Reserve what holds would come to; raises `LimitReached` where a line has too little for all of them."""
    raised = [
        (one, account, minor)
        for one in holds
        for account, minor in changes(one.lines, lines_watched).items()
        if minor > 0
    ]
    sums: Counter[Account] = Counter()
    for _, account, minor in raised:
        sums[account] += minor
    for account, minor in sorted(sums.items()):
        if not headroom.take(connection, account, minor, hard=lines_watched[account].hard):
            raise LimitReached(*account, minor)
    rows = [(*one.event, *account, minor, one.lapses_at) for one, account, minor in raised]
    if rows:
        names = reservation.c.keys()
        connection.execute(insert(reservation), [dict(zip(names, row, strict=True)) for row in rows])


def release(connection: Connection, events: Collection[tuple[str, str]]) -> dict[Account, int]:
    """Take back what is reserved under events and return it, added up; the caller gives it to `count`."""
    gone = (
        delete(reservation)
        .where(tuple_(reservation.c.partner_id, reservation.c.event_id).in_(events))
        .returning(reservation.c.partner, reservation.c.currency, reservation.c.amount_minor)
    )
    sums: Counter[Account] = Counter()
    for row in connection.execute(gone):
        sums[row.partner, row.currency] += row.amount_minor
    return dict(sums)


def renew(connection: Connection, day: date, now: datetime) -> bool:
    """Bring the credit lines to what the contracts in force on `day` and the balances say, and recount each.

    Returns whether lines came, went or changed, which processes that post have to know. Run it once more when all of
    them do: what they posted before they knew is then counted.
    """
    before = watched(connection)
    due = _lines_due(connection, day)
    for account in before.keys() - due.keys():
        for table in (credit_line, headroom_table, reservation):
            connection.execute(delete(table).where(table.c.partner == account[0], table.c.currency == account[1]))
    for line in due.values():
        upsert = postgresql.insert(credit_line).values(**line._asdict())
        connection.execute(upsert.on_conflict_do_update(index_elements=["partner", "currency"], set_=line._asdict()))
    recount(connection, due.values(), now)
    return due != before


def recount(connection: Connection, lines: Iterable[CreditLine], now: datetime) -> None:
    """Find the headroom of each line anew. What is posted meanwhile waits, or was committed and is counted.

    Reservations are read before the lines: a hold captured in between counts twice until the next recount, never not.
    """
    for line in sorted(lines):
        account = (line.partner, line.currency)
        headroom.lock(connection, account)
        of_account = (reservation.c.partner == account[0], reservation.c.currency == account[1])
        connection.execute(delete(reservation).where(*of_account, reservation.c.lapses_at <= now))
        reserved = func.coalesce(func.sum(reservation.c.amount_minor), 0)
        held = int(connection.execute(select(reserved).where(*of_account)).scalar_one())
        headroom.put(connection, account, line.limit_minor - exposure_of(connection, account) - held)


def view(connection: Connection) -> list[LineView]:
    """Every credit line with its exposure, sorted by partner and currency."""
    table = headroom_table
    sums = select(table.c.partner, table.c.currency, func.sum(table.c.left_minor)).group_by(
        table.c.partner, table.c.currency
    )
    left = {(partner, currency): int(minor) for partner, currency, minor in connection.execute(sums)}
    return [
        LineView(
            *account,
            line.limit_minor,
            line.limit_minor - left[account],
            left[account],
            *line[3:],
            line.state(left[account]),
        )
        for account, line in sorted(watched(connection).items())
    ]


def exposure_of(connection: Connection, account: Account) -> int:
    """What a partner owes and has not paid: lines and charges after the last paid cycle, and what that one carried."""
    partner, currency = account
    cuts = cut_offs(connection)
    paid = _last_paid(connection, cuts)
    open_cycles = [cut.cycle for cut in cuts[paid.number if paid else 0 :]]
    open_dues = [row for cycle in open_cycles for row in load_dues(connection, cycle) if row[:2] == account]
    last_dues = [row for row in load_dues(connection, paid.cycle) if row[:2] == account] if paid else []
    receives = sum(row.charges_minor for row in open_dues) + sum(row.carried_minor for row in last_dues)
    sign = case((obligation.c.issuer == partner, 1), else_=-1)
    query = select(func.coalesce(func.sum(obligation.c.amount_minor * sign), 0)).where(
        or_(obligation.c.issuer == partner, obligation.c.redeemer == partner),
        obligation.c.issuer != obligation.c.redeemer,
        obligation.c.currency == currency,
        *([unseen_by(obligation, paid)] if paid else []),
    )
    return int(connection.execute(query).scalar_one()) - receives


def _last_paid(connection: Connection, cuts: Sequence[CutOff]) -> CutOff | None:
    """The last cycle up to which all are paid."""
    moves, last = moves_by_cycle(connection), None
    for cut in cuts:
        if moves[cut.cycle][-1].state not in PAID:
            break
        last = cut
    return last


def _lines_due(connection: Connection, day: date) -> dict[Account, CreditLine]:
    paid_in = balances(connection)
    terms = terms_in_force(connection, day)
    lines = (_line(partner, agreed, paid_in) for partner, agreed in terms.items())
    return {(line.partner, line.currency): line for line in lines if line}


def _line(partner: str, terms: Terms, paid_in: Mapping[Account, int]) -> CreditLine | None:
    """The credit line that a contract sets: its limit, or for a prepaid one what was paid in."""
    credit, currency = terms.credit, terms.currency
    if credit.form == PREPAID:
        balance = paid_in.get((PREPAID_BALANCE + partner, currency), 0)
        alert = None if credit.alert_minor is None else balance - credit.alert_minor
        return CreditLine(partner, currency, balance, alert, credit.hard_stop)
    if credit.limit_minor is None:
        return None
    return CreditLine(partner, currency, credit.limit_minor, credit.alert_minor, hard=True)
