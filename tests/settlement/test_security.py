"""Security and defaults: two people, one booking, nothing but what was seen, and the example of a failed partner."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from settlement import limits, security
from settlement.core.exposure import CreditLine
from settlement.core.security import USUAL_LAYERS, Entry
from settlement.errors import ApprovalRefused, NotPublished, SecurityRefused, WaterfallRefused
from settlement.store.security import Order
from tests.settlement.agreed import agree
from tests.settlement.sample import AT
from tests.settlement.test_limits import DAY

USD = "USD"
PUT_UP = [
    ("collateral", "late", 4000),
    ("fund", "late", 1500),
    ("capital", "", 1000),
    ("fund", "a", 6000),
    ("fund", "b", 3000),
    ("fund", "c", 1000),
]


def booked(connection: Connection, order: Order) -> Sequence[Entry]:
    return security.approve(connection, order.order_id, order.digest, author="ben", at=AT)[1]


def move(connection: Connection, kind: str, account: str, partner: str, minor: int, order_id: str = "") -> Order:
    name = order_id or f"{kind}-{account}-{partner}"
    return security.move(connection, name, kind, (account, partner), (USD, minor), author="ada", at=AT)


def declare(connection: Connection, rules: Sequence[Any] = USUAL_LAYERS, author: str = "ada") -> Order:
    return security.declare(connection, "late", "2017-01", rules, author=author, at=AT)


@pytest.fixture
def connection(failed_once: Engine) -> Iterator[Connection]:
    """Yield a connection to January in which late owes 10,000, with what everybody has put up; all is rolled back."""
    with failed_once.connect() as connection:
        for account, partner, minor in PUT_UP:
            booked(connection, move(connection, "deposit", account, partner, minor))
        yield connection


def test_the_example_of_a_failed_partner_is_booked(connection: Connection) -> None:
    """Shortfall 100.00: 40, 15 and 10 of its own and the house, then 21, 10.50 and 3.50 of the survivors' fund."""
    order = declare(connection)
    assert order.content["shortfalls"] == {USD: 10_000}
    entries = booked(connection, order)
    assert [(entry.debit_account, entry.amount_minor) for entry in entries] == [
        ("collateral:late", 4000),
        ("fund:late", 1500),
        ("capital", 1000),
        ("fund:a", 2100),
        ("fund:b", 1050),
        ("fund:c", 350),
    ]
    found = security.balances(connection)
    assert found["default:late", USD] == 10_000
    assert (found["fund:a", USD], found["collateral:late", USD]) == (3900, 0)
    assert sum(found.values()) == 0
    with pytest.raises(SecurityRefused, match="booked before"):
        declare(connection)


def test_what_was_gathered_is_used_for_the_dues_and_nobody_pays_it_in(connection: Connection) -> None:
    booked(connection, declare(connection))
    with pytest.raises(SecurityRefused, match="comes from its default alone"):
        move(connection, "deposit", "gathered", "late", 1)
    booked(connection, move(connection, "withdrawal", "gathered", "late", 10_000))
    assert security.balances(connection)["default:late", USD] == 0
    with pytest.raises(SecurityRefused, match="has 0"):
        booked(connection, move(connection, "withdrawal", "gathered", "late", 1, "again"))


def test_a_simulation_says_the_same_and_stores_nothing(connection: Connection) -> None:
    before = security.balances(connection)
    found = security.simulate(connection, "2017-01", "late", USUAL_LAYERS)
    (shared,) = found.shared
    assert [one.amount_minor for one in shared.waterfall.borne] == [4000, 1500, 1000, 2100, 1050, 350]
    assert {row.partner: row.change_minor for row in found.unwound} == {"a": -7000, "b": -3500, "c": 500}
    assert (security.balances(connection), security.orders(connection, "default")) == (before, [])
    with pytest.raises(SecurityRefused, match="no part"):
        security.simulate(connection, "2017-01", "nobody", USUAL_LAYERS)


def test_layers_are_data(connection: Connection) -> None:
    rules = [{"layer": "operator_capital"}, {"layer": "assessment", "percent_of_fund": 50}]
    content = declare(connection, rules).content
    assert [one["amount_minor"] for one in content["borne"]] == [1000, 3000, 1500, 500]
    assert content["uncovered"] == {USD: 4000}


@pytest.mark.parametrize(
    "rules",
    [
        [{"layer": "luck"}],
        [{"layer": "own_fund", "percent_of_fund": 5}],
        [{"layer": "assessment"}],
        [{"layer": "assessment", "percent_of_fund": "all"}],
        [{"layer": "assessment", "percent_of_fund": -1}],
        [{"layer": "own_fund"}, {"layer": "own_fund"}],
        ["own_fund"],
        [{}],
        [{"layer": []}],
    ],
)
def test_layers_that_make_no_sense_are_refused(connection: Connection, rules: list[Any]) -> None:
    with pytest.raises(WaterfallRefused):
        declare(connection, rules)


def test_an_approval_is_by_somebody_else_of_what_was_seen(connection: Connection) -> None:
    order = declare(connection)

    def code(digest: bytes, author: str) -> str:
        with pytest.raises(ApprovalRefused) as refused:
            security.approve(connection, order.order_id, digest, author=author, at=AT)
        return refused.value.code

    assert code(order.digest, "Ada ") == "same_person"
    assert code(bytes(32), "ben") == "proposal_stale"
    booked(connection, move(connection, "withdrawal", "fund", "c", 500, "meanwhile"))
    assert code(order.digest, "ben") == "proposal_changed"
    assert ("default:late", USD) not in security.balances(connection)
    again = declare(connection)
    assert (again.order_id, again.content["shortfalls"]) == ("default-late-2017-01-2", {USD: 10_000})
    booked(connection, again)
    with pytest.raises(ApprovalRefused):
        booked(connection, again)


def test_a_withdrawal_takes_no_more_than_there_is(connection: Connection) -> None:
    with pytest.raises(SecurityRefused, match="has 1000"):
        booked(connection, move(connection, "withdrawal", "fund", "c", 1001))
    booked(connection, move(connection, "withdrawal", "capital", "", 1000))
    assert security.balances(connection)["capital", USD] == 0


@pytest.mark.parametrize(
    ("account", "partner", "minor"), [("gold", "a", 1), ("capital", "a", 1), ("fund", "", 1), ("fund", "a", 0)]
)
def test_orders_that_make_no_sense_are_refused(connection: Connection, account: str, partner: str, minor: int) -> None:
    with pytest.raises(SecurityRefused):
        move(connection, "deposit", account, partner, minor)


def test_a_default_that_nobody_can_bear_is_booked_as_such(connection: Connection) -> None:
    order = declare(connection, [])
    assert order.content["uncovered"] == {USD: 10_000}
    assert booked(connection, order) == []
    with pytest.raises(SecurityRefused, match="booked before"):
        declare(connection)


def test_an_order_is_made_once(connection: Connection) -> None:
    order = move(connection, "deposit", "fund", "d", 5, "mine")
    assert move(connection, "deposit", "fund", "d", 5, "mine") == order
    with pytest.raises(SecurityRefused, match="another order"):
        move(connection, "deposit", "fund", "d", 6, "mine")
    with pytest.raises(SecurityRefused, match="no order"):
        security.approve(connection, "nothing", b"", author="ben", at=AT)


def test_who_owes_nothing_or_in_an_open_cycle_has_not_failed(connection: Connection) -> None:
    with pytest.raises(SecurityRefused, match="owes nothing"):
        security.declare(connection, "a", "2017-01", USUAL_LAYERS, author="ada", at=AT)
    with pytest.raises(NotPublished):
        security.declare(connection, "late", "2017-02", USUAL_LAYERS, author="ada", at=AT)


def test_what_was_paid_in_beforehand_is_the_limit(connection: Connection) -> None:
    """400 paid in, none owed: the line is 400, the alert comes when less than 100 is left."""
    terms = {"form": "prepaid", "balance_minor": 500, "low_minor": 100, "hard_stop": True}
    agree(connection, "new", {"credit": terms})
    assert limits.renew(connection, DAY, AT)
    assert limits.watched(connection)["new", USD] == CreditLine("new", USD, 0, -100, True)
    booked(connection, move(connection, "deposit", "prepaid", "new", 400))
    assert limits.renew(connection, DAY, AT)
    assert limits.watched(connection)["new", USD] == CreditLine("new", USD, 400, 300, True)
