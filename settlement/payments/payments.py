"""Payments: what the dues of a cycle come to, partner by partner, and where each payment stands.

A partner has at most one payment a cycle and currency: the operator pays it out (`out`), or it pays in (`in`). They are
made from the dues once; what was made is never altered, only moved. What is paid out goes through `payment_releases` to
the bank, whose words come back through `bank_messages`; what is paid in is found on the bank statement and told to
`received`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection

from settlement.core.currency import written
from settlement.core.dues import Due, dues_of_nets
from settlement.core.moves import FINAL
from settlement.core.payment_ids import PAY, RECEIVE
from settlement.core.payment_moves import PAYABLE, SETTLED, STATES, PaymentMove, Standing, following
from settlement.core.payments_due import payments_of
from settlement.core.people import signature
from settlement.errors import SettlementRefused, UnknownPayment
from settlement.store.history import lock_in_state
from settlement.store.payment_tables import payment
from settlement.store.payments import add_moves, add_payments, named, standings, stands_at
from settlement.store.results import load_claims
from settlement.store.window import window_of

__all__ = ["from_dues", "listing", "not_paid_in", "not_paid_out", "prepare", "received", "show"]

_NAMED = 20
"""Payments that are named when they stand in the way; the rest are counted."""


def prepare(connection: Connection, cycle: str, *, author: str, at: datetime) -> list[Standing]:
    """Make the payments of a cycle that is final from its dues, and return them all; doing it again makes none.

    Raises `UnknownCycle`, and `SettlementRefused` for a cycle that is not final.
    """
    dues = _dues(connection, cycle)
    lock_in_state(connection, cycle, FINAL)
    return from_dues(connection, cycle, dues, author=author, at=at)


def from_dues(connection: Connection, cycle: str, dues: Iterable[Due], *, author: str, at: datetime) -> list[Standing]:
    """Make the payments of a cycle from its dues, and return them all; doing it again makes none.

    Raises `SettlementRefused` when payments of the cycle are there that these dues would not give.
    """
    wanted = payments_of(cycle, dues)
    there = {one.payment.payment: one.payment for one in standings(connection, payment.c.cycle == cycle)}
    if there and there != wanted:
        different = sorted(name for name in {*there, *wanted} if there.get(name) != wanted.get(name))
        raise SettlementRefused(f"the payments of {cycle} were made before, from other dues: {', '.join(different)}")
    if not there:
        by = PaymentMove("", 0, 1, PAYABLE, signature(author), at, cycle)
        new = [wanted[name] for name in sorted(wanted)]
        moves = [move for one in new for move in following(Standing(one, ()), [(1, PAYABLE)], by)]
        add_payments(connection, new, moves)
    return listing(connection, cycle=cycle)


def listing(
    connection: Connection,
    *,
    cycle: str | None = None,
    partner: str | None = None,
    currency: str | None = None,
    direction: str | None = None,
    state: str | None = None,
) -> list[Standing]:
    """The payments that have all of this, by name; raises `SettlementRefused` for a state or direction that is none."""
    if state is not None and state not in STATES:
        raise SettlementRefused(f"a payment is never {state!r}; states are {', '.join(STATES)}")
    if direction not in {None, PAY, RECEIVE}:
        raise SettlementRefused(f"a payment goes {RECEIVE!r} or {PAY!r}")
    asked = {"cycle": cycle, "partner": partner, "currency": currency, "direction": direction}
    conditions = [payment.c[name] == value for name, value in asked.items() if value is not None]
    return standings(connection, *conditions, *_at(state))


def show(connection: Connection, name: str) -> Standing:
    """A payment with its moves; raises `UnknownPayment`."""
    found = standings(connection, named([name]))
    if not found:
        raise UnknownPayment(f"there is no payment {name}")
    return found[0]


def not_paid_in(connection: Connection, cycle: str) -> list[str]:
    """What is in the way of a cycle's being paid in, a sentence each: what partners have not paid in yet."""
    return _not_settled(connection, cycle, RECEIVE)


def not_paid_out(connection: Connection, cycle: str) -> list[str]:
    """What is in the way of a cycle's being paid out, a sentence each: what has not reached partners yet."""
    return _not_settled(connection, cycle, PAY)


def received(
    connection: Connection, name: str, amount_minor: int, currency: str, *, author: str, at: datetime, source: str
) -> Standing:
    """Note that a partner paid in what it owed; `source` names the entry of the bank statement that says so.

    The same again changes nothing. Raises `UnknownPayment`, and `SettlementRefused` for another amount, for a payment
    that goes out, and for one that another entry paid before.
    """
    found = next(iter(standings(connection, named([name]), hold=True)), None)
    if found is None or found.payment.direction != RECEIVE:
        raise UnknownPayment(f"nobody is to pay in {name}")
    if (amount_minor, currency) != (found.payment.amount_minor, found.payment.currency):
        due = f"{written(found.payment.amount_minor, found.payment.currency)} {found.payment.currency}"
        raise SettlementRefused(f"{name} is {due}, and not {written(amount_minor, currency)} {currency}")
    if found.state == SETTLED:
        if found.last.source == source:
            return found
        raise SettlementRefused(f"{name} was paid before, by {found.last.source}")
    by = PaymentMove(name, 0, 1, SETTLED, signature(author), at, source)
    add_moves(connection, following(found, [(found.last.attempt, SETTLED)], by))
    return show(connection, name)


def _not_settled(connection: Connection, cycle: str, direction: str) -> list[str]:
    found = standings(connection, payment.c.cycle == cycle)
    if not found and payments_of(cycle, _dues(connection, cycle)):
        return [f"its payments were not made yet: hansa payment prepare {cycle}"]
    open_ones = [one for one in found if one.payment.direction == direction and one.state != SETTLED]
    more = len(open_ones) - _NAMED
    return [*map(_described, open_ones[:_NAMED]), *([f"and {more} payments more"] if more > 0 else [])]


def _described(standing: Standing) -> str:
    one = standing.payment
    amount = f"{written(one.amount_minor, one.currency)} {one.currency}"
    return f"{one.payment}: {amount} {'from' if one.direction == RECEIVE else 'to'} {one.partner} is {standing.state}"


def _dues(connection: Connection, cycle: str) -> Sequence[Due]:
    """The dues of a calculated cycle; its nets where it is from before there were dues."""
    claims = load_claims(connection, window_of(connection, cycle))
    return claims.dues or dues_of_nets(claims.nets)


def _at(state: str | None) -> Sequence[ColumnElement[bool]]:
    return [] if state is None else [stands_at(state)]
