"""Maturity through the real SDK against a real hub: seen, not spent, until its instant or the partner's word."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

import pytest

from hub.services import business_clock, end_of_day, partners
from partner_sdk import (
    Client,
    Conflict,
    Earning,
    EarningResult,
    Event,
    InsufficientPoints,
    Money,
    NotFound,
    Refund,
    RefundResult,
)
from tests.support import network
from tests.support.coalition import FIRST_DAY
from tests.support.network import Network, broken_rows
from tests.support.sdk import Join, business_time, joining, sell

A_WEEK = {"maturity": {"days": 7}}
ON_WORD = {"maturity": {"confirmed": True}}
TICK = timedelta(microseconds=1)


@pytest.fixture(scope="module")
def own(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Yield a network of this file's own, because its tests move the clock."""
    with network.running(module_postgres_url, tmp_path_factory.mktemp("hub")) as running:
        yield running
        assert broken_rows(running.hub) == []


@pytest.fixture
def join(own: Network) -> Iterator[Join]:
    with joining(own) as join:
        yield join


def report(own: Network, shop: Client, minor: int, at: datetime | None = None) -> tuple[EarningResult, str]:
    """Report a sale to a new member; return its result and the member."""
    member = own.member()
    [result] = shop.earn([Earning(own.fresh("e"), member, at or business_time(own), Money(minor, "USD"))])
    return result, member


def refund(own: Network, shop: Client, sold: str, minor: int | None = None) -> RefundResult:
    amount = None if minor is None else Money(minor, "USD")
    [result] = shop.refund([Refund(own.fresh("f"), sold, business_time(own), amount)])
    assert result.error is None, result
    return result


def points(shop: Client, member: str) -> tuple[int, int]:
    """What a member can spend, and what waits."""
    view = shop.member(member)
    return view.available, view.pending


def recorded(shop: Client, event_id: str) -> Event:
    return next(one for page in shop.events() for one in page.items if one.event_id == event_id)


# --- by days ---


def test_points_mature_exactly_at_their_instant(own: Network, join: Join) -> None:
    """Midnight in UTC, seven days after the day of the sale; nothing has to run for it."""
    shop = join(terms=A_WEEK)
    result, member = report(own, shop, 1_000)
    day = business_time(own).date() + timedelta(days=7)
    instant = datetime.combine(day, time(), UTC)
    assert (result.status, result.points, result.available_at) == ("pending", 10, instant)
    business_clock.move(own.hub, instant - TICK)
    assert points(shop, member) == (0, 10)
    assert shop.quote_redemption(member, 1).enough is False
    with pytest.raises(InsufficientPoints):
        shop.redeem(own.fresh("r"), member, 1)
    with pytest.raises(InsufficientPoints):
        shop.hold(own.fresh("h"), member, 1, 60)
    business_clock.move(own.hub, instant)
    assert points(shop, member) == (10, 0)
    assert shop.redeem(own.fresh("r"), member, 10).points == 10


def test_a_sale_that_is_reported_after_its_window_is_spent_at_once(own: Network, join: Join) -> None:
    shop = join(terms=A_WEEK)
    at = business_time(own)
    waiting, _ = report(own, shop, 1_000, at - timedelta(days=6))
    over, member = report(own, shop, 1_000, at - timedelta(days=7))
    assert (waiting.status, over.status) == ("pending", "posted")
    assert points(shop, member) == (10, 0)


def test_a_quote_says_when_points_mature(own: Network, join: Join) -> None:
    shop, by_word = join(terms=A_WEEK), join(terms=ON_WORD)
    sale = Earning("not sent", own.member(), business_time(own), Money(1_000, "USD"))
    day = business_time(own).date() + timedelta(days=7)
    assert shop.quote_earning(sale).available_at == datetime.combine(day, time(), UTC)
    assert by_word.quote_earning(sale).available_at is None


def test_a_replay_says_what_was_said_first_also_after_the_instant(own: Network, join: Join) -> None:
    shop = join(terms=A_WEEK)
    sale = Earning(own.fresh("e"), own.member(), business_time(own), Money(1_000, "USD"))
    [first] = shop.earn([sale])
    business_clock.move(own.hub, business_time(own) + timedelta(days=8))
    [again] = shop.earn([sale])
    assert again.duplicate
    assert (again.status, again.available_at, again.points) == (first.status, first.available_at, first.points)
    assert recorded(shop, sale.event_id).status == "pending"


def test_what_is_pending_pays_no_debt_until_it_matures(own: Network, join: Join) -> None:
    shop = join(terms={"refunds": "debt"})
    sold = sell(own, shop, 1_000)
    shop.redeem(own.fresh("r"), sold.member, 10)
    refund(own, shop, sold.event_id)
    waiting = join(terms=A_WEEK)
    sell(own, waiting, 3_000, sold.member)
    view = shop.member(sold.member)
    assert (view.available, view.pending, view.debt) == (0, 30, 10)
    business_clock.move(own.hub, business_time(own) + timedelta(days=8))
    view = shop.member(sold.member)
    assert (view.available, view.pending, view.debt) == (20, 0, 0)


def test_a_refund_while_pending_touches_nothing_else(own: Network, join: Join) -> None:
    """Neither what can be spent nor what other sales of the same day wait with; nobody owes anybody."""
    shop, ready = join(terms=A_WEEK | {"refunds": "debt"}), join()
    sold = sell(own, shop, 1_000)
    sell(own, shop, 500, sold.member)
    sell(own, ready, 2_000, sold.member)
    back = refund(own, shop, sold.event_id, 600)
    assert (back.points, back.taken) == (6, 6)
    assert points(shop, sold.member) == (20, 9)
    back = refund(own, shop, sold.event_id)
    assert (back.taken, back.owed, back.borne) == (4, 0, 0)
    assert points(shop, sold.member) == (20, 5)
    assert shop.member(sold.member).debt == 0


# --- by the partner's word ---


def test_points_wait_until_the_partner_confirms_the_sale(own: Network, join: Join) -> None:
    shop = join(terms=ON_WORD)
    result, member = report(own, shop, 1_000)
    assert (result.status, result.available_at) == ("pending", None)
    assert points(shop, member) == (0, 10)
    business_clock.move(own.hub, business_time(own) + timedelta(days=20))
    assert points(shop, member) == (0, 10)
    with pytest.raises(InsufficientPoints):
        shop.redeem(own.fresh("r"), member, 1)
    confirmed = shop.confirm(result.event_id)
    assert (confirmed.event_id, confirmed.points, confirmed.duplicate) == (result.event_id, 10, False)
    assert confirmed.available_at == business_time(own)
    assert points(shop, member) == (10, 0)
    assert shop.redeem(own.fresh("r"), member, 10).points == 10


def test_a_confirmation_again_gets_the_first_answer(own: Network, join: Join) -> None:
    shop = join(terms=ON_WORD)
    result, member = report(own, shop, 1_000)
    first = shop.confirm(result.event_id)
    shop.redeem(own.fresh("r"), member, 4)
    refund(own, shop, result.event_id)
    business_clock.move(own.hub, business_time(own) + timedelta(hours=1))
    again = shop.confirm(result.event_id)
    assert again.duplicate
    assert (again.points, again.available_at) == (first.points, first.available_at)
    event = recorded(shop, f"{result.event_id}/confirm")
    assert (event.kind, event.refers_to, event.points) == ("confirmation", result.event_id, 10)


def test_a_confirmation_is_of_one_sale_and_not_of_those_beside_it(own: Network, join: Join) -> None:
    shop = join(terms=ON_WORD)
    one = sell(own, shop, 1_000)
    two = sell(own, shop, 700, one.member)
    shop.confirm(one.event_id)
    assert points(shop, one.member) == (10, 7)
    shop.confirm(two.event_id)
    assert points(shop, one.member) == (17, 0)


def test_only_what_waits_for_it_is_confirmed(own: Network, join: Join) -> None:
    by_days, at_once, by_word = join(terms=A_WEEK), join(), join(terms=ON_WORD)
    for shop in (by_days, at_once):
        sold, shop_of = sell(own, shop, 1_000), shop
        with pytest.raises(Conflict) as refusal:
            shop_of.confirm(sold.event_id)
        assert refusal.value.code == "not_pending"
    sold = sell(own, by_word, 1_000)
    back = refund(own, by_word, sold.event_id, 100)
    with pytest.raises(Conflict) as refusal:
        by_word.confirm(back.event_id)
    assert refusal.value.code == "not_reversible"
    for client, unknown in ((by_word, own.fresh("nothing")), (at_once, sold.event_id)):
        with pytest.raises(NotFound) as missing:
            client.confirm(unknown)
        assert missing.value.code == "unknown_event"


def test_what_was_refunded_while_pending_does_not_mature(own: Network, join: Join) -> None:
    shop = join(terms=ON_WORD)
    sold, gone = sell(own, shop, 1_000), sell(own, shop, 1_000)
    refund(own, shop, sold.event_id, 300)
    refund(own, shop, gone.event_id)
    assert shop.confirm(sold.event_id).points == 7
    assert shop.confirm(gone.event_id).points == 0
    assert points(shop, sold.member) == (7, 0)
    assert points(shop, gone.member) == (0, 0)


def test_a_refund_after_confirmation_takes_what_matured_and_nothing_that_waits(own: Network, join: Join) -> None:
    shop = join(terms=ON_WORD | {"refunds": "debt"})
    sold = sell(own, shop, 1_000)
    sell(own, shop, 1_000, sold.member)
    shop.confirm(sold.event_id)
    shop.redeem(own.fresh("r"), sold.member, 4)
    back = refund(own, shop, sold.event_id)
    assert (back.taken, back.owed) == (6, 4)
    assert points(shop, sold.member) == (0, 10)
    assert shop.member(sold.member).debt == 4


def test_confirmed_points_pay_a_debt_first(own: Network, join: Join) -> None:
    shop = join(terms=ON_WORD | {"refunds": "debt"})
    sold = sell(own, shop, 1_000)
    other = sell(own, shop, 700, sold.member)
    shop.confirm(sold.event_id)
    shop.redeem(own.fresh("r"), sold.member, 10)
    assert refund(own, shop, sold.event_id).owed == 10
    assert shop.confirm(other.event_id).points == 7
    assert points(shop, sold.member) == (0, 0)
    assert shop.member(sold.member).debt == 3


def test_two_rules_that_give_the_same_points_are_confirmed_together(own: Network, join: Join) -> None:
    """Their lines are in one lot: each takes its own part of it, and no more than there is."""
    shop = join(terms=ON_WORD, gives=({}, {"kind": "base"}))
    sold = sell(own, shop, 1_000)
    refund(own, shop, sold.event_id, 400)
    assert points(shop, sold.member) == (0, 12)
    assert shop.confirm(sold.event_id).points == 12
    assert points(shop, sold.member) == (12, 0)
    back = refund(own, shop, sold.event_id)
    assert (back.points, back.taken) == (12, 12)


def test_a_rule_that_changed_since_does_not_change_what_matures(own: Network, join: Join) -> None:
    shop = join(terms=ON_WORD)
    sold = sell(own, shop, 1_000)
    partners.set_rate(
        own.hub, shop.partner_id, "earning", FIRST_DAY, "USD", [{"rule": "linear", "points": 9, "per_minor": 100}]
    )
    partners.set_contract(own.hub, shop.partner_id, FIRST_DAY, 6, True, {})
    assert shop.confirm(sold.event_id).points == 10
    assert points(shop, sold.member) == (10, 0)


# --- expiry of what waits; these tests move the clock by months, so they come last ---


def next_month(own: Network) -> datetime:
    """Move the clock to the first of the next month; return that instant."""
    first = (business_time(own).replace(day=1) + timedelta(days=32)).replace(day=1)
    business_clock.move(own.hub, datetime(first.year, first.month, 1, tzinfo=UTC))
    return business_time(own)


@pytest.mark.parametrize("ended", [False, True])
def test_what_expired_unconfirmed_does_not_mature_and_is_not_asked_for(own: Network, join: Join, ended: bool) -> None:
    """Whether the day was ended or not; and a refund after that confirmation finds it expired."""
    shop, long = join(life_months=0, terms=ON_WORD | {"refunds": "debt"}), join()
    sold = sell(own, shop, 1_000)
    sell(own, long, 500, sold.member)
    first = next_month(own)
    if ended:
        end_of_day.run(own.hub, (first - timedelta(days=1)).date())
    assert shop.confirm(sold.event_id).points == 0
    assert points(shop, sold.member) == (5, 0)
    back = refund(own, shop, sold.event_id)
    assert (back.points, back.expired, back.taken, back.owed) == (10, 10, 0, 0)
    assert points(shop, sold.member) == (5, 0)
    assert broken_rows(own.hub) == []
