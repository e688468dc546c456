"""Payments are made from dues once, and what a partner pays in is noted once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine

from settlement.core.dues import Due
from settlement.core.parties import FUND
from settlement.core.payment_ids import PAY, RECEIVE
from settlement.core.payment_moves import PAYABLE, SETTLED
from settlement.errors import SettlementRefused, UnknownCycle, UnknownPayment
from settlement.payments import payments
from tests.settlement.paying import AT, BAKERY_PAID, DUES, FUEL_PAYS, GROCER_PAID, MAKER, due


@pytest.fixture
def connection(posted_once: Engine) -> Iterator[Connection]:
    """Yield a connection to a database that all share; what is done is rolled back."""
    with posted_once.connect() as connection:
        yield connection


@pytest.fixture
def january(connection: Connection) -> Connection:
    """Return a connection with January's payments."""
    payments.from_dues(connection, "2017-01", DUES, author=MAKER, at=AT)
    return connection


def test_each_due_is_a_payment_in_its_direction(january: Connection) -> None:
    made = [one.payment[2:] for one in payments.listing(january)]
    assert sorted(made) == [
        ("bakery", "EUR", PAY, 5012),
        ("bakery", "JPY", PAY, 700),
        ("fuel", "EUR", RECEIVE, 5013),
        ("grocer", "EUR", PAY, 1),
    ]
    first = payments.show(january, BAKERY_PAID).last
    assert (first.seq, first.attempt, first.state, first.author, first.source) == (1, 1, PAYABLE, MAKER, "2017-01")


def test_nothing_is_paid_to_those_whose_money_the_operator_keeps(connection: Connection) -> None:
    dues = [due("coalition", "EUR", 12), due(FUND, "EUR", 30), due("fuel", "EUR", -42)]
    made = payments.from_dues(connection, "2017-01", dues, author=MAKER, at=AT)
    assert [one.payment.partner for one in made] == ["fuel"], "nobody could record bank details of the coalition"
    assert payments.not_paid_out(connection, "2017-01") == []


def test_preparing_again_makes_nothing(january: Connection) -> None:
    before = payments.listing(january)
    again = payments.from_dues(january, "2017-01", reversed(DUES), author="other", at=AT + timedelta(days=1))
    assert again == before == payments.listing(january)


@pytest.mark.parametrize(
    "dues",
    [
        [*DUES[:1], due("grocer", "EUR", 2), *DUES[2:]],
        [*DUES, due("late", "EUR", 7)],
        DUES[1:],
        [due("bakery", "EUR", -5012), *DUES[1:]],
        [],
    ],
)
def test_other_dues_are_refused(january: Connection, dues: list[Due]) -> None:
    with pytest.raises(SettlementRefused, match="were made before, from other dues"):
        payments.from_dues(january, "2017-01", dues, author=MAKER, at=AT)


def test_a_cycle_in_which_nothing_is_due(connection: Connection) -> None:
    assert payments.from_dues(connection, "2017-01", [due("idle", "EUR", 0)], author=MAKER, at=AT) == []


def test_listings(january: Connection) -> None:
    def names(**asked: str) -> list[str]:
        return [one.payment.payment for one in payments.listing(january, **asked)]

    assert names(partner="grocer") == [GROCER_PAID]
    assert names(direction=RECEIVE) == [FUEL_PAYS]
    assert names(state=SETTLED) == names(cycle="2017-02") == []
    assert len(names(state=PAYABLE, cycle="2017-01")) == 4
    with pytest.raises(SettlementRefused, match="never 'paid'"):
        names(state="paid")
    with pytest.raises(SettlementRefused, match="goes 'in' or 'out'"):
        names(direction="up")


def test_a_payment_that_there_is_not(january: Connection) -> None:
    with pytest.raises(UnknownPayment):
        payments.show(january, "2017-01-EUR-AAAAAAAAAAAAAAAA")


def test_what_a_partner_paid_in(january: Connection) -> None:
    assert payments.not_paid_in(january, "2017-01") == [f"{FUEL_PAYS}: 50.13 EUR from fuel is payable"]
    once = payments.received(january, FUEL_PAYS, 5013, "EUR", author="bank", at=AT, source="STMT-1/4")
    again = payments.received(january, FUEL_PAYS, 5013, "EUR", author="bank", at=AT, source="STMT-1/4")
    assert once == again == payments.show(january, FUEL_PAYS)
    assert once.state == SETTLED
    assert payments.not_paid_in(january, "2017-01") == []
    out = payments.not_paid_out(january, "2017-01")
    assert len(out) == 3
    assert f"{BAKERY_PAID}: 50.12 EUR to bakery is payable" in out


def test_what_no_partner_paid_in(january: Connection) -> None:
    def received(name: str, minor: int = 5013, currency: str = "EUR", source: str = "STMT-1/4") -> None:
        payments.received(january, name, minor, currency, author="bank", at=AT, source=source)

    with pytest.raises(UnknownPayment):
        received(BAKERY_PAID, 5012)
    with pytest.raises(UnknownPayment):
        received("none")
    with pytest.raises(SettlementRefused, match=r"is 50\.13 EUR, and not 50\.12 EUR"):
        received(FUEL_PAYS, 5012)
    with pytest.raises(SettlementRefused, match=r"and not 5013 JPY"):
        received(FUEL_PAYS, 5013, "JPY")
    received(FUEL_PAYS)
    with pytest.raises(SettlementRefused, match="paid before, by STMT-1/4"):
        received(FUEL_PAYS, source="STMT-2/1")


def test_a_long_list_of_what_is_in_the_way_is_cut(connection: Connection) -> None:
    dues = [due(f"p{place:02}", "EUR", 1) for place in range(25)]
    payments.from_dues(connection, "2017-01", dues, author=MAKER, at=AT)
    found = payments.not_paid_out(connection, "2017-01")
    assert (len(found), found[-1]) == (21, "and 5 payments more")


def test_only_a_cycle_that_is_final_is_paid(published_once: Engine) -> None:
    with published_once.connect() as connection:
        with pytest.raises(SettlementRefused, match="has to be final"):
            payments.prepare(connection, "2017-01", author=MAKER, at=AT)
        with pytest.raises(UnknownCycle):
            payments.prepare(connection, "2018-01", author=MAKER, at=AT)
        assert payments.not_paid_out(connection, "2017-01") == [
            "its payments were not made yet: hansa payment prepare 2017-01"
        ]


def test_two_who_prepare_at_once_make_each_payment_once(engine: Engine) -> None:
    def prepare(_: int) -> bool:
        with engine.begin() as connection:
            try:
                payments.from_dues(connection, "2017-01", DUES, author=MAKER, at=AT)
            except SettlementRefused:
                connection.rollback()
                return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert any(threads.map(prepare, range(4)))
    with engine.begin() as connection:
        assert len(payments.listing(connection)) == 4
        assert all(len(one.moves) == 1 for one in payments.listing(connection))
