"""Reversals through the real SDK against a real hub: points return to their lots, and the money adds up to the unit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from hub.services import business_clock, cycles, end_of_day, partners
from hub.services.corrections import parts_of
from hub.store.events import OwedLine
from partner_sdk import Client, Conflict, EventConflict, InsufficientPoints, NotFound, Redemption, Refund
from settlement.core.pricing import split_minor, value_minor
from tests.support import network
from tests.support.coalition import FIRST_DAY
from tests.support.network import Network, broken_rows
from tests.support.sdk import Join, business_time, joining, sell


@pytest.fixture(scope="module")
def own(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Yield a network of this file's own, because its tests move the clock and close cycles."""
    with network.running(module_postgres_url, tmp_path_factory.mktemp("hub")) as running:
        yield running
        assert broken_rows(running.hub) == []


@pytest.fixture
def join(own: Network) -> Iterator[Join]:
    with joining(own) as join:
        yield join


def conflict(attempt: Callable[[], Any]) -> str:
    with pytest.raises(Conflict) as refusal:
        attempt()
    return refusal.value.code


def three_issuers(own: Network, join: Join) -> tuple[list[Client], Redemption, str]:
    """A redemption of 30 points at the third shop, 10 of each, in order of their expiry."""
    shops = [join(price=(7, 10), life_months=months) for months in (3, 4, 5)]
    member = own.member()
    for shop in shops:
        sell(own, shop, 1_000, member)
    redemption = shops[2].redeem(own.fresh("r"), member, 30)
    assert [lot.issuer for lot in redemption.lots] == [shop.partner_id for shop in shops]
    return shops, redemption, member


def lots(own: Network, client: Client, member: str) -> dict[str, int]:
    """What a member can spend, by last day."""
    return {str(one.expires_on): one.points for one in client.member(member).expiring}


# --- whole and in parts ---


def test_a_whole_reversal_brings_everything_back_as_it_was(own: Network, join: Join) -> None:
    shops, redemption, member = three_issuers(own, join)
    before = {"2017-04-30": 10, "2017-05-31": 10, "2017-06-30": 10}
    back = shops[2].reverse(redemption.redemption_id)
    assert (back.points, back.value, back.lots) == (30, redemption.value, redemption.lots[::-1])
    assert lots(own, shops[0], member) == before
    assert shops[2].redeem(own.fresh("r"), member, 30).lots == redemption.lots


def test_what_was_taken_last_returns_first_with_its_original_expiry(own: Network, join: Join) -> None:
    shops, redemption, member = three_issuers(own, join)
    name = redemption.redemption_id
    first = shops[2].reverse(name, 12, reversal_id=own.fresh("v"))
    assert [(lot.issuer, lot.points) for lot in first.lots] == [(shops[2].partner_id, 10), (shops[1].partner_id, 2)]
    assert lots(own, shops[0], member) == {"2017-06-30": 10, "2017-05-31": 2}
    rest = shops[2].reverse(name, reversal_id=own.fresh("v"))
    assert [(lot.issuer, lot.points) for lot in rest.lots] == [(shops[1].partner_id, 8), (shops[0].partner_id, 10)]
    assert first.value.minor + rest.value.minor == redemption.value.minor


def test_what_is_reversed_is_not_owed_any_more(own: Network, join: Join) -> None:
    shops, redemption, _ = three_issuers(own, join)
    shops[2].reverse(redemption.redemption_id, 13, reversal_id=own.fresh("v"))
    shops[2].reverse(redemption.redemption_id, reversal_id=own.fresh("v"))
    with own.hub.database.connect() as connection:
        query = """SELECT issuer, sum(points), sum(amount_minor), min(origin), max(origin) FROM settlement.obligation
                   WHERE redeemer = :redeemer GROUP BY issuer"""
        rows = connection.execute(text(query), {"redeemer": shops[2].partner_id}).all()
    origin = f"{shops[2].partner_id}/{redemption.redemption_id}"
    assert {tuple(row)[1:] for row in rows} == {(0, 0, "", origin)}


def test_no_more_is_reversed_than_was_redeemed(own: Network, join: Join) -> None:
    shops, redemption, member = three_issuers(own, join)
    shop, name = shops[2], redemption.redemption_id
    assert conflict(lambda: shop.reverse(name, 31)) == "exceeds_original"
    shop.reverse(name, 20, reversal_id=own.fresh("v"))
    assert conflict(lambda: shop.reverse(name, 11, reversal_id=own.fresh("v"))) == "exceeds_original"
    shop.reverse(name, 10, reversal_id=own.fresh("v"))
    for points in (1, None):
        attempt = partial(shop.reverse, name, points, reversal_id=own.fresh("v"))
        assert conflict(attempt) == "exceeds_original"
    assert shop.member(member).available == 30


def test_what_was_reversed_pays_debts_first(own: Network, join: Join) -> None:
    shop = join(terms={"refunds": "debt"})
    sold = sell(own, shop, 1_000)
    redemption = shop.redeem(own.fresh("r"), sold.member, 10).redemption_id
    shop.refund([Refund(own.fresh("f"), sold.event_id, business_time(own))])
    assert shop.member(sold.member).debt == 10
    assert shop.reverse(redemption, 4, reversal_id=own.fresh("v")).points == 4
    assert (shop.member(sold.member).available, shop.member(sold.member).debt) == (0, 6)
    shop.reverse(redemption, reversal_id=own.fresh("v"))
    assert (shop.member(sold.member).available, shop.member(sold.member).debt) == (0, 0)


# --- what cannot be reversed, and replays ---


def test_only_what_was_redeemed_is_reversed(own: Network, join: Join) -> None:
    shop, other = join(), join()
    sold = sell(own, shop, 1_000)
    redemption = shop.redeem(own.fresh("r"), sold.member, 4).redemption_id
    reversal = shop.reverse(redemption, 1, reversal_id=own.fresh("v")).reversal_id
    [refund] = shop.refund([Refund(own.fresh("f"), sold.event_id, business_time(own), None)])
    hold = shop.hold(own.fresh("h"), sell(own, shop, 100).member, 1, 60).redemption_id
    for not_redeemed in (reversal, sold.event_id, refund.event_id, hold):
        assert conflict(partial(shop.reverse, not_redeemed)) == "not_reversible"
    shop.void(hold)
    assert conflict(lambda: shop.reverse(hold)) == "not_reversible"
    declined = own.fresh("r")
    with pytest.raises(InsufficientPoints):
        shop.redeem(declined, sold.member, 10_000)
    for client, unknown in ((shop, declined), (shop, own.fresh("nothing")), (other, redemption)):
        with pytest.raises(NotFound):
            client.reverse(unknown)


def test_the_reversal_of_a_reversal_by_the_hubs_own_name_is_refused(own: Network, join: Join) -> None:
    shop = join()
    redemption = shop.redeem(own.fresh("r"), sell(own, shop, 1_000).member, 4).redemption_id
    back = shop.reverse(redemption)
    assert back.reversal_id == f"{redemption}/reverse"
    with pytest.raises(NotFound):
        shop.reverse(back.reversal_id)


def test_a_replay_gets_the_first_answer(own: Network, join: Join) -> None:
    shops, redemption, member = three_issuers(own, join)
    shop, name, reversal_id = shops[2], redemption.redemption_id, own.fresh("v")
    first = shop.reverse(name, 17, reversal_id=reversal_id)
    rest = shop.reverse(name)
    for before, again in (
        (first, shop.reverse(name, 17, reversal_id=reversal_id)),
        (rest, shop.reverse(name)),
    ):
        assert again.duplicate
        assert (again.reversal_id, again.points, again.value, again.lots) == (
            before.reversal_id, before.points, before.value, before.lots
        )  # fmt: skip
    for points, other in ((16, reversal_id), (None, reversal_id), (13, None)):
        with pytest.raises(EventConflict):
            shop.reverse(name, points, reversal_id=other)
    assert shop.member(member).available == 30


def test_an_id_that_names_something_else_is_a_conflict(own: Network, join: Join) -> None:
    shop = join()
    sold = sell(own, shop, 1_000)
    one, two = (shop.redeem(own.fresh("r"), sold.member, 3).redemption_id for _ in range(2))
    reversal = shop.reverse(one, 1, reversal_id=own.fresh("v")).reversal_id
    for taken in (sold.event_id, two, reversal):
        with pytest.raises(EventConflict):
            shop.reverse(two, 1, reversal_id=taken)
    assert shop.member(sold.member).available == 5


def test_a_capture_is_reversed_by_the_name_of_its_hold(own: Network, join: Join) -> None:
    shop = join(price=(9, 10))
    member = sell(own, shop, 10_000).member
    hold = shop.hold(own.fresh("h"), member, 60, 600).redemption_id
    captured = shop.capture(hold, 55)
    first, rest = shop.reverse(hold, 20, reversal_id=own.fresh("v")), shop.reverse(hold)
    assert (first.points, rest.points) == (20, 35)
    assert first.value.minor + rest.value.minor == captured.value.minor
    recorded = {one.event_id: one.refers_to for page in shop.events() for one in page.items}
    assert recorded[first.reversal_id] == recorded[rest.reversal_id] == f"{hold}/capture"


@pytest.mark.parametrize("name", [".", "..", "...", "a:b", "~a.b_c-d", "%", "a/b", "é"])
def test_ids_survive_the_path_or_are_unknown(own: Network, join: Join, name: str) -> None:
    """Each id that the hub takes can be named in a path; no other text is an id of anything."""
    shop = join()
    member = sell(own, shop, 1_000).member
    if name in {"%", "a/b", "é"}:
        for attempt in (shop.capture, shop.void, shop.reverse, shop.confirm):
            with pytest.raises(NotFound):
                attempt(name)
        return
    assert shop.hold(name, member, 5, 60).redemption_id == name
    assert shop.capture(name, 4).points == 4
    assert shop.reverse(name).points == 4
    with pytest.raises(Conflict):
        shop.confirm(name)


# --- prices, and where the issuer has none left ---


def test_a_reversal_is_at_the_price_of_its_redemption(own: Network, join: Join) -> None:
    shop = join(price=(9, 10))
    redemption = shop.redeem(own.fresh("r"), sell(own, shop, 10_000).member, 100)
    dearer = {"numerator": 5, "denominator": 1}
    partners.set_rate(own.hub, shop.partner_id, "reimbursement", FIRST_DAY, "EUR", dearer)
    back = shop.reverse(redemption.redemption_id)
    assert back.value == redemption.value
    assert (back.value.minor, back.value.currency) == (90, "USD")


PRICES = st.tuples(st.integers(1, 1_000), st.integers(1, 1_000))
SIZES = st.lists(st.integers(1, 400), min_size=1, max_size=6)


@settings(max_examples=300, deadline=None)
@given(price=PRICES, sizes=SIZES, draw=st.data())
def test_all_partial_reversals_together_give_back_exactly_what_was_owed(
    price: tuple[int, int], sizes: list[int], draw: st.DataObject
) -> None:
    """Line by line, whatever the price rounds and however the points are split."""
    total = sum(sizes)
    minors = split_minor(value_minor(total, *price), sizes)
    owed = [OwedLine(line, "x", *part, 1, *price) for line, part in enumerate(zip(sizes, minors, strict=True), 1)]
    cuts = sorted(draw.draw(st.sets(st.integers(1, total), max_size=8)) | {total})
    parts = [parts_of(owed, before, upto - before) for before, upto in zip([0, *cuts[:-1]], cuts, strict=True)]
    for line in owed:
        own = [part for reversal in parts for part in reversal if part.owed is line]
        assert (sum(one.points for one in own), sum(one.minor for one in own)) == (line.points, line.amount_minor)
        assert all(one.minor >= 0 and one.points > 0 for one in own)
    order = [part.owed.line for reversal in parts for part in reversal]
    assert order == sorted(order, reverse=True)


@pytest.mark.parametrize("price", [(7, 10), (1, 3), (999, 1000), (1, 1000)])
def test_the_hub_gives_back_exactly_what_was_owed(own: Network, join: Join, price: tuple[int, int]) -> None:
    shops = [join(price=price, life_months=months) for months in (1, 2, 3)]
    member = own.member()
    for minor, shop in zip((1_100, 700, 500), shops, strict=True):
        sell(own, shop, minor, member)
    redemption = shops[0].redeem(own.fresh("r"), member, 23)
    name = redemption.redemption_id
    parts = [shops[0].reverse(name, points, reversal_id=own.fresh("v")) for points in (1, 1, 4, 7, 3, 6, 1)]
    assert sum(part.value.minor for part in parts) == redemption.value.minor
    for lot in redemption.lots:
        back = [one for part in parts for one in part.lots if one.issuer == lot.issuer]
        assert (sum(one.points for one in back), sum(one.minor for one in back)) == (lot.points, lot.minor)
    assert broken_rows(own.hub) == []


# --- expiry and cycles; these tests move the clock by months, so they come last ---


def next_month(own: Network) -> str:
    """Move the clock to the first of the next month; return the name of the one before."""
    today = business_time(own)
    first = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    business_clock.move(own.hub, datetime(first.year, first.month, 1, tzinfo=UTC))
    return f"{today:%Y-%m}"


def test_points_whose_day_is_over_return_with_a_new_life_and_the_others_with_their_own(
    own: Network, join: Join
) -> None:
    short, long = join(life_months=1), join(life_months=8)
    member = own.member()
    sell(own, short, 1_000, member)
    sell(own, long, 1_000, member)
    redemption = long.redeem(own.fresh("r"), member, 20)
    earned = business_time(own).date()
    for _ in range(3):
        end_of_day.run(own.hub, business_time(own).date().replace(day=1) - timedelta(days=1))
        next_month(own)
    back = long.reverse(redemption.redemption_id)
    assert [lot.issuer for lot in back.lots] == [long.partner_id, short.partner_id]
    today = business_time(own).date()
    months = {_month(str(one.expires_on)): one.points for one in long.member(member).expiring}
    assert months == {_plus(today.replace(day=1), 1): 10, _plus(earned, 8): 10}
    assert broken_rows(own.hub) == []


def _month(day: str) -> tuple[int, int]:
    year, month, _ = map(int, day.split("-"))
    return year, month


def _plus(day: Any, months: int) -> tuple[int, int]:
    index = day.year * 12 + day.month - 1 + months
    return index // 12, index % 12 + 1


def test_a_reversal_of_a_redemption_whose_cycle_is_closed_lands_in_the_open_one(own: Network, join: Join) -> None:
    issuer, shop = join(), join(price=(7, 10))
    member = sell(own, issuer, 1_000).member
    redemption = shop.redeem(own.fresh("r"), member, 10)
    closed = next_month(own)
    cycles.close_and_publish(own.hub, closed, "operator", "second operator")
    statement = shop.statement(closed)
    back = shop.reverse(redemption.redemption_id, 4, reversal_id=own.fresh("v"))
    opened = next_month(own)
    cycles.close_and_publish(own.hub, opened, "operator", "second operator")
    assert shop.statement(closed) == statement
    [line] = [line for page in shop.statement_lines(opened) for line in page.items]
    assert (line.event_id, line.points, line.minor) == (back.reversal_id, -4, -back.value.minor)
    assert line.origin == f"{shop.partner_id}/{redemption.redemption_id}"
    [net] = shop.statement(opened).nets
    assert (net.receive_minor, net.pay_minor, net.net_minor) == (-3, 0, -3)
    assert cycles.audit(own.hub, closed) == cycles.audit(own.hub, opened) == []
    assert broken_rows(own.hub) == []


def test_points_that_end_by_idleness_return_to_their_lot_though_nothing_else_is_left(own: Network, join: Join) -> None:
    """Their last day is counted from the redemption, also when the member has no other points of that issuer."""
    shop = join(terms={"expiry": {"rule": "inactivity", "days": 40, "counts": "any"}})
    sold = sell(own, shop, 1_000)
    business_clock.move(own.hub, business_time(own) + timedelta(days=30))
    redemption = shop.redeem(own.fresh("r"), sold.member, 10).redemption_id
    active_on = business_time(own).date()
    business_clock.move(own.hub, business_time(own) + timedelta(days=20))
    shop.reverse(redemption)
    [expiring] = shop.member(sold.member).expiring
    assert (expiring.points, expiring.expires_on) == (10, active_on + timedelta(days=40))
