"""Money that moves for the tests of the books: payments, security and a write-off, as two people and a bank had it."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, insert

from settlement import approvals, security
from settlement.core.payment_ids import PAY, end_to_end_id
from settlement.core.payment_moves import APPLIED, PAYABLE, RELEASED, RETURNED, SENT, SETTLED
from settlement.core.write_offs import Entry, write_off_digest
from settlement.payments import payments
from settlement.store.dues import load_dues
from settlement.store.payment_tables import bank_word, payment_move
from settlement.store.reconciliation_tables import write_off
from tests.settlement.sample import AT

RETURNED_ONCE = (PAYABLE, RELEASED, SENT, SETTLED, RETURNED, PAYABLE, RELEASED, SENT, SETTLED)


def move_money(connection: Connection) -> None:
    """Pay January, put collateral, fund and capital up, and write three cents off."""
    _pay(connection)
    _put_up(connection)
    _write_off(connection)


def _pay(connection: Connection) -> None:
    """Settle all of January's payments; what is paid out comes back and is paid again, each time as the bank says."""
    words = []
    for one in payments.from_dues(connection, "2017-01", load_dues(connection, "2017-01"), author="anna", at=AT):
        states = RETURNED_ONCE if one.payment.direction == PAY else (PAYABLE, SETTLED)
        for seq, state in enumerate(states[1:], 2):
            attempt = 1 + (seq > 5)
            move = {"payment": one.payment.payment, "seq": seq, "attempt": attempt, "state": state}
            at = AT + timedelta(days=seq)
            connection.execute(insert(payment_move), move | {"author": "a", "at": at, "source": "", "reason": ""})
            if state in (SETTLED, RETURNED) and one.payment.direction == PAY:
                words.append({"end_to_end_id": end_to_end_id(one.payment.payment, attempt), "says": state})
    common = {"digest": b"d", "code": "", "reason": "", "outcome": APPLIED, "detail": ""}
    connection.execute(insert(bank_word), [common | word | {"place": place} for place, word in enumerate(words)])


def _write_off(connection: Connection) -> None:
    """Write 3 cents off, by two people."""
    entries = [Entry("USD", "write_off", "clearing", 3)]
    digest, about = write_off_digest("b1", entries, "r"), ("write_off", "b1")
    approvals.propose(connection, *about, digest, maker="a", at=AT, registered=False)
    approvals.approve(connection, *about, stated=digest, present=digest, approver="b", at=AT, registered=False)
    row = {"break": "b1", "partner": "fuel", "posted_on": AT.date(), "reason": "r", "maker": "a", "approver": "b"}
    connection.execute(insert(write_off), row | entries[0]._asdict())


def _put_up(connection: Connection) -> None:
    for kind, owner, minor in (("collateral", "fuel", 500), ("fund", "grocer", 70), ("capital", "", 900)):
        order = security.move(connection, kind, "deposit", (kind, owner), ("USD", minor), author="olga", at=AT)
        security.approve(connection, kind, order.digest, author="otto", at=AT, registered=False)
