"""Refunds, SDK to hub: what was given comes back, once; where it is gone the policy says what happens."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from hub.services import business_clock, cycles, end_of_day, partners
from partner_sdk import Client, Conflict, Item, Money, Refund, RefundResult
from tests.support import network
from tests.support.coalition import FIRST_DAY
from tests.support.network import Network, broken_rows
from tests.support.sdk import Join, Sold, business_time, joining, sell

POLICIES = ("within_balance", "debt", "issuer_bears")


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


def refund(own: Network, shop: Client, sold: str, minor: int | None = None, *items: Item) -> RefundResult:
    """Refund a sale, whole or in part, under a new id."""
    amount = None if minor is None else Money(minor, "USD")
    [result] = shop.refund([Refund(own.fresh("f"), sold, business_time(own), amount, items)])
    return result


def refused(result: RefundResult) -> str:
    """Why a refund was not taken; nothing of it was."""
    assert result.error is not None, result
    assert (result.status, result.points, result.amount) == ("rejected", 0, None)
    return result.error.code


def sources(result: RefundResult) -> tuple[int, int, int, int]:
    assert result.error is None, result
    assert result.points == result.taken + result.owed + result.borne + result.expired
    return result.taken, result.owed, result.borne, result.expired


def rows(own: Network, query: str, **values: Any) -> list[tuple[Any, ...]]:
    with own.hub.database.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query), values)]


# --- what was given ---


def test_after_the_rule_doubled_what_was_given_comes_back_and_not_double(own: Network, join: Join) -> None:
    shop = join()
    sold = sell(own, shop, 1_000)
    sell(own, shop, 5_000, sold.member)
    doubled = [{"rule": "linear", "points": 2, "per_minor": 100}]
    partners.set_rate(own.hub, shop.partner_id, "earning", FIRST_DAY, "USD", doubled)
    assert sources(refund(own, shop, sold.event_id, 400)) == (4, 0, 0, 0)
    assert sources(refund(own, shop, sold.event_id)) == (6, 0, 0, 0)
    assert shop.member(sold.member).available == 50
    after = sell(own, shop, 1_000)
    assert sources(refund(own, shop, after.event_id)) == (20, 0, 0, 0)


def test_two_partial_refunds_cannot_exceed_the_original(own: Network, join: Join) -> None:
    shop = join()
    sold = sell(own, shop, 1_000)
    assert sources(refund(own, shop, sold.event_id, 600)) == (6, 0, 0, 0)
    assert refused(refund(own, shop, sold.event_id, 500)) == "exceeds_original"
    assert sources(refund(own, shop, sold.event_id, 400)) == (4, 0, 0, 0)
    assert refused(refund(own, shop, sold.event_id, 1)) == "exceeds_original"
    assert refused(refund(own, shop, sold.event_id)) == "exceeds_original"
    assert shop.member(sold.member).available == 0


@pytest.mark.parametrize("parts", [[150, 150, 150, 550], [99, 1, 900], [1] * 5 + [995], [999, 1], [333, 333, 334]])
def test_parts_add_up_to_what_was_given_whatever_the_rule_rounds(own: Network, join: Join, parts: list[int]) -> None:
    shop = join(points=3, per_minor=70)
    sold = sell(own, shop, 1_000)
    given = shop.member(sold.member).available
    assert given == 42
    back = [sources(refund(own, shop, sold.event_id, part)) for part in parts]
    assert [sum(part) for part in zip(*back, strict=True)] == [given, 0, 0, 0]
    assert shop.member(sold.member).available == 0


def test_a_refund_of_nothing_is_taken_and_a_sale_of_nothing_can_come_back(own: Network, join: Join) -> None:
    shop = join()
    sold, free = sell(own, shop, 1_000), sell(own, shop, 0)
    for nothing in (refund(own, shop, sold.event_id, 0), refund(own, shop, free.event_id)):
        assert (nothing.amount, sources(nothing)) == (Money(0, "USD"), (0, 0, 0, 0))
    assert refused(refund(own, shop, free.event_id, 1)) == "exceeds_original"
    assert sources(refund(own, shop, sold.event_id)) == (10, 0, 0, 0)
    assert sources(refund(own, shop, sold.event_id, 0)) == (0, 0, 0, 0)


def test_a_refund_is_in_the_currency_of_its_sale(own: Network, join: Join) -> None:
    """Also when the partner has changed its currency since."""
    shop = join()
    sold = sell(own, shop, 1_000)
    euros = [{"rule": "linear", "points": 7, "per_minor": 100}]
    partners.set_rate(own.hub, shop.partner_id, "earning", FIRST_DAY, "EUR", euros)
    [other] = shop.refund([Refund(own.fresh("f"), sold.event_id, business_time(own), Money(100, "EUR"))])
    assert refused(other) == "currency_mismatch"
    whole = refund(own, shop, sold.event_id)
    assert (whole.amount, sources(whole)) == (Money(1_000, "USD"), (10, 0, 0, 0))


def test_points_that_another_partner_issues_go_back_to_it(own: Network, join: Join) -> None:
    sponsor = join()
    shop = join(gives=({}, {"kind": "bonus", "issuer": sponsor.partner_id}), terms={"refunds": "debt"})
    sold = sell(own, shop, 1_000)
    assert shop.member(sold.member).available == 20
    assert sources(refund(own, shop, sold.event_id, 500)) == (10, 0, 0, 0)
    spent = {lot.issuer: lot.points for lot in shop.redeem(own.fresh("r"), sold.member, 8).lots}
    assert sorted(spent.values()) == [3, 5]
    assert sources(refund(own, shop, sold.event_id)) == (2, 8, 0, 0)
    query = "SELECT debt.issuer, debt.points FROM hub.debt JOIN hub.event USING (member_id) WHERE event_id = :id"
    assert dict(rows(own, query, id=sold.event_id)) == spent


# --- items ---

MILK = Item("milk", "dairy", 4, 800)
BREAD = Item("bread", "bakery", 1, 200)


def test_items_come_back_one_by_one_and_never_more_than_were_sold(own: Network, join: Join) -> None:
    shop = join()
    sold = sell(own, shop, 1_000, items=(MILK, BREAD))
    first = refund(own, shop, sold.event_id, None, Item("milk", "dairy", 3, 600))
    assert (first.amount, sources(first)) == (Money(600, "USD"), (6, 0, 0, 0))
    for too_much in (
        Item("milk", "dairy", 2, 100),
        Item("milk", "dairy", 1, 300),
        Item("bread", "bakery", 2, 200),
        Item("cake", "bakery", 1, 1),
    ):
        assert refused(refund(own, shop, sold.event_id, None, too_much)) == "exceeds_original"
    assert sources(refund(own, shop, sold.event_id, 400, Item("milk", "dairy", 1, 200), BREAD)) == (4, 0, 0, 0)
    assert refused(refund(own, shop, sold.event_id, None, BREAD)) == "exceeds_original"


def test_an_item_twice_in_one_refund_counts_twice(own: Network, join: Join) -> None:
    shop = join()
    sold = sell(own, shop, 1_000, items=(MILK, BREAD))
    half = Item("milk", "dairy", 2, 400)
    assert refused(refund(own, shop, sold.event_id, None, half, half, half)) == "exceeds_original"
    assert sources(refund(own, shop, sold.event_id, None, half, half)) == (8, 0, 0, 0)


def test_an_amount_beside_items_is_what_they_add_up_to(own: Network, join: Join) -> None:
    shop = join()
    sold = sell(own, shop, 1_000, items=(MILK, BREAD))
    assert refused(refund(own, shop, sold.event_id, 199, BREAD)) == "refund_mismatch"
    assert sources(refund(own, shop, sold.event_id, 200, BREAD)) == (2, 0, 0, 0)


def test_items_of_a_sale_that_was_reported_without_any_are_held_to_its_amount(own: Network, join: Join) -> None:
    shop = join()
    sold = sell(own, shop, 1_000)
    assert refused(refund(own, shop, sold.event_id, None, Item("milk", "dairy", 1, 1_001))) == "exceeds_original"
    assert sources(refund(own, shop, sold.event_id, None, Item("milk", "dairy", 9, 700))) == (7, 0, 0, 0)
    assert refused(refund(own, shop, sold.event_id, None, Item("milk", "dairy", 1, 301))) == "exceeds_original"


def test_items_and_amounts_draw_on_the_same_sale(own: Network, join: Join) -> None:
    shop = join()
    sold = sell(own, shop, 1_000, items=(MILK, BREAD))
    assert sources(refund(own, shop, sold.event_id, 900)) == (9, 0, 0, 0)
    assert refused(refund(own, shop, sold.event_id, None, BREAD)) == "exceeds_original"
    assert sources(refund(own, shop, sold.event_id)) == (1, 0, 0, 0)


# --- what cannot be refunded ---


def test_only_a_sale_of_ones_own_is_refunded(own: Network, join: Join) -> None:
    shop, other = join(), join()
    sold = sell(own, shop, 1_000)
    redemption = shop.redeem(own.fresh("r"), sold.member, 4).redemption_id
    back = refund(own, shop, sold.event_id, 200)
    hold = shop.hold(own.fresh("h"), sold.member, 1, 60).redemption_id
    for not_a_sale in (redemption, back.event_id, hold):
        assert refused(refund(own, shop, not_a_sale)) == "not_reversible"
    assert refused(refund(own, shop, own.fresh("nothing"))) == "unknown_event"
    assert refused(refund(own, other, sold.event_id)) == "unknown_event"
    [early] = shop.refund([Refund(own.fresh("f"), sold.event_id, business_time(own) + timedelta(minutes=6))])
    assert refused(early) == "occurred_in_future"


# --- where the points are spent ---


@pytest.mark.parametrize(
    ("policy", "expected", "available", "debt"),
    [
        ("within_balance", (70, 0, 30, 0), 0, 0),
        ("debt", (70, 30, 0, 0), 0, 30),
        ("issuer_bears", (40, 0, 60, 0), 30, 0),
    ],
)
def test_buy_earn_redeem_refund_leaves_exactly_the_policys_result(
    own: Network, join: Join, policy: str, expected: tuple[int, int, int, int], available: int, debt: int
) -> None:
    """100 points of the shop and 30 of another; 60 of the shop's are spent there, then the sale comes back whole."""
    shop, other = join(price=(9, 10), terms={"refunds": policy}), join(life_months=12)
    sold = sell(own, shop, 10_000)
    sell(own, other, 3_000, sold.member)
    assert [lot.issuer for lot in shop.redeem(own.fresh("r"), sold.member, 60).lots] == [shop.partner_id]
    result = refund(own, shop, sold.event_id)
    assert sources(result) == expected
    view = shop.member(sold.member)
    assert (view.available, view.debt) == (available, debt)
    lines = rows(
        own,
        "SELECT issuer, redeemer, points, amount_minor, origin FROM settlement.obligation WHERE event_id = :id",
        id=result.event_id,
    )
    foreign = [(other.partner_id, shop.partner_id, 30, 27, f"{shop.partner_id}/{sold.event_id}")]
    assert lines == ([] if policy == "issuer_bears" else foreign)
    kept = rows(own, "SELECT details, scheme_rule FROM hub.event WHERE event_id = :id", id=result.event_id)
    order = None if policy == "issuer_bears" else "restricted-first-1"
    names = ("taken", "owed", "borne", "expired")
    assert kept == [(dict(zip(names, expected, strict=True)) | {"policy": policy}, order)]
    assert broken_rows(own.hub) == []


@pytest.mark.parametrize("policy", POLICIES)
def test_what_is_free_of_the_very_lot_is_taken_under_each_policy(own: Network, join: Join, policy: str) -> None:
    shop = join(terms={"refunds": policy})
    sold = sell(own, shop, 1_000)
    sell(own, shop, 2_000, sold.member)
    assert sources(refund(own, shop, sold.event_id)) == (10, 0, 0, 0)
    assert shop.member(sold.member).available == 20


def test_the_policy_is_that_of_the_contract_on_the_day_of_the_sale(own: Network, join: Join) -> None:
    shop = join(terms={"refunds": "issuer_bears"})
    sold = sell(own, shop, 1_000)
    shop.redeem(own.fresh("r"), sold.member, 10)
    tomorrow = business_time(own).date() + timedelta(days=1)
    partners.set_contract(own.hub, shop.partner_id, tomorrow, 6, True, {"refunds": "debt"})
    business_clock.move(own.hub, business_time(own) + timedelta(days=1))
    assert sources(refund(own, shop, sold.event_id)) == (0, 0, 10, 0)
    later = sell(own, shop, 1_000, sold.member)
    shop.redeem(own.fresh("r"), sold.member, 10)
    assert sources(refund(own, shop, later.event_id)) == (0, 10, 0, 0)


def test_points_that_a_hold_reserves_are_not_taken(own: Network, join: Join) -> None:
    shop = join(terms={"refunds": "debt"})
    sold = sell(own, shop, 1_000)
    hold = shop.hold(own.fresh("h"), sold.member, 8, 600).redemption_id
    assert sources(refund(own, shop, sold.event_id)) == (2, 8, 0, 0)
    view = shop.member(sold.member)
    assert (view.available, view.held, view.debt) == (0, 8, 8)
    assert shop.capture(hold, 5).released == 3
    view = shop.member(sold.member)
    assert (view.available, view.held, view.debt) == (0, 0, 5)


def test_voiding_a_hold_pays_the_debt_that_it_caused(own: Network, join: Join) -> None:
    shop = join(terms={"refunds": "debt"})
    sold = sell(own, shop, 1_000)
    hold = shop.hold(own.fresh("h"), sold.member, 8, 600).redemption_id
    refund(own, shop, sold.event_id)
    shop.void(hold)
    view = shop.member(sold.member)
    assert (view.available, view.held, view.debt) == (0, 0, 0)
    assert rows(own, "SELECT sum(points) FROM hub.debt WHERE issuer = :id", id=shop.partner_id) == [(0,)]


# --- debts ---


def in_debt(own: Network, shop: Client) -> str:
    """A member who owes a shop 10 points."""
    sold = sell(own, shop, 1_000)
    shop.redeem(own.fresh("r"), sold.member, 10)
    assert sources(refund(own, shop, sold.event_id)) == (0, 10, 0, 0)
    return sold.member


def test_the_next_earnings_pay_the_debt_first(own: Network, join: Join) -> None:
    shop = join(terms={"refunds": "debt"})
    member = in_debt(own, shop)
    sell(own, shop, 400, member)
    assert (shop.member(member).available, shop.member(member).debt) == (0, 6)
    sell(own, shop, 1_600, member)
    assert (shop.member(member).available, shop.member(member).debt) == (10, 0)
    assert shop.redeem(own.fresh("r"), member, 10).points == 10


def test_points_of_others_pay_a_debt_and_those_who_issued_them_owe_for_them(own: Network, join: Join) -> None:
    shop, other = join(price=(3, 2), terms={"refunds": "debt"}), join()
    member = in_debt(own, shop)
    sell(own, other, 2_500, member)
    assert (shop.member(member).available, shop.member(member).debt) == (15, 0)
    lines = rows(
        own,
        """SELECT partner_id, redeemer, points, amount_minor FROM settlement.obligation
           WHERE issuer = :other AND redeemer = :shop""",
        other=other.partner_id,
        shop=shop.partner_id,
    )
    assert lines == [("coalition", shop.partner_id, 10, 15)]


def test_nothing_is_spent_while_points_are_owed(own: Network, join: Join) -> None:
    shop, other = join(terms={"refunds": "debt"}), join()
    member = in_debt(own, shop)
    attempts = (
        lambda: shop.redeem(own.fresh("r"), member, 1),
        lambda: other.redeem(own.fresh("r"), member, 1),
        lambda: shop.hold(own.fresh("h"), member, 1, 60),
        lambda: shop.quote_redemption(member, 1),
    )
    for attempt in attempts:
        with pytest.raises(Conflict) as refusal:
            attempt()
        assert refusal.value.code == "member_in_debt"
    sell(own, shop, 1_100, member)
    assert shop.redeem(own.fresh("r"), member, 1).points == 1


def test_a_refusal_for_debt_is_not_recorded(own: Network, join: Join) -> None:
    """The same redemption may be asked for again, once the debt is paid."""
    shop = join(terms={"refunds": "debt"})
    member, redemption_id = in_debt(own, shop), own.fresh("r")
    with pytest.raises(Conflict):
        shop.redeem(redemption_id, member, 5)
    sell(own, shop, 1_500, member)
    assert not shop.redeem(redemption_id, member, 5).duplicate


# --- ids ---


def test_a_replay_gets_the_first_answer_whatever_has_happened_since(own: Network, join: Join) -> None:
    shop = join(terms={"refunds": "debt"})
    sold = sell(own, shop, 1_000)
    shop.redeem(own.fresh("r"), sold.member, 7)
    asked = Refund(own.fresh("f"), sold.event_id, business_time(own), Money(600, "USD"))
    [first] = shop.refund([asked])
    assert sources(first) == (3, 3, 0, 0)
    sell(own, shop, 9_000, sold.member)
    refund(own, shop, sold.event_id)
    [again] = shop.refund([asked])
    assert again.duplicate
    assert again == _as_duplicate(first)


def test_one_id_twice_in_a_batch(own: Network, join: Join) -> None:
    shop = join()
    sold = sell(own, shop, 1_000)
    asked = Refund(own.fresh("f"), sold.event_id, business_time(own), Money(300, "USD"))
    other = Refund(asked.event_id, sold.event_id, asked.occurred_at, Money(301, "USD"))
    first, again, conflict = shop.refund([asked, asked, other])
    assert sources(first) == (3, 0, 0, 0)
    assert again == _as_duplicate(first)
    assert refused(conflict) == "event_conflict"
    assert shop.member(sold.member).available == 7


def test_an_id_that_names_something_else_is_a_conflict(own: Network, join: Join) -> None:
    """Whether what is to be refunded is known or not."""
    shop = join()
    sold = sell(own, shop, 1_000)
    redemption = shop.redeem(own.fresh("r"), sold.member, 1).redemption_id
    done = refund(own, shop, sold.event_id, 100).event_id
    at = business_time(own)
    taken = [Refund(one, sold.event_id, at) for one in (sold.event_id, redemption, done)]
    for result in shop.refund([*taken, Refund(done, own.fresh("nothing"), at)]):
        assert refused(result) == "event_conflict"
    assert shop.member(sold.member).available == 8


def test_events_say_what_they_refund(own: Network, join: Join) -> None:
    shop = join()
    sold = sell(own, shop, 1_000)
    back = refund(own, shop, sold.event_id, 400)
    recorded = {one.event_id: one for page in shop.events() for one in page.items}
    event = recorded[back.event_id]
    assert (event.kind, event.refers_to, event.amount, event.points) == ("refund", sold.event_id, Money(400, "USD"), 4)
    [(evidence,)] = rows(
        own,
        "SELECT count(*) FROM hub.event JOIN hub.evidence USING (partner_id, evidence_id) WHERE event_id = :id",
        id=back.event_id,
    )
    assert evidence == 1


# --- expiry and cycles; these tests move the clock by months, so they come last ---


def next_month(own: Network) -> date:
    """Move the clock to the first of the next month; return the last day of the one before."""
    today = business_time(own).date()
    first = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    business_clock.move(own.hub, datetime(first.year, first.month, 1, tzinfo=UTC))
    return first - timedelta(days=1)


def test_the_refund_of_a_purchase_whose_cycle_is_closed_lands_in_the_open_one(own: Network, join: Join) -> None:
    shop, other = join(price=(9, 10), terms={"refunds": "within_balance"}), join(life_months=12)
    sold = sell(own, shop, 1_000)
    sell(own, other, 1_000, sold.member)
    shop.redeem(own.fresh("r"), sold.member, 10)
    closed = f"{next_month(own):%Y-%m}"
    cycles.close_and_publish(own.hub, closed, "operator", "second operator")
    statement = shop.statement(closed)
    lines = [line for page in shop.statement_lines(closed) for line in page.items]
    back = refund(own, shop, sold.event_id)
    assert sources(back) == (10, 0, 0, 0)
    opened = f"{next_month(own):%Y-%m}"
    cycles.close_and_publish(own.hub, opened, "operator", "second operator")
    assert shop.statement(closed) == statement
    assert [line for page in shop.statement_lines(closed) for line in page.items] == lines
    [line] = [line for page in shop.statement_lines(opened) for line in page.items]
    assert (line.event_id, line.origin) == (back.event_id, f"{shop.partner_id}/{sold.event_id}")
    assert (line.issuer, line.points, line.minor) == (other.partner_id, 10, 9)
    assert cycles.audit(own.hub, closed) == cycles.audit(own.hub, opened) == []


def test_expiry_of_a_spent_lot_changes_no_balance(own: Network, join: Join) -> None:
    short, long = join(life_months=0), join(life_months=6)
    sold = sell(own, short, 1_000)
    sell(own, long, 500, sold.member)
    spent = short.redeem(own.fresh("r"), sold.member, 10)
    assert [lot.issuer for lot in spent.lots] == [short.partner_id]
    before = short.member(sold.member)
    last = next_month(own)
    end_of_day.run(own.hub, last)
    assert short.member(sold.member) == before
    assert end_of_day.run(own.hub, last) == 0


@pytest.mark.parametrize("policy", POLICIES)
def test_what_expired_is_not_asked_for_again_whether_the_day_was_ended_or_not(
    own: Network, join: Join, policy: str
) -> None:
    shop, long = join(life_months=0, terms={"refunds": policy}), join(life_months=6)
    sales = [_with_something_left(own, shop, long) for _ in range(2)]
    last = next_month(own)
    answers = [sources(refund(own, shop, sales[0].event_id))]
    end_of_day.run(own.hub, last)
    answers.append(sources(refund(own, shop, sales[1].event_id)))
    if policy == "issuer_bears":
        assert answers == [(0, 0, 4, 6)] * 2
    else:
        assert answers == [(4, 0, 0, 6)] * 2
    kept = 5 if policy == "issuer_bears" else 1
    assert [shop.member(sold.member).available for sold in sales] == [kept, kept]
    assert [shop.member(sold.member).debt for sold in sales] == [0, 0]
    assert end_of_day.run(own.hub, last) == 0
    assert broken_rows(own.hub) == []


def _with_something_left(own: Network, shop: Client, long: Client) -> Sold:
    """10 points that end with the month, of which 4 are spent, and 5 that live on."""
    sold = sell(own, shop, 1_000)
    sell(own, long, 500, sold.member)
    shop.redeem(own.fresh("r"), sold.member, 4)
    return sold


def test_an_expired_point_answers_for_one_sale_only(own: Network, join: Join) -> None:
    """Two sales in one lot, half of it spent: what expired is the half of one of them, and not of both."""
    shop = join(life_months=0, terms={"refunds": "debt"})
    first = sell(own, shop, 1_000)
    second = sell(own, shop, 1_000, first.member)
    shop.redeem(own.fresh("r"), first.member, 10)
    end_of_day.run(own.hub, next_month(own))
    assert sources(refund(own, shop, first.event_id)) == (0, 0, 0, 10)
    assert sources(refund(own, shop, second.event_id)) == (0, 10, 0, 0)


def _as_duplicate(first: RefundResult) -> RefundResult:
    """The first answer, as a replay gets it."""
    fields = {name: getattr(first, name) for name in RefundResult.__dataclass_fields__}
    return RefundResult(**fields | {"duplicate": True})
