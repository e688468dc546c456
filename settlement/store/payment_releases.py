"""Releases in the database: orders as rows, and the orders that these rows give back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, insert, select

from settlement.core.bank_accounts import account_content
from settlement.core.payment_moves import Standing
from settlement.core.payment_orders import BankHabits, CreditTransfer, PaymentOrder
from settlement.payments.bank_accounts import from_content
from settlement.store.payment_tables import payment_release, payment_release_item
from settlement.store.payments import among, moved_once

_ITEM = payment_release_item.c


class Attempt(NamedTuple):
    """An attempt as it stands in a release: the name it bears, whose it is, and the stored form of the account."""

    end_to_end_id: str
    payment: str
    attempt: int
    amount_minor: int
    account: dict[str, Any]


def add_release(connection: Connection, order: PaymentOrder, file_digest: bytes, paid: Sequence[Standing]) -> None:
    """Write an order down; `paid` are the payments of its transfers, in the same order.

    Raises `SettlementRefused` when the very same was proposed before.
    """
    head = {
        "release": order.message_id,
        "currency": order.currency,
        "created_at": order.created_at,
        "execute_on": order.execute_on,
        "account": account_content(order.debtor),
        "habits": order.habits._asdict(),
        "file_digest": file_digest,
    }
    items = [
        {
            "release": head["release"],
            "end_to_end_id": transfer.end_to_end_id,
            "place": place,
            "payment": standing.payment.payment,
            "attempt": standing.last.attempt,
            "amount_minor": transfer.amount_minor,
            "account": account_content(transfer.to),
            "remittance": transfer.remittance,
        }
        for place, (standing, transfer) in enumerate(zip(paid, order.transfers, strict=True), 1)
    ]
    with moved_once():
        connection.execute(insert(payment_release), head)
        connection.execute(insert(payment_release_item), items)


def load_orders(connection: Connection, *names: str) -> list[tuple[str, PaymentOrder, bytes]]:
    """Releases of these names, or all, with their orders and file digests, in the order in which they were proposed."""
    query = select(payment_release).order_by(payment_release.c.created_at, payment_release.c.release)
    if names:
        query = query.where(among(payment_release.c.release, names))
    return [(row.release, _order(connection, row), bytes(row.file_digest)) for row in connection.execute(query).all()]


def attempts_in(connection: Connection, release: str) -> list[Attempt]:
    """The attempts in a release's file, in its order; none for no release."""
    return _attempts(connection, _ITEM.release == release)


def attempts_named(connection: Connection, names: Collection[str]) -> dict[str, Attempt]:
    """The attempts that bear these names; names that are in no file from here are left out."""
    return {one.end_to_end_id: one for one in _attempts(connection, among(_ITEM.end_to_end_id, names))}


def attempts_of(connection: Connection, payments: Collection[str]) -> list[Attempt]:
    """All attempts of these payments."""
    return _attempts(connection, among(_ITEM.payment, payments))


def _attempts(connection: Connection, which: ColumnElement[bool]) -> list[Attempt]:
    columns = [_ITEM[name] for name in Attempt._fields]
    query = select(*columns).where(which).order_by(_ITEM.release, _ITEM.place)
    return [Attempt._make(row) for row in connection.execute(query)]


def _order(connection: Connection, row: Any) -> PaymentOrder:
    items = connection.execute(select(payment_release_item).where(_ITEM.release == row.release).order_by(_ITEM.place))
    transfers = [
        CreditTransfer(item.end_to_end_id, item.amount_minor, from_content(item.account), item.remittance)
        for item in items
    ]
    debtor, habits = from_content(row.account), BankHabits(**row.habits)
    return PaymentOrder(row.currency, row.created_at, row.execute_on, debtor, habits, transfers)
