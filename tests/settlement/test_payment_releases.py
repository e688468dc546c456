"""Paying takes two people; what the second one approves is the very file, and the file never changes after that."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from lxml import etree
from sqlalchemy import Connection, Engine, text

from settlement.core.payment_ids import end_to_end_id
from settlement.core.payment_moves import PAYABLE, RELEASED, SENT
from settlement.errors import ApprovalRefused, InvalidPayment, SettlementRefused, UnknownPayment
from settlement.formats.schemas import schema
from settlement.payments import payment_releases, payments
from settlement.store.payment_releases import attempts_in
from tests.settlement.paying import (
    AT,
    BAKERY_PAID,
    FUEL_PAYS,
    GROCER_PAID,
    MAKER,
    approve,
    due,
    fetch,
    payable,
    propose,
    record,
    sent,
    states,
)
from tests.settlement.payments import BAKERY, GROCER


@pytest.fixture
def connection(posted_once: Engine) -> Iterator[Connection]:
    """Yield a connection to a database that all share; what is done is rolled back."""
    with posted_once.connect() as connection:
        yield connection


@pytest.fixture
def january(connection: Connection) -> Connection:
    """Return a connection with January's payments and everybody's bank details."""
    payable(connection)
    return connection


def test_from_payable_to_sent(january: Connection) -> None:
    release = propose(january)
    assert states(january) == {BAKERY_PAID: PAYABLE, GROCER_PAID: PAYABLE, FUEL_PAYS: PAYABLE}
    approve(january, release)
    assert states(january) == {BAKERY_PAID: RELEASED, GROCER_PAID: RELEASED, FUEL_PAYS: PAYABLE}
    file = fetch(january, release)
    assert states(january) == {BAKERY_PAID: SENT, GROCER_PAID: SENT, FUEL_PAYS: PAYABLE}
    schema("pain.001.001.09").assertValid(etree.fromstring(file))
    assert file.count(b"<CtrlSum>50.13</CtrlSum>") == 2
    assert [move.state for move in payments.show(january, BAKERY_PAID).moves] == [PAYABLE, RELEASED, SENT]
    assert payment_releases.listing(january)[0].release == release.release


def test_the_file_is_the_same_whatever_changes_afterwards(january: Connection) -> None:
    release = propose(january)
    approve(january, release)
    file = fetch(january, release)
    record(january, "bakery", GROCER)
    payments.from_dues(january, "2017-02", [due("bakery", "EUR", 9)], author=MAKER, at=AT)
    assert fetch(january, release) == file
    assert states(january)[BAKERY_PAID] == SENT


def test_no_file_before_a_second_person_approved(january: Connection) -> None:
    release = propose(january)
    with pytest.raises(SettlementRefused, match="a second operator has to approve"):
        fetch(january, release)


def test_what_is_under_way_is_not_released_again(january: Connection) -> None:
    approve(january, propose(january))
    with pytest.raises(SettlementRefused, match="nothing is payable in EUR"):
        propose(january)


def change_bank_details(connection: Connection) -> None:
    record(connection, "bakery", GROCER)


def change_habits(connection: Connection) -> None:
    record(connection, "@operator", BAKERY, habits={"batch": True})


def pay_more(connection: Connection) -> None:
    payments.from_dues(connection, "2017-02", [due("grocer", "EUR", 9)], author=MAKER, at=AT)


def alter_an_amount(connection: Connection) -> None:
    connection.execute(text("UPDATE settlement.payment SET amount_minor = 5013 WHERE partner = 'bakery'"))


def alter_the_day(connection: Connection) -> None:
    connection.execute(text("UPDATE settlement.payment_release SET execute_on = '2017-02-07'"))


def release_otherwise(connection: Connection) -> None:
    approve(connection, propose(connection, AT + timedelta(hours=1)))


CHANGES = [change_bank_details, change_habits, pay_more, alter_an_amount, alter_the_day, release_otherwise]


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_between_the_two_voids_the_approval(january: Connection, change: Any) -> None:
    release = propose(january)
    change(january)
    with pytest.raises(ApprovalRefused) as refused:
        approve(january, release)
    assert refused.value.code == "proposal_changed"


def test_one_person_is_not_two(january: Connection) -> None:
    release = propose(january)
    with pytest.raises(ApprovalRefused, match="same_person"):
        approve(january, release, approver=" ADA ")
    with pytest.raises(ApprovalRefused, match="proposal_stale"):
        approve(january, release, stated=b"\0" * 32)
    approve(january, release)
    with pytest.raises(ApprovalRefused, match="proposal_"):
        approve(january, release)


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE settlement.payment_release_item SET amount_minor = amount_minor + 1 WHERE place = 1",
        "DELETE FROM settlement.payment_release_item WHERE place = 2",
        "UPDATE settlement.payment_release_item SET account = (SELECT account FROM settlement.bank_account LIMIT 1)",
        "UPDATE settlement.payment_release SET execute_on = execute_on + 1",
    ],
)
def test_rows_that_were_touched_give_no_file(january: Connection, tampering: str) -> None:
    release = propose(january)
    approve(january, release)
    january.execute(text(tampering))
    with pytest.raises(SettlementRefused, match="another file"):
        fetch(january, release)


def test_who_has_no_bank_details_is_named(connection: Connection) -> None:
    payments.from_dues(connection, "2017-01", [due("b", "EUR", 1), due("a", "EUR", 1)], author=MAKER, at=AT)
    with pytest.raises(SettlementRefused, match="no approved bank details in EUR of @operator, a, b"):
        propose(connection)


def test_a_name_that_the_bank_cannot_take(january: Connection) -> None:
    record(january, "bakery", BAKERY._replace(holder="上海面包店"))
    with pytest.raises(InvalidPayment, match=f"{BAKERY_PAID}-1"):
        propose(january)


def test_a_day_that_is_past(january: Connection) -> None:
    with pytest.raises(InvalidPayment, match="2017-02-06 is past"):
        propose(january, AT + timedelta(days=4))


def test_a_release_that_there_is_not(connection: Connection) -> None:
    with pytest.raises(UnknownPayment, match="no release"):
        payment_releases.show(connection, "HANSA-AAAAAAAAAAAAAAAA")


def test_of_two_releases_of_the_same_payments_one_is_approved(engine: Engine) -> None:
    with engine.begin() as connection:
        payable(connection)
        both = [propose(connection, AT + timedelta(minutes=place)) for place in range(2)]

    def attempt(release: Any) -> bool:
        with engine.connect() as connection:
            try:
                approve(connection, release)
            except ApprovalRefused:
                return False
            connection.commit()
        return True

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(attempt, both)) == [False, True]
    with engine.begin() as connection:
        assert states(connection)[BAKERY_PAID] == RELEASED
        assert len(payments.show(connection, BAKERY_PAID).moves) == 2


def test_names_are_those_of_the_payments(connection: Connection) -> None:
    release, _ = sent(connection)
    names = [one.end_to_end_id for one in release.order.transfers]
    assert names == [one.end_to_end_id for one in attempts_in(connection, release.release)]
    assert names == sorted([end_to_end_id(BAKERY_PAID, 1), end_to_end_id(GROCER_PAID, 1)])
