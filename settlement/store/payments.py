"""Payments in the database: read with their moves, held while something is decided about them, and moved once."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import ColumnElement, Connection, Text, any_, exists, insert, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import IntegrityError

from settlement.core.payment_moves import Payment, PaymentMove, Standing
from settlement.errors import SettlementRefused
from settlement.store.payment_tables import payment, payment_move

_PAYMENT = [payment.c[name] for name in Payment._fields]
_MOVE = [payment_move.c[name] for name in PaymentMove._fields]


def standings(connection: Connection, *conditions: ColumnElement[bool], hold: bool = False) -> list[Standing]:
    """The payments that fulfil all conditions, with their moves, by name; `hold` locks them for the transaction."""
    query = select(*_PAYMENT).where(*conditions).order_by(payment.c.payment)
    found = [Payment._make(row) for row in connection.execute(query.with_for_update() if hold else query)]
    moves = _moves(connection, [one.payment for one in found])
    return [Standing(one, moves[one.payment]) for one in found]


def stands_at(state: str) -> ColumnElement[bool]:
    """Payments whose last move is into a state."""
    later = payment_move.alias()
    is_last = ~exists().where(later.c.payment == payment_move.c.payment, later.c.seq > payment_move.c.seq)
    return payment.c.payment.in_(select(payment_move.c.payment).where(payment_move.c.state == state, is_last))


def named(names: Collection[str]) -> ColumnElement[bool]:
    """Payments of these names."""
    return among(payment.c.payment, names)


def among(column: ColumnElement[str], names: Collection[str]) -> ColumnElement[bool]:
    """Rows whose text is one of these: as one array, since a statement has at most 65,535 parameters."""
    return column == any_(literal(list(names), ARRAY(Text)))


def add_payments(connection: Connection, payments: Sequence[Payment], moves: Sequence[PaymentMove]) -> None:
    """Add payments with their first moves; raises `SettlementRefused` when somebody else added one at the same time."""
    if payments:
        with moved_once():
            connection.execute(insert(payment), [one._asdict() for one in payments])
        add_moves(connection, moves)


def add_moves(connection: Connection, moves: Sequence[PaymentMove]) -> None:
    """Add moves; raises `SettlementRefused` when another one took the place of one of them."""
    if moves:
        with moved_once():
            connection.execute(insert(payment_move), [move._asdict() for move in moves])


@contextlib.contextmanager
def moved_once() -> Iterator[None]:
    """Turn the refusal of a key that is taken into `SettlementRefused`."""
    try:
        yield
    except IntegrityError as error:
        raise SettlementRefused("somebody else moved one of these payments at the same time; look again") from error


def _moves(connection: Connection, names: Collection[str]) -> defaultdict[str, list[PaymentMove]]:
    found: defaultdict[str, list[PaymentMove]] = defaultdict(list)
    query = select(*_MOVE).where(among(payment_move.c.payment, names))
    for row in connection.execute(query.order_by(payment_move.c.payment, payment_move.c.seq)):
        found[row.payment].append(PaymentMove._make(row))
    return found
