"""Payments, security and write-offs are held against what was due, what was approved and what the bank said."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, text

from settlement.books import books
from tests.settlement.booked import move_money

NEXT = "SELECT payment, 99, attempt, state, author, at, source, reason FROM settlement.payment_move"
FIRST = "= (SELECT min(payment) FROM settlement.payment WHERE direction = 'in')"
OUT = "= (SELECT min(payment) FROM settlement.payment WHERE direction = 'out')"
DOUBLED = (
    "SELECT break, 'EUR', debit_account, credit_account, partner, 1, posted_on, reason, maker, approver"
    " FROM settlement.write_off"
)


@pytest.fixture
def connection(corrected_once: Engine) -> Iterator[Connection]:
    """Yield a connection to two published cycles and money that moved; it is rolled back."""
    with corrected_once.connect() as connection:
        move_money(connection)
        yield connection


@pytest.mark.parametrize(
    ("check", "change"),
    [
        ("payment", f"UPDATE settlement.payment SET amount_minor = amount_minor + 1 WHERE payment {FIRST}"),
        ("payment", f"UPDATE settlement.payment SET partner = 'nobody' WHERE payment {FIRST}"),
        ("payment", f"UPDATE settlement.payment SET direction = 'out' WHERE payment {FIRST}"),
        ("payment", f"UPDATE settlement.payment SET cycle = '2016-12' WHERE payment {FIRST}"),
        ("payment", f"DELETE FROM settlement.payment WHERE payment {FIRST}"),
        ("payment", "INSERT INTO settlement.payment VALUES ('p', '2017-01', 'fuel', 'EUR', 'out', 1)"),
        ("payment", f"DELETE FROM settlement.payment_move WHERE seq = 9 AND payment {OUT}"),
        ("payment", "DELETE FROM settlement.bank_word WHERE says = 'returned' AND end_to_end_id LIKE '%-1'"),
        ("payment", f"UPDATE settlement.payment_move SET state = 'rejected' WHERE seq = 5 AND payment {OUT}"),
        ("payment move", f"DELETE FROM settlement.payment_move WHERE seq = 1 AND payment {FIRST}"),
        ("payment move", f"DELETE FROM settlement.payment_move WHERE seq = 3 AND payment {OUT}"),
        ("payment move", f"UPDATE settlement.payment_move SET attempt = 3 WHERE seq = 8 AND payment {OUT}"),
        ("payment move", f"INSERT INTO settlement.payment_move {NEXT} WHERE seq = 2 AND payment {FIRST}"),
        ("payment move", f"DELETE FROM settlement.payment_move WHERE payment {FIRST}"),
        ("security", "UPDATE settlement.security_entry SET amount_minor = 501 WHERE order_id = 'collateral'"),
        ("security", "UPDATE settlement.security_entry SET credit_account = 'fund:fuel' WHERE amount_minor = 500"),
        ("security", "UPDATE settlement.security_entry SET credit_account = 'pocket' WHERE amount_minor = 500"),
        ("security", "UPDATE settlement.security_entry SET order_id = 'none' WHERE order_id = 'capital'"),
        ("security", "DELETE FROM settlement.security_entry WHERE order_id = 'capital'"),
        ("security", "INSERT INTO settlement.security_entry VALUES ('capital', 2, 'bank', 'capital', 'USD', 900)"),
        ("security", "DELETE FROM settlement.approval WHERE subject = 'capital'"),
        ("security", "DELETE FROM settlement.security_order WHERE order_id = 'capital'"),
        ("security order", "UPDATE settlement.security_order SET content = '[]' WHERE order_id = 'capital'"),
        ("security order", "UPDATE settlement.security_order SET kind = 'withdrawal' WHERE order_id = 'capital'"),
        ("security order", "UPDATE settlement.security_order SET digest = 'x' WHERE order_id = 'capital'"),
        ("write-off", "UPDATE settlement.write_off SET amount_minor = 4"),
        ("write-off", "UPDATE settlement.write_off SET debit_account = 'clearing', credit_account = 'write_off'"),
        ("write-off", "UPDATE settlement.write_off SET debit_account = 'pocket'"),
        ("write-off", "UPDATE settlement.write_off SET reason = 'another'"),
        ("write-off", "DELETE FROM settlement.write_off"),
        ("write-off", f"INSERT INTO settlement.write_off {DOUBLED}"),
        ("write-off", "DELETE FROM settlement.approval WHERE kind = 'write_off'"),
    ],
)  # fmt: skip
def test_money_that_moved_otherwise_than_it_was_agreed_is_named(
    connection: Connection, check: str, change: str
) -> None:
    assert books(connection).findings == []
    assert connection.execute(text(change)).rowcount >= 1
    found = books(connection).findings
    assert check in {finding.check for finding in found}
    several = "bank_word" in change
    assert several or len({finding.row for finding in found}) <= 2, "what was not touched is not named"
