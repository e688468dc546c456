"""Returns that race: many tills, the clock, and the member at once; each point and each cent moves once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from hub.services import business_clock
from partner_sdk import Client, Earning, Money, Refund, RefundResult, Refused
from tests.support import network
from tests.support.network import Network, broken_rows
from tests.support.sdk import Join, Sold, business_time, joining, sell
from tests.support.threads import at_once

DEBT = {"refunds": "debt"}
Call = Callable[[], Any]


@pytest.fixture(scope="module")
def own(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Yield a network of this file's own, because a test moves the clock."""
    with network.running(module_postgres_url, tmp_path_factory.mktemp("hub")) as running:
        yield running


@pytest.fixture
def join(own: Network) -> Iterator[Join]:
    with joining(own) as join:
        yield join


@pytest.fixture(autouse=True)
def sound(own: Network) -> Iterator[None]:
    """Every race leaves the ledger as its checks want it."""
    yield
    assert broken_rows(own.hub) == []


def outcome(call: Call) -> str:
    """What came of it, in a word: the kind of its answer, or the code of its refusal."""
    try:
        return type(call()).__name__
    except Refused as refusal:
        return refusal.code


def refund(shop: Client, event_id: str, sold: Sold, at: Any, minor: int | None = None) -> RefundResult:
    [result] = shop.refund([Refund(event_id, sold.event_id, at, None if minor is None else Money(minor, "USD"))])
    return result


def held(own: Network, state: str, hold: str) -> int:
    with own.hub.database.connect() as connection:
        query = text("SELECT count(*) FROM hub.hold WHERE event_id = :hold AND state = :state")
        return int(connection.execute(query, {"hold": hold, "state": state}).scalar_one())


# --- refunds of one sale ---


def test_many_tills_refund_parts_of_one_sale(own: Network, join: Join) -> None:
    """24 refunds of a tenth: ten are taken, and together they take exactly what was given."""
    shop, at = join(points=3, per_minor=70), business_time(own)
    sold = sell(own, shop, 1_000)
    results = at_once([partial(refund, shop, own.fresh("f"), sold, at, 100) for _ in range(24)])
    taken = [one for one in results if one.error is None]
    assert len(taken) == 10
    assert {one.error.code for one in results if one.error} == {"exceeds_original"}
    assert sum(one.points for one in taken) == sum(one.taken for one in taken) == 42
    assert shop.member(sold.member).available == 0


def test_many_tills_refund_one_sale_whole(own: Network, join: Join) -> None:
    shop, at = join(), business_time(own)
    sold = sell(own, shop, 1_000)
    sell(own, shop, 9_000, sold.member)
    results = at_once([partial(refund, shop, own.fresh("f"), sold, at) for _ in range(12)])
    assert Counter(one.error.code if one.error else one.status for one in results) == {
        "posted": 1,
        "exceeds_original": 11,
    }
    assert shop.member(sold.member).available == 90


def test_one_refund_sent_many_times_is_one_refund(own: Network, join: Join) -> None:
    shop, at, event_id = join(), business_time(own), own.fresh("f")
    sold = sell(own, shop, 1_000)
    results = at_once([partial(refund, shop, event_id, sold, at, 300) for _ in range(16)])
    assert sum(not one.duplicate for one in results) == 1
    assert {(one.status, one.points, one.taken) for one in results} == {("posted", 3, 3)}
    assert shop.member(sold.member).available == 7


def test_one_id_for_refunds_of_two_members_is_one_refund(own: Network, join: Join) -> None:
    """They wait for different members' locks, so nothing but the id itself keeps them apart."""
    shop, at = join(), business_time(own)
    for _ in range(8):
        sales, event_id = [sell(own, shop, 1_000) for _ in range(2)], own.fresh("f")
        results = at_once([partial(refund, shop, event_id, sold, at) for sold in sales])
        assert sorted(one.error.code if one.error else one.status for one in results) == ["event_conflict", "posted"]
        assert sum(shop.member(sold.member).available for sold in sales) == 10


# --- the same points wanted twice ---


def test_a_refund_against_a_redemption_of_the_same_points(own: Network, join: Join) -> None:
    """Whichever is first, what was given is taken once and spent at most once."""
    shop, at = join(terms=DEBT), business_time(own)
    for _ in range(10):
        sold = sell(own, shop, 1_000)
        calls: list[Call] = [
            partial(refund, shop, own.fresh("f"), sold, at),
            partial(outcome, partial(shop.redeem, own.fresh("r"), sold.member, 10)),
        ]
        back, spent = at_once(calls)
        view = shop.member(sold.member)
        assert (back.points, view.available) == (10, 0)
        assert spent in {"Redemption", "insufficient_points"}
        assert view.debt == back.owed == (10 if spent == "Redemption" else 0)


def test_a_refund_against_the_next_earning(own: Network, join: Join) -> None:
    """Neither may see the other; the debt is paid all the same, first and whole."""
    shop, at = join(terms=DEBT), business_time(own)
    for _ in range(10):
        sold = sell(own, shop, 1_000)
        shop.redeem(own.fresh("r"), sold.member, 10)
        sale = Earning(own.fresh("e"), sold.member, at, Money(1_500, "USD"))
        calls: list[Call] = [partial(refund, shop, own.fresh("f"), sold, at), partial(shop.earn, [sale])]
        back, _ = at_once(calls)
        assert back.taken + back.owed == 10
        view = shop.member(sold.member)
        assert (view.available, view.debt) == (5, 0)
        assert shop.redeem(own.fresh("r"), sold.member, 5).points == 5


def test_a_confirmation_against_a_refund(own: Network, join: Join) -> None:
    """What is confirmed and what is back add up, in either order, and nothing goes on waiting."""
    shop, at = join(terms={"maturity": {"confirmed": True}} | DEBT), business_time(own)
    for _ in range(10):
        sold = sell(own, shop, 1_000)
        sell(own, shop, 500, sold.member)
        calls: list[Call] = [
            partial(refund, shop, own.fresh("f"), sold, at, 400),
            partial(shop.confirm, sold.event_id),
            partial(shop.confirm, sold.event_id),
        ]
        back, first, second = at_once(calls)
        assert (back.points, back.taken) == (4, 4)
        assert first.points == second.points
        assert first.points in {6, 10}
        assert {first.duplicate, second.duplicate} == {False, True}
        view = shop.member(sold.member)
        assert (view.available, view.pending, view.debt) == (6, 5, 0)


def test_reversals_in_parts_against_each_other(own: Network, join: Join) -> None:
    shop = join(price=(7, 10))
    member = sell(own, shop, 10_000).member
    redemption = shop.redeem(own.fresh("r"), member, 100)
    calls = [partial(shop.reverse, redemption.redemption_id, 9, reversal_id=own.fresh("v")) for _ in range(16)]
    outcomes = Counter(at_once([partial(outcome, call) for call in calls]))
    assert outcomes == {"Reversal": 11, "exceeds_original": 5}
    assert shop.reverse(redemption.redemption_id).points == 1
    assert shop.member(member).available == 100
    with own.hub.database.connect() as connection:
        query = text("SELECT sum(amount_minor) FROM settlement.obligation WHERE redeemer = :shop")
        assert connection.execute(query, {"shop": shop.partner_id}).scalar_one() == 0


# --- holds ---


def test_capture_void_and_a_redemption_of_what_is_released(own: Network, join: Join) -> None:
    """One outcome of the hold; its points are spent once, by it or by the one who waited for them."""
    shop = join()
    for _ in range(10):
        member = sell(own, shop, 1_000).member
        hold = shop.hold(own.fresh("h"), member, 10, 600).redemption_id
        calls: list[Call] = [
            partial(shop.capture, hold, 6),
            partial(shop.void, hold),
            partial(shop.redeem, own.fresh("r"), member, 10),
            partial(shop.redeem, own.fresh("r"), member, 4),
        ]
        captured, voided, whole, rest = at_once([partial(outcome, call) for call in calls])
        assert {captured, voided} in ({"Capture", "hold_closed"}, {"hold_closed", "Voided"})
        spent = 6 * (captured == "Capture") + 10 * (whole == "Redemption") + 4 * (rest == "Redemption")
        assert spent <= 10
        view = shop.member(member)
        assert (view.available, view.held) == (10 - spent, 0)


def test_a_hold_is_captured_or_lapses_at_its_instant(own: Network, join: Join) -> None:
    """The clock reaches the instant while the hold is captured, voided and spent by others."""
    shop = join()
    for _ in range(12):
        member = sell(own, shop, 1_000).member
        hold = shop.hold(own.fresh("h"), member, 10, 1)
        assert hold.held_until is not None
        business_clock.move(own.hub, hold.held_until - timedelta(microseconds=1))
        name = hold.redemption_id
        calls: list[Call] = [
            partial(shop.capture, name),
            partial(business_clock.move, own.hub, hold.held_until),
            partial(shop.redeem, own.fresh("r"), member, 10),
            partial(shop.redeem, own.fresh("r"), member, 10),
        ]
        captured, _, *spent = at_once([partial(outcome, call) for call in calls])
        assert captured in {"Capture", "hold_closed"}
        assert [captured, *spent].count("Capture") + spent.count("Redemption") <= 1
        view = shop.member(member)
        used = captured == "Capture" or "Redemption" in spent
        assert (view.available, view.held) == (0 if used else 10, 0)
        assert held(own, "captured", name) == (captured == "Capture")
        again = outcome(partial(shop.capture, name))
        assert again == ("Capture" if captured == "Capture" else "hold_closed")


def test_many_holds_captures_and_refunds_of_a_few_members(own: Network, join: Join) -> None:
    """Everything at once on three members of two shops: each call has an outcome, and the ledger adds up."""
    shops, at = [join(terms=DEBT), join(price=(9, 10))], business_time(own)
    members = [own.member() for _ in range(3)]
    sales = [sell(own, shops[n % 2], 2_000, members[n % 3]) for n in range(12)]

    def life(number: int) -> list[str]:
        shop, member, sold = shops[number % 2], members[number % 3], sales[number % 12]
        hold, redemption = own.fresh("h"), own.fresh("r")
        return [
            outcome(partial(shop.hold, hold, member, 7, 600)),
            outcome(partial(shop.redeem, redemption, member, 5)),
            outcome(partial(shop.refund, [Refund(own.fresh("f"), sold.event_id, at, Money(300, "USD"))])),
            outcome(partial(shop.capture, hold, 3) if number % 4 else partial(shop.void, hold)),
            outcome(partial(shop.reverse, redemption, 2, reversal_id=own.fresh("v"))),
        ]

    outcomes = Counter(one for part in at_once([partial(life, number) for number in range(24)]) for one in part)
    assert outcomes["list"] == 24
    allowed = {
        "list", "Redemption", "Capture", "Voided", "Reversal", "insufficient_points", "member_in_debt",
        "unknown_event", "hold_closed",
    }  # fmt: skip
    assert set(outcomes) <= allowed
    assert outcomes["Reversal"] >= 1
