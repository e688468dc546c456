"""Our side of a reconciliation with the bank: what partners are to pay in, and what the bank was told to pay out.

A partner quotes the name of its payment. What is paid out bears the name of the attempt, and its file's name is the
batch, by which a bank may book it as one. An attempt that came back is expected twice: out, and in again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sqlalchemy import Connection, select

from settlement.core.payment_ids import PAY, RECEIVE
from settlement.core.payment_moves import ACCEPTED, RETURNED, SENT, SETTLED, Standing
from settlement.core.reconciliation import Line
from settlement.store.payment_tables import payment, payment_release, payment_release_item
from settlement.store.payments import standings

_AT_THE_BANK = frozenset({SENT, ACCEPTED, SETTLED, RETURNED})


def expected_of_the_bank(connection: Connection) -> list[Line]:
    """A line for each payment that partners are to make, and for each attempt that the bank has been given."""
    incoming = [_due(one) for one in standings(connection, payment.c.direction == RECEIVE)]
    outgoing = {one.payment.payment: one for one in standings(connection, payment.c.direction == PAY)}
    item, release = payment_release_item, payment_release
    joined = item.join(release, release.c.release == item.c.release)
    columns = (item.c.payment, item.c.attempt, item.c.end_to_end_id, item.c.release, release.c.execute_on)
    query = select(*columns).select_from(joined).order_by(item.c.end_to_end_id, item.c.release)
    lines = (
        line
        for name, attempt, called, file, day in connection.execute(query)
        for line in _attempt(outgoing[name], attempt, called, file, day)
    )
    return [*incoming, *{line.key: line for line in lines}.values()]


def _due(one: Standing) -> Line:
    what = one.payment
    return Line(what.payment, what.payment, what.amount_minor, what.currency, one.moves[0].at.date())


def _attempt(one: Standing, attempt: int, called: str, file: str, day: date) -> Iterator[Line]:
    state = one.state_of(attempt)
    if state not in _AT_THE_BANK:
        return
    sent = Line(called, called, -one.payment.amount_minor, one.payment.currency, day, file)
    yield sent
    if state == RETURNED:
        came_back = next(move for move in reversed(one.moves) if move.attempt == attempt and move.state == RETURNED)
        yield sent._replace(
            key=f"{called}/returned",
            amount_minor=one.payment.amount_minor,
            day=came_back.at.date(),
            batch="",
            reverses=called,
        )
