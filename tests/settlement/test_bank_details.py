"""Where money goes is changed by two people, and each version stays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text

from settlement.core.bank_accounts import BankAccount, account_content
from settlement.core.parties import FUND
from settlement.core.payment_orders import BankHabits
from settlement.errors import ApprovalRefused, InvalidAccount
from settlement.payments import bank_details
from tests.settlement.paying import APPROVER, AT, MAKER, record
from tests.settlement.payments import BAKERY, DINER, GROCER


@pytest.fixture
def connection(posted_once: Engine) -> Iterator[Connection]:
    """Yield a connection to a database that all share; what is done is rolled back."""
    with posted_once.connect() as connection:
        yield connection


def proposed(connection: Connection, account: BankAccount, currency: str = "EUR", **habits: Any) -> bytes:
    content = account_content(account)
    made = bank_details.propose(connection, "bakery", currency, content, habits, author=MAKER, at=AT, registered=False)
    return made.digest


def approve(connection: Connection, stated: bytes, approver: str = APPROVER) -> None:
    bank_details.approve(connection, "bakery", "EUR", stated, approver=approver, at=AT, registered=False)


def used(connection: Connection, currency: str = "EUR") -> dict[str, BankAccount]:
    return {party: details.account for party, details in bank_details.in_force(connection, currency).items()}


def test_a_version_counts_from_its_approval_on(connection: Connection) -> None:
    first = proposed(connection, BAKERY)
    assert used(connection) == {}
    approve(connection, first)
    second = proposed(connection, GROCER)
    assert used(connection) == {"bakery": BAKERY}
    approve(connection, second)
    assert used(connection) == {"bakery": GROCER}
    assert used(connection, "USD") == {}
    assert [one.version for one in bank_details.listing(connection)] == [1, 2]


@pytest.mark.parametrize(
    ("stated", "approver", "code"),
    [(None, "ADA", "same_person"), (b"\0" * 32, APPROVER, "proposal_stale")],
)
def test_one_person_is_not_two_and_a_digest_is_that_of_what_was_seen(
    connection: Connection, stated: bytes | None, approver: str, code: str
) -> None:
    digest = proposed(connection, BAKERY)
    with pytest.raises(ApprovalRefused) as refused:
        approve(connection, stated or digest, approver)
    assert refused.value.code == code
    assert used(connection) == {}


def test_only_the_last_version_can_be_approved(connection: Connection) -> None:
    first = proposed(connection, BAKERY)
    proposed(connection, GROCER)
    with pytest.raises(ApprovalRefused, match="proposal_stale"):
        approve(connection, first)


def test_other_currencies_have_other_habits(connection: Connection) -> None:
    record(connection, "diner", DINER, "USD", {"message": "pain.001.001.03"})
    habits = bank_details.in_force(connection, "USD")["diner"].habits
    assert habits == BankHabits("pain.001.001.03", service_level="", charge_bearer="SHAR")


@pytest.mark.parametrize(
    ("party", "currency", "habits", "said"),
    [
        ("bakery", "euro", {}, "one currency"),
        (FUND, "EUR", {}, "one currency"),
        ("bakery", "EUR", {"speed": "fast"}, "habits: speed"),
        ("bakery", "EUR", [], "habits are an object"),
        ("bakery", "EUR", {"latin": "yes"}, "habits: latin"),
        ("bakery", "EUR", {"message": "pain.001.001.99"}, "habits: message"),
    ],
)
def test_what_is_refused(connection: Connection, party: str, currency: str, habits: Any, said: str) -> None:
    content = account_content(BAKERY)
    with pytest.raises(InvalidAccount, match=said):
        bank_details.propose(connection, party, currency, content, habits, author=MAKER, at=AT, registered=False)


AGREED = """
    INSERT INTO settlement.contract
        (partner, version, valid_from, terms, account, digest, drafted_by, drafted_at, published_by, published_at)
    VALUES ('baker', :version, :valid_from, '{"currency": "EUR"}', CAST(:account AS jsonb), '', 'a', now(), 'b', now())
"""


def agree(connection: Connection, version: int, valid_from: date, account: BankAccount) -> None:
    address = account.address
    parts = {"country": address.country, "town": address.town, "postcode": address.post_code, "street": address.street}
    document = {"iban": account.iban, "name": account.holder, "address": {k: v for k, v in parts.items() if v}}
    row = {"version": version, "valid_from": valid_from, "account": json.dumps(document)}
    connection.execute(text(AGREED), row)


def test_a_partner_without_details_on_record_is_paid_as_its_contract_says(connection: Connection) -> None:
    def paid(currency: str = "EUR", day: date = date(2017, 2, 1)) -> BankAccount | None:
        return bank_details.accounts(connection, currency, day).get("baker")

    agree(connection, 1, date(2017, 1, 1), BAKERY)
    agree(connection, 2, date(2017, 2, 1), GROCER)
    without_building = BAKERY._replace(address=BAKERY.address._replace(building=""))
    assert paid(day=date(2016, 12, 31)) is None
    assert paid(day=date(2017, 1, 31)) == without_building
    assert paid() == GROCER._replace(bic="")
    assert paid("USD") is None
    record(connection, "baker", BAKERY)
    assert paid() == BAKERY


def test_nothing_was_proposed(connection: Connection) -> None:
    with pytest.raises(InvalidAccount, match="nobody proposed"):
        approve(connection, b"")
