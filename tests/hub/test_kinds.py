"""Kinds of points through the real SDK against a real hub: where each is spent, in which order, and which never are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from hub.services.context import Hub
from hub.store import configuration
from partner_sdk import Client, Earning, InsufficientPoints, Money, Refund
from tests.support import network
from tests.support.coalition import FIRST_DAY, NOON
from tests.support.network import Network, broken_rows
from tests.support.sdk import Join, joining, sell


@pytest.fixture(scope="module")
def own(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Yield a network of this file's own, because a test changes the scheme's rules."""
    with network.running(module_postgres_url, tmp_path_factory.mktemp("hub")) as running:
        yield running
        assert broken_rows(running.hub) == []


@pytest.fixture
def join(own: Network) -> Iterator[Join]:
    with joining(own) as join:
        yield join


def kept(own: Network, event_id: str, column: str) -> Any:
    with own.hub.database.connect() as connection:
        return connection.execute(text(f"SELECT {column} FROM hub.event WHERE event_id = '{event_id}'")).scalar_one()


def burnt(own: Network, event_id: str) -> list[tuple[str, int]]:
    """Kind and points of each lot that an event took, in order."""
    query = f"SELECT kind, points FROM hub.transfer WHERE event_id = '{event_id}' ORDER BY line"
    with own.hub.database.connect() as connection:
        return [(row.kind, row.points) for row in connection.execute(text(query))]


# --- qualifying ---


def test_qualifying_points_are_counted_and_never_spent(own: Network, join: Join) -> None:
    shop = join(gives=({"kind": "qualifying"}, {}))
    member = own.member()
    sale = Earning(own.fresh("e"), member, NOON, Money(1_000, "USD"))
    assert shop.quote_earning(sale).points == 10
    [result] = shop.earn([sale])
    assert result.points == 10
    view = shop.member(member)
    assert (view.available, view.qualifying) == (10, 10)
    with pytest.raises(InsufficientPoints):
        shop.redeem(own.fresh("r"), member, 11)
    shop.redeem(own.fresh("r"), member, 10)
    with pytest.raises(InsufficientPoints):
        shop.hold(own.fresh("h"), member, 1, 60)
    view = shop.member(member)
    assert (view.available, view.qualifying, view.expiring) == (0, 10, ())


def test_an_answer_states_the_life_of_the_points_that_can_be_spent(own: Network, join: Join) -> None:
    """Also where the rate names qualifying points, which live longer, first."""
    shop = join(life_months=1, gives=({"kind": "qualifying", "expiry": {"rule": "never"}}, {}))
    sale = Earning(own.fresh("e"), own.member(), NOON, Money(1_000, "USD"))
    assert shop.quote_earning(sale).expires_on == date(2017, 2, 28)
    [result] = shop.earn([sale])
    assert result.expires_on == date(2017, 2, 28)


def test_a_refund_takes_the_qualifying_points_too_and_does_not_ask_for_them(own: Network, join: Join) -> None:
    shop = join(gives=({}, {"kind": "qualifying"}), terms={"refunds": "debt"})
    sold = sell(own, shop, 1_000)
    shop.redeem(own.fresh("r"), sold.member, 10)
    [half] = shop.refund([Refund(own.fresh("f"), sold.event_id, NOON, Money(500, "USD"))])
    assert (half.points, half.taken, half.owed) == (5, 0, 5)
    assert shop.member(sold.member).qualifying == 5
    [rest] = shop.refund([Refund(own.fresh("f"), sold.event_id, NOON)])
    assert (rest.points, rest.owed) == (5, 5)
    view = shop.member(sold.member)
    assert (view.available, view.qualifying, view.debt) == (0, 0, 10)


def test_qualifying_points_are_capped_like_all_others(own: Network, join: Join) -> None:
    shop = join(points=1_000_000, per_minor=1, gives=({"kind": "qualifying"},))
    huge = Earning(own.fresh("e"), own.member(), NOON, Money(10**12, "USD"))
    fine = Earning(own.fresh("e"), huge.member, NOON, Money(1_000, "USD"))
    refused, taken = shop.earn([huge, fine])
    assert refused.error is not None
    assert refused.error.code == "points_over_cap"
    assert (taken.status, taken.points) == ("posted", 0)
    assert shop.member(huge.member).qualifying == 10**9


# --- promotional ---


def with_promotion(own: Network, join: Join) -> tuple[Client, Client, str]:
    """A shop that gives 10 base points and 10 that are spent at one other shop only; both, and a member with them."""
    named = join()
    promotional = {"kind": "promotional", "spend_at": [named.partner_id], "expiry": {"rule": "days", "days": 400}}
    shop = join(gives=({}, promotional))
    return shop, named, sell(own, shop, 1_000).member


def test_promotional_points_are_spent_at_the_named_partners_only(own: Network, join: Join) -> None:
    shop, named, member = with_promotion(own, join)
    assert shop.member(member).available == 10
    assert named.member(member).available == 20
    assert shop.quote_redemption(member, 11).available == 10
    with pytest.raises(InsufficientPoints):
        shop.redeem(own.fresh("r"), member, 11)
    assert named.redeem(own.fresh("r"), member, 20).points == 20


def test_what_is_restricted_to_this_partner_is_burnt_first_though_it_ends_later(own: Network, join: Join) -> None:
    shop, named, member = with_promotion(own, join)
    redemption = named.redeem(own.fresh("r"), member, 12)
    assert burnt(own, redemption.redemption_id) == [(f"promotional@{named.partner_id}", 10), ("base", 2)]
    assert [one.points for one in shop.member(member).expiring] == [8]
    assert kept(own, redemption.redemption_id, "scheme_rule") == "restricted-first-1"


def test_a_reversal_brings_back_each_kind(own: Network, join: Join) -> None:
    shop, named, member = with_promotion(own, join)
    redemption = named.redeem(own.fresh("r"), member, 12).redemption_id
    back = named.reverse(redemption, 3, reversal_id=own.fresh("v"))
    assert burnt(own, back.reversal_id) == [(f"promotional@{named.partner_id}", 1), ("base", 2)]
    assert (shop.member(member).available, named.member(member).available) == (10, 11)


def test_promotional_points_end_with_the_promotion(own: Network, join: Join) -> None:
    until = {"kind": "promotional", "expiry": {"rule": "days", "days": 3}}
    shop = join(gives=({}, until))
    member = sell(own, shop, 1_000).member
    view = shop.member(member)
    assert [(one.points, one.expires_on) for one in view.expiring] == [
        (10, NOON.date() + timedelta(days=3)),
        (10, date(2017, 7, 31)),
    ]
    redemption = shop.redeem(own.fresh("r"), member, 10).redemption_id
    assert burnt(own, redemption) == [("promotional", 10)]


def test_a_debt_is_not_paid_with_points_that_its_issuer_may_not_take(own: Network, join: Join) -> None:
    named = join()
    shop = join(terms={"refunds": "debt"})
    giver = join(gives=({"kind": "promotional", "spend_at": [named.partner_id]},))
    sold = sell(own, shop, 1_000)
    shop.redeem(own.fresh("r"), sold.member, 10)
    sell(own, giver, 5_000, sold.member)
    [back] = shop.refund([Refund(own.fresh("f"), sold.event_id, NOON)])
    assert (back.taken, back.owed) == (0, 10)
    assert named.member(sold.member).debt == 10


# --- bonus, issuers, the scheme ---


def test_each_kind_has_its_own_issuer_and_life(own: Network, join: Join) -> None:
    sponsor = join(life_months=9)
    bonus = {"kind": "bonus", "issuer": sponsor.partner_id, "expiry": {"rule": "months_end", "months": 1}}
    shop = join(gives=({}, bonus), price=(1, 1))
    member = sell(own, shop, 1_000).member
    assert [(one.points, str(one.expires_on)) for one in shop.member(member).expiring] == [
        (10, "2017-02-28"),
        (10, "2017-07-31"),
    ]
    lots = shop.redeem(own.fresh("r"), member, 15).lots
    assert [(lot.issuer, lot.points) for lot in lots] == [(sponsor.partner_id, 10), (shop.partner_id, 5)]


def set_scheme(hub: Hub, order: str) -> None:
    hub.database.transact(lambda c: configuration.add_scheme(c, FIRST_DAY, {"burn_order": order}, NOON))


def test_the_order_is_the_schemes_and_each_redemption_keeps_its_name(own: Network, join: Join) -> None:
    _, named, member = with_promotion(own, join)
    hold = named.hold(own.fresh("h"), member, 4, 600)
    assert kept(own, hold.redemption_id, "scheme_rule") == "restricted-first-1"
    set_scheme(own.hub, "expiry-first-1")
    redemption = named.redeem(own.fresh("r"), member, 12).redemption_id
    assert kept(own, redemption, "scheme_rule") == "expiry-first-1"
    assert burnt(own, redemption) == [("base", 10), (f"promotional@{named.partner_id}", 2)]
    named.capture(hold.redemption_id)
    assert burnt(own, f"{hold.redemption_id}/capture") == [(f"promotional@{named.partner_id}", 4)]
    set_scheme(own.hub, "restricted-first-1")
