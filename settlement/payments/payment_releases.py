"""Releases: the files by which the operator's bank is told to pay, each proposed by one person, released by another.

A release is everything that can be paid out in a currency, on one day, from the operator's account. What the second
person approves is the digest of the very file: when he does, the file is written again from the payments and bank
details as they are then, and must be the same. From then on the release's own rows give the file, whenever it is asked
for, to the byte.

Fetching the file the first time counts as sending it: nobody here can tell whether the bank got it, and a payment that
may have been made must not be made again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from settlement import approvals
from settlement.approvals import Approval
from settlement.core.bank_accounts import BankAccount, account_content
from settlement.core.bank_codes import ACCOUNT_REASONS, in_words
from settlement.core.parties import OPERATOR
from settlement.core.payment_ids import PAY, end_to_end_id
from settlement.core.payment_moves import PAYABLE, RELEASED, SENT, PaymentMove, Standing, following
from settlement.core.payment_orders import CreditTransfer, PaymentOrder
from settlement.core.people import signature
from settlement.errors import InvalidAccount, InvalidPayment, SettlementRefused, UnknownPayment
from settlement.formats import pain001
from settlement.payments import bank_details
from settlement.store.payment_releases import add_release, attempts_in, attempts_of, load_orders
from settlement.store.payment_tables import payment
from settlement.store.payments import add_moves, named, standings, stands_at

KIND = "payment_release"
"""Of approvals; their subject is the release."""


class Release(NamedTuple):
    """A file to the bank: its name, which is its message id, what it orders, its digest and who approved what."""

    release: str
    order: PaymentOrder
    file_digest: bytes
    approval: Approval

    @property
    def state(self) -> str:
        """`open`, `approved` or `void`."""
        return self.approval.state


def propose(
    connection: Connection, currency: str, execute_on: date, *, author: str, at: datetime, registered: bool
) -> Release:
    """Propose to pay all that is payable in a currency; a second operator approves it by the digest of its file.

    Raises `SettlementRefused` when nothing is payable, somebody's bank details are not on record, or a payment came
    back for bank details that are still the same; `InvalidPayment` for an order that no bank would take.
    """
    if execute_on < at.date():
        raise InvalidPayment(f"{execute_on} is past; no bank pays then")
    waiting = _payable(connection, currency)
    order = _order(connection, currency, at, execute_on, waiting, at.date())
    digest = hashlib.sha256(pain001.write(order)).digest()
    add_release(connection, order, digest, waiting)
    made = approvals.propose(connection, KIND, order.message_id, digest, maker=author, at=at, registered=registered)
    return Release(order.message_id, order, digest, made)


def approve(
    connection: Connection, name: str, stated: bytes, *, approver: str, at: datetime, registered: bool
) -> Release:
    """Release what was proposed, if the payments and bank details of now still give the same file.

    Raises `UnknownPayment` and `ApprovalRefused`.
    """
    proposed = show(connection, name)
    waiting = _payable(connection, proposed.order.currency)
    present = _present_digest(connection, proposed, waiting, at.date())
    decided = approvals.approve(
        connection, KIND, name, stated=stated, present=present, approver=approver, at=at, registered=registered
    )
    _move(connection, waiting, RELEASED, PaymentMove("", 0, 0, "", signature(approver), at, name))
    return proposed._replace(approval=decided)


def file(connection: Connection, name: str, *, author: str, at: datetime) -> bytes:
    """The file of an approved release, the same bytes each time; the first time its payments count as sent.

    Raises `UnknownPayment`; `SettlementRefused` for a release that nobody approved, or whose rows give another file.
    """
    release = show(connection, name)
    if release.state != approvals.APPROVED:
        raise SettlementRefused(f"{release.approval}: a second operator has to approve it before there is a file")
    written = pain001.write(release.order)
    if hashlib.sha256(written).digest() != release.file_digest:
        raise SettlementRefused(f"the rows of {name} give another file than the one that was approved")
    names = {one.payment for one in attempts_in(connection, name)}
    held = standings(connection, named(names), stands_at(RELEASED), hold=True)
    mine = [one for one in held if one.state == RELEASED and one.last.source == name]
    _move(connection, mine, SENT, PaymentMove("", 0, 0, "", signature(author), at, name))
    return written


def show(connection: Connection, name: str) -> Release:
    """A release; raises `UnknownPayment`."""
    found = load_orders(connection, name)
    if not found:
        raise UnknownPayment(f"there is no release {name}; 'hansa payment releases' lists them")
    return _release(connection, *found[0])


def listing(connection: Connection) -> list[Release]:
    """All releases, in the order in which they were proposed."""
    return [_release(connection, *found) for found in load_orders(connection)]


def _release(connection: Connection, name: str, order: PaymentOrder, file_digest: bytes) -> Release:
    return Release(name, order, file_digest, approvals.of_subject(connection, KIND, name)[-1])


def _payable(connection: Connection, currency: str) -> list[Standing]:
    mine = (payment.c.currency == currency, payment.c.direction == PAY)
    return [one for one in standings(connection, *mine, stands_at(PAYABLE), hold=True) if one.state == PAYABLE]


def _order(
    connection: Connection, currency: str, at: datetime, execute_on: date, waiting: Sequence[Standing], day: date
) -> PaymentOrder:
    """What the payments come to with the bank details that are used on a day."""
    if not waiting:
        raise SettlementRefused(f"nothing is payable in {currency}")
    debtor = bank_details.in_force(connection, currency).get(OPERATOR)
    accounts = bank_details.accounts(connection, currency, day)
    missing = {OPERATOR, *(one.payment.partner for one in waiting)} - accounts.keys()
    if missing or debtor is None:
        parties = ", ".join(sorted(missing))
        raise SettlementRefused(
            f"no approved bank details in {currency} of {parties}; 'hansa payment account' records them"
        )
    _refuse_same_account(connection, waiting, accounts)
    transfers = [_transfer(one, accounts[one.payment.partner]) for one in waiting]
    return PaymentOrder(currency, at, execute_on, debtor.account, debtor.habits, transfers)


def _transfer(standing: Standing, account: BankAccount) -> CreditTransfer:
    one = standing.payment
    name = end_to_end_id(one.payment, standing.last.attempt)
    return CreditTransfer(name, one.amount_minor, account, f"Settlement {one.cycle} {one.partner}")


def _refuse_same_account(connection: Connection, waiting: Sequence[Standing], accounts: dict[str, BankAccount]) -> None:
    """Raise where the last attempt failed for bank details that would be used again."""
    failed = {one.payment.payment: one for one in waiting if _failed_for_account(one)}
    for used in attempts_of(connection, failed):
        standing = failed[used.payment]
        partner = standing.payment.partner
        if used.attempt == standing.last.attempt - 1 and used.account == account_content(accounts[partner]):
            why = in_words(standing.moves[-2].reason)
            raise SettlementRefused(f"{used.payment} came back: {why}; record other bank details of {partner}")


def _failed_for_account(standing: Standing) -> bool:
    return len(standing.moves) > 1 and not ACCOUNT_REASONS.isdisjoint(standing.moves[-2].reason.split())


def _present_digest(connection: Connection, proposed: Release, waiting: Sequence[Standing], day: date) -> bytes:
    """The digest of the file that payments and bank details of this day give; empty when they give none."""
    order = proposed.order
    try:
        present = _order(connection, order.currency, order.created_at, order.execute_on, waiting, day)
        return hashlib.sha256(pain001.write(present)).digest()
    except (SettlementRefused, InvalidPayment, InvalidAccount):
        return b""


def _move(connection: Connection, held: Sequence[Standing], state: str, by: PaymentMove) -> None:
    moves = [move for one in held for move in following(one, [(one.last.attempt, state)], by)]
    add_moves(connection, moves)
