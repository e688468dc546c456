"""Exchanges through the real SDK against a real hub: quoted, taken once, confirmed or failed, reversed, resolved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from time import sleep
from typing import Any

import pytest
from sqlalchemy import text

from hub.core.errors import Refused as HubRefused
from hub.services import business_clock, cycles, end_of_day, exchange_steps, exchanges, merges, partners, reporting
from partner_sdk import (
    Client,
    Conflict,
    Earning,
    EventConflict,
    Exchange,
    InsufficientPoints,
    InvalidRequestError,
    Money,
    NotFound,
    Refund,
    Refused,
)
from partner_sdk.wire import base64url
from tests.support import network
from tests.support.coalition import FIRST_DAY
from tests.support.exchange import OUT, airline, publish
from tests.support.network import Network
from tests.support.sdk import client_of
from tests.support.threads import at_once


@pytest.fixture(scope="module")
def own(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Yield a network of this file's own, because its tests move the clock; in the end its ledger is proved."""
    with network.running(module_postgres_url, tmp_path_factory.mktemp("hub")) as running:
        yield running
        assert network.broken_rows(running.hub) == []


@pytest.fixture
def air(own: Network) -> Iterator[Client]:
    with airline(own) as client:
        yield client


@pytest.fixture
def grocer(own: Network) -> Iterator[Client]:
    with client_of(own, "grocer") as client:
        yield client


def now(own: Network) -> datetime:
    return datetime.fromisoformat(business_clock.show(own.hub)["business_time"])


def pass_time(own: Network, **time: float) -> None:
    business_clock.move(own.hub, now(own) + timedelta(**time))


def earn(own: Network, client: Client, points: int, member: str | None = None) -> str:
    """Let a member earn so many points of a partner that gives one for each 1.00."""
    member = member or own.member()
    [result] = client.earn([Earning(own.fresh("e"), member, now(own), Money(100 * points, "USD"))])
    assert result.points == points
    return member


def take(own: Network, air: Client, member: str, direction: str, amount: int) -> Exchange:
    quoted = air.quote_exchange(member, direction, "MILES", amount)
    return air.exchange(own.fresh("x"), quoted.quote_id, member)


def points(client: Client, member: str) -> tuple[int, int]:
    view = client.member(member)
    return view.available, view.held


def refusal(attempt: Callable[..., Any], *arguments: Any, **named: Any) -> str:
    with pytest.raises((Refused, HubRefused)) as refused:
        attempt(*arguments, **named)
    assert isinstance(refused.value, Refused | HubRefused)
    return refused.value.code


# --- both directions ---


def test_points_that_go_out_are_reserved_then_redeemed_and_owed_for(own: Network, air: Client, grocer: Client) -> None:
    member = earn(own, grocer, 1_500)
    quoted = air.quote_exchange(member, "out", "MILES", 1_000)
    assert (quoted.source, quoted.target, quoted.rate_version) == (1_000, 490, 1)
    assert (quoted.available, quoted.enough) == (1_500, True)
    assert quoted.valid_until == now(own) + timedelta(seconds=600)
    assert points(air, member) == (1_500, 0)
    opened = air.exchange(own.fresh("x"), quoted.quote_id, member)
    assert (opened.state, opened.source, opened.target, opened.value) == ("open", 1_000, 490, Money(1_000, "USD"))
    assert points(air, member) == (500, 1_000)
    price = {"numerator": 1, "denominator": 2}
    partners.set_rate(own.hub, air.partner_id, "reimbursement", now(own).date() + timedelta(days=1), "USD", price)
    pass_time(own, days=2)
    confirmed = air.confirm_exchange(opened.exchange_id)
    assert (confirmed.state, confirmed.changed_at) == ("confirmed", now(own))
    assert [(lot.issuer, lot.points, lot.minor) for lot in confirmed.lots] == [("grocer", 1_000, 1_000)]
    assert points(air, member) == (500, 0)
    assert owed(own, opened.exchange_id) == [(f"{opened.exchange_id}/confirm", "grocer", 1_000, 1_000)]


def test_points_that_come_in_are_issued_when_confirmed_and_owed_for_when_redeemed(
    own: Network, air: Client, grocer: Client
) -> None:
    member = earn(own, grocer, 4)
    opened = take(own, air, member, "in", 100)
    assert (opened.state, opened.source, opened.target, opened.value) == ("open", 100, 196, None)
    assert points(air, member) == (4, 0)
    air.confirm_exchange(opened.exchange_id)
    assert points(air, member) == (200, 0)
    redeemed = grocer.redeem(own.fresh("r"), member, 200)
    assert {lot.issuer: lot.points for lot in redeemed.lots} == {"grocer": 4, air.partner_id: 196}


def test_points_that_come_in_live_as_long_as_the_contract_says_and_are_mature_at_once(own: Network) -> None:
    with airline(own) as air:
        terms = {"maturity": {"days": 30}, "expiry": {"rule": "days", "days": 3}}
        partners.set_contract(own.hub, air.partner_id, FIRST_DAY, 6, True, terms)
        member = earn_nothing(own, air)
        air.confirm_exchange(take(own, air, member, "in", 100).exchange_id)
        view = air.member(member)
        assert view.next_to_expire is not None
        assert (view.available, view.next_to_expire.expires_on) == (196, (now(own) + timedelta(days=3)).date())


def earn_nothing(own: Network, client: Client) -> str:
    """Make a member known."""
    member = own.member()
    client.enrol([member])
    return member


def owed(own: Network, exchange_id: str) -> list[tuple[str, str, int, int]]:
    """What the events of an exchange made whom owe: (event, issuer, points, minor units)."""
    query = """SELECT event_id, issuer, points, amount_minor FROM settlement.obligation
               WHERE starts_with(event_id, :exchange_id || '/') ORDER BY event_id, line"""
    with own.hub.database.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query), {"exchange_id": exchange_id})]


def events(own: Network, client: Client, exchange_id: str) -> list[str]:
    found = [event for page in client.events() for event in page.items]
    return [one.kind for one in found if one.event_id.split("/")[0] == exchange_id]


# --- asking again ---


@pytest.mark.parametrize("direction", ["in", "out"])
def test_every_step_can_be_repeated_and_happens_once(own: Network, air: Client, grocer: Client, direction: str) -> None:
    member = earn(own, grocer, 1_000)
    quoted = air.quote_exchange(member, direction, "MILES", 400)
    exchange_id = own.fresh("x")
    for step, state in (
        (lambda: air.exchange(exchange_id, quoted.quote_id, member), "open"),
        (lambda: air.confirm_exchange(exchange_id), "confirmed"),
        (lambda: air.reverse_exchange(exchange_id), "reversed"),
    ):
        answers = at_once([step] * 4)
        assert sorted(one.duplicate for one in answers) == [False, True, True, True]
        assert {(one.state, one.source, one.changed_at, one.lots) for one in answers} == {
            (state, 400, now(own), answers[0].lots)
        }
        assert air.exchange_state(exchange_id).state == state
        pass_time(own, seconds=1)
    assert points(air, member) == (1_000, 0)
    kinds = ["exchange", "exchange-confirmation", "exchange-reversal"]
    assert events(own, air, exchange_id) == kinds


def test_a_first_answer_stands_whatever_came_after_it(own: Network, air: Client, grocer: Client) -> None:
    member = earn(own, grocer, 1_000)
    quoted = air.quote_exchange(member, "out", "MILES", 1_000)
    opened = air.exchange(own.fresh("x"), quoted.quote_id, member)
    confirmed = air.confirm_exchange(opened.exchange_id)
    air.reverse_exchange(opened.exchange_id)
    pass_time(own, hours=1)
    again = air.exchange(opened.exchange_id, quoted.quote_id, member)
    assert (again.state, again.changed_at, again.lots) == ("open", opened.opened_at, opened.lots)
    again = air.confirm_exchange(opened.exchange_id)
    assert (again.state, again.changed_at, again.lots) == ("confirmed", confirmed.changed_at, confirmed.lots)
    assert points(air, member) == (1_000, 0)


def test_an_id_that_was_used_for_something_else_is_a_conflict(own: Network, air: Client, grocer: Client) -> None:
    member = earn(own, grocer, 1_000)
    first = take(own, air, member, "out", 400)
    other = air.quote_exchange(member, "out", "MILES", 400)
    with pytest.raises(EventConflict):
        air.exchange(first.exchange_id, other.quote_id, member)
    stranger = earn(own, grocer, 1_000)
    quoted = air.quote_exchange(stranger, "out", "MILES", 400)
    with pytest.raises(EventConflict):
        air.exchange(first.exchange_id, quoted.quote_id, stranger)
    redemption = air.redeem(own.fresh("r"), member, 5)
    with pytest.raises(EventConflict):
        air.exchange(redemption.redemption_id, other.quote_id, member)
    assert points(air, stranger) == (1_000, 0)


def test_one_id_at_once_for_two_members_is_one_exchange(own: Network, air: Client, grocer: Client) -> None:
    """Their locks do not exclude each other: what decides is that the id is there."""
    members = [earn(own, grocer, 400) for _ in range(4)]
    quotes = [air.quote_exchange(member, "out", "MILES", 400).quote_id for member in members]
    exchange_id = own.fresh("x")

    def attempt(place: int) -> str:
        try:
            return air.exchange(exchange_id, quotes[place], members[place]).state
        except EventConflict as refused:
            return refused.code

    outcomes = at_once([partial(attempt, place) for place in range(4)])
    assert sorted(outcomes) == ["event_conflict"] * 3 + ["open"]
    assert sum(points(air, member)[1] for member in members) == 400


# --- quotes ---


def test_a_quote_taken_twice_at_once_is_one_exchange(own: Network, air: Client, grocer: Client) -> None:
    for direction in ("in", "out"):
        member = earn(own, grocer, 2_000)
        quoted = air.quote_exchange(member, direction, "MILES", 500)

        def attempt(quote_id: str = quoted.quote_id, member: str = member) -> str:
            try:
                return air.exchange(own.fresh("x"), quote_id, member).state
            except Conflict as refused:
                return refused.code

        assert sorted(at_once([attempt] * 4)) == ["open"] + ["quote_taken"] * 3
        assert points(air, member)[1] == (500 if direction == "out" else 0)


def test_a_quote_holds_at_its_rate_whatever_is_published_meanwhile(own: Network, air: Client, grocer: Client) -> None:
    member = earn(own, grocer, 1_000)
    quoted = air.quote_exchange(member, "out", "MILES", 1_000)
    publish(own.hub, air.partner_id, **OUT | {"rate": "1/4"})
    assert air.quote_exchange(member, "out", "MILES", 1_000).target == 245
    taken = air.exchange(own.fresh("x"), quoted.quote_id, member)
    assert (taken.target, taken.rate_version) == (490, 1)


def test_a_quote_ends_at_its_instant(own: Network, air: Client) -> None:
    member = earn_nothing(own, air)
    quotes = [air.quote_exchange(member, "in", "MILES", 100) for _ in range(2)]
    business_clock.move(own.hub, quotes[0].valid_until - timedelta(microseconds=1))
    taken = air.exchange(own.fresh("x"), quotes[0].quote_id, member)
    business_clock.move(own.hub, quotes[0].valid_until)
    assert refusal(air.exchange, own.fresh("x"), quotes[1].quote_id, member) == "quote_expired"
    assert air.exchange(taken.exchange_id, quotes[0].quote_id, member).duplicate
    assert refusal(air.exchange, own.fresh("x"), quotes[0].quote_id, member) == "quote_taken"


def test_a_quote_serves_its_own_partner_and_member_only(own: Network, air: Client) -> None:
    member, other = earn_nothing(own, air), earn_nothing(own, air)
    quote_id = air.quote_exchange(member, "in", "MILES", 100).quote_id
    raw = base64url.decode(quote_id)
    respelled = quote_id[:-1] + next(letter for letter in "BCDEFGHIJ" if letter != quote_id[-1])
    forged = [
        "A", "A" * 255, respelled, quote_id[:-4], quote_id + "AAAA",
        base64url.encode(raw.replace(b",196,", b",996,")), base64url.encode(bytes(16) + raw[16:]),
    ]  # fmt: skip
    assert base64url.encode(raw.replace(b",196,", b",996,")) != quote_id
    for wrong in forged:
        assert refusal(air.exchange, own.fresh("x"), wrong, member) == "quote_invalid"
    assert refusal(air.exchange, own.fresh("x"), quote_id, other) == "quote_invalid"
    with airline(own) as another:
        assert refusal(another.exchange, own.fresh("x"), quote_id, member) == "quote_invalid"
    cursor = next(air.events(limit=1)).next_cursor
    assert refusal(air.exchange, own.fresh("x"), cursor, member) == "quote_invalid"
    assert air.exchange(own.fresh("x"), quote_id, member).state == "open"


def test_a_quote_is_not_taken_by_another_spelling_of_it(own: Network, air: Client) -> None:
    """The last character of unpadded base64 may have bits that say nothing; a second spelling is no second quote."""
    member, found = earn_nothing(own, air), 0
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for _ in range(20):
        quote_id = air.quote_exchange(member, "in", "MILES", 100).quote_id
        if len(quote_id) % 4:
            found += 1
            air.exchange(own.fresh("x"), quote_id, member)
            other = quote_id[:-1] + alphabet[alphabet.index(quote_id[-1]) ^ 1]
            assert refusal(air.exchange, own.fresh("x"), other, member) == "quote_invalid"
        pass_time(own, microseconds=1)
    assert found


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (("out", "STARS", 100), "no_rate"),
        (("out", "MILES", 99), "amount_not_exchangeable"),
        (("in", "MILES", 150), "amount_not_exchangeable"),
        (("in", "MILES", 999_999_900), "amount_not_exchangeable"),
    ],
)
def test_what_no_rate_takes_is_not_quoted(own: Network, air: Client, asked: tuple[str, str, int], code: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        air.quote_exchange(earn_nothing(own, air), *asked)
    assert refused.value.code == code


def test_nothing_is_quoted_for_a_stranger_or_by_a_partner_without_a_rate(own: Network, air: Client) -> None:
    assert refusal(air.quote_exchange, own.member(), "in", "MILES", 100) == "unknown_member"
    with client_of(own, "grocer") as grocer:
        assert refusal(grocer.quote_exchange, earn_nothing(own, air), "in", "MILES", 100) == "no_rate"


@pytest.mark.parametrize(("rounding", "given"), [("half-up", 824_214), ("down", 824_213)])
def test_an_amount_is_converted_exactly_and_rounded_once(own: Network, rounding: str, given: int) -> None:
    issuer = own.join().partner
    terms = {"direction": "in", "unit": "MILES", "rate": "82.42135", "spread": "0", "minimum": 1, "step": 1}
    publish(own.hub, issuer, **terms, rounding=rounding, quote_seconds=60)
    with client_of(own, issuer) as air:
        member = earn_nothing(own, air)
        opened = take(own, air, member, "in", 10_000)
        assert opened.target == given
        air.confirm_exchange(opened.exchange_id)
        assert points(air, member) == (given, 0)


def test_each_unit_and_direction_has_rates_of_its_own(own: Network, air: Client, grocer: Client) -> None:
    publish(own.hub, air.partner_id, **OUT | {"unit": "STARS", "rate": "3"})
    member = earn(own, grocer, 1_000)
    assert air.quote_exchange(member, "out", "MILES", 1_000).target == 490
    assert air.quote_exchange(member, "out", "STARS", 1_000).target == 2_940
    rates = [(one.version, one.exchange) for one in air.rates() if one.kind == "exchange"]
    assert [(version, one.direction, one.unit, one.rate) for version, one in rates if one] == [
        (1, "in", "MILES", "2"),
        (1, "out", "MILES", "0.5"),
        (2, "out", "STARS", "3"),
    ]


# --- too few points, debts ---


def test_too_few_points_are_told_and_leave_the_quote_good(own: Network, air: Client, grocer: Client) -> None:
    member = earn(own, grocer, 400)
    quoted = air.quote_exchange(member, "out", "MILES", 500)
    assert (quoted.available, quoted.enough) == (400, False)
    exchange_id = own.fresh("x")
    with pytest.raises(InsufficientPoints):
        air.exchange(exchange_id, quoted.quote_id, member)
    with pytest.raises(NotFound):
        air.exchange_state(exchange_id)
    earn(own, grocer, 100, member)
    assert air.exchange(exchange_id, quoted.quote_id, member).state == "open"


def test_who_owes_points_cannot_take_any_out_and_what_comes_in_pays(own: Network, air: Client) -> None:
    debtor = own.join().partner
    partners.set_contract(own.hub, debtor, FIRST_DAY, 6, True, {"refunds": "debt"})
    with client_of(own, debtor) as shop:
        sale = Earning(own.fresh("e"), own.member(), now(own), Money(15_000, "USD"))
        shop.earn([sale])
        quoted = air.quote_exchange(sale.member, "out", "MILES", 100)
        shop.redeem(own.fresh("r"), sale.member, 150)
        shop.refund([Refund(own.fresh("f"), sale.event_id, now(own))])
        assert refusal(air.exchange, own.fresh("x"), quoted.quote_id, sale.member) == "member_in_debt"
        assert refusal(air.quote_exchange, sale.member, "out", "MILES", 100) == "member_in_debt"
        air.confirm_exchange(take(own, air, sale.member, "in", 100).exchange_id)
        view = shop.member(sale.member)
        assert (view.debt, view.available) == (0, 46)


# --- confirm, fail, reverse ---


def test_a_failed_exchange_gives_back_what_was_reserved(own: Network, air: Client, grocer: Client) -> None:
    member = earn(own, grocer, 1_000)
    out, back = take(own, air, member, "out", 1_000), take(own, air, member, "in", 100)
    for one in (out, back):
        assert air.fail_exchange(one.exchange_id).state == "failed"
        assert air.fail_exchange(one.exchange_id).duplicate
        for attempt in (air.confirm_exchange, air.reverse_exchange):
            with pytest.raises(Conflict) as refused:
                attempt(one.exchange_id)
            assert (refused.value.code, refused.value.problem["state"]) == ("exchange_closed", "failed")
    assert points(air, member) == (1_000, 0)
    assert owed(own, out.exchange_id) == []


@pytest.mark.parametrize("direction", ["in", "out"])
def test_confirm_and_fail_at_once_one_wins(own: Network, air: Client, grocer: Client, direction: str) -> None:
    """All are let go at the same instant: each has found the exchange open, and waits for its member's lock."""
    member = earn(own, grocer, 400)
    exchange_id = take(own, air, member, direction, 400).exchange_id
    attempts = [air.confirm_exchange, air.fail_exchange] * 3
    with locked(own, exchanges.history(own.hub, air.partner_id, exchange_id)["member_id"]) as release:
        with ThreadPoolExecutor(len(attempts)) as pool:
            running = [pool.submit(_outcome, attempt, exchange_id) for attempt in attempts]
            release(len(attempts))
        outcomes = {one.result() for one in running}
    final = air.exchange_state(exchange_id).state
    assert outcomes == {final, f"exchange_closed: {final}"}
    due = {("in", "confirmed"): 400 + 784, ("out", "confirmed"): 0}.get((direction, final), 400)
    assert points(air, member) == (due, 0)


@contextmanager
def locked(own: Network, member_id: int) -> Iterator[Callable[[int], None]]:
    """Hold a member's lock; what is yielded lets it go once so many others wait for it."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    with own.hub.database.connect() as watching, own.hub.database.connect() as connection:
        holding = connection.execution_options(isolation_level="READ COMMITTED")
        holding.execute(text("SELECT 1 FROM hub.member WHERE member_id = :id FOR UPDATE"), {"id": member_id})

        def release(count: int) -> None:
            while watching.execute(waiting).scalar_one() < count:
                sleep(0.01)
            holding.commit()

        yield release


def _outcome(attempt: Callable[[str], Exchange], exchange_id: str) -> str:
    try:
        return attempt(exchange_id).state
    except Conflict as refused:
        return f"{refused.code}: {refused.problem['state']}"


def test_only_a_confirmed_exchange_is_reversed(own: Network, air: Client) -> None:
    opened = take(own, air, earn_nothing(own, air), "in", 100)
    with pytest.raises(Conflict) as refused:
        air.reverse_exchange(opened.exchange_id)
    assert (refused.value.code, refused.value.problem["state"]) == ("not_reversible", "open")
    air.confirm_exchange(opened.exchange_id)
    air.reverse_exchange(opened.exchange_id)
    with pytest.raises(Conflict) as refused:
        air.fail_exchange(opened.exchange_id)
    assert (refused.value.code, refused.value.problem["state"]) == ("exchange_closed", "reversed")


def test_points_that_went_out_return_to_their_lots_and_are_no_longer_owed_for(own: Network, air: Client) -> None:
    member = own.member()
    for partner, number in (("grocer", 300), ("fuel", 700)):
        with client_of(own, partner) as client:
            minor = 100 * number if partner == "grocer" else 200 * number
            client.earn([Earning(own.fresh("e"), member, now(own), Money(minor, "USD"))])
    before = air.member(member)
    opened = take(own, air, member, "out", 1_000)
    air.confirm_exchange(opened.exchange_id)
    air.reverse_exchange(opened.exchange_id)
    assert air.member(member) == before
    lines = owed(own, opened.exchange_id)
    assert sorted((issuer, number) for _, issuer, number, _ in lines) == [
        ("fuel", -700), ("fuel", 700), ("grocer", -300), ("grocer", 300),
    ]  # fmt: skip
    assert sum(minor for *_, minor in lines) == 0


def test_points_that_went_out_and_have_expired_get_a_new_life(own: Network, air: Client) -> None:
    issuer = own.join().partner
    partners.set_contract(own.hub, issuer, FIRST_DAY, 6, True, {"expiry": {"rule": "days", "days": 3}})
    with client_of(own, issuer) as shop:
        member = earn(own, shop, 400)
        opened = take(own, air, member, "out", 400)
        air.confirm_exchange(opened.exchange_id)
        pass_time(own, days=10)
        air.reverse_exchange(opened.exchange_id)
        view = air.member(member)
        assert view.next_to_expire is not None
        assert (view.available, view.next_to_expire.expires_on) == (400, (now(own) + timedelta(days=3)).date())


def test_points_that_came_in_are_taken_back_from_their_partners_lots(own: Network, air: Client, grocer: Client) -> None:
    member = earn(own, grocer, 500)
    earn(own, air, 50, member)
    exchange_id = take(own, air, member, "in", 100).exchange_id
    air.confirm_exchange(exchange_id)
    pass_time(own, days=40)
    earn(own, air, 30, member)
    grocer.redeem(own.fresh("r"), member, 770)
    assert points(air, member) == (6, 0)
    with pytest.raises(InsufficientPoints):
        air.reverse_exchange(exchange_id)
    assert air.exchange_state(exchange_id).state == "confirmed"
    earn(own, grocer, 500, member)
    with pytest.raises(InsufficientPoints):
        air.reverse_exchange(exchange_id)
    earn(own, air, 200, member)
    assert air.reverse_exchange(exchange_id).state == "reversed"
    assert points(air, member) == (510, 0)


def test_what_came_in_is_taken_back_first_and_then_others_of_its_partner(own: Network, air: Client) -> None:
    member = earn(own, air, 200)
    before = air.member(member)
    pass_time(own, days=40)
    untouched = take(own, air, member, "in", 100).exchange_id
    air.confirm_exchange(untouched)
    air.reverse_exchange(untouched)
    assert air.member(member) == before
    exchange_id = take(own, air, member, "in", 100).exchange_id
    air.confirm_exchange(exchange_id)
    air.redeem(own.fresh("r"), member, 300)
    pass_time(own, days=40)
    earn(own, air, 150, member)
    air.reverse_exchange(exchange_id)
    assert points(air, member) == (50, 0)


def test_points_that_came_in_and_have_expired_cannot_be_taken_back(own: Network, air: Client) -> None:
    partners.set_contract(own.hub, air.partner_id, FIRST_DAY, 6, True, {"expiry": {"rule": "days", "days": 3}})
    member = earn_nothing(own, air)
    exchange_id = take(own, air, member, "in", 100).exchange_id
    air.confirm_exchange(exchange_id)
    pass_time(own, days=4)
    with pytest.raises(InsufficientPoints):
        air.reverse_exchange(exchange_id)
    end_of_day.run(own.hub, (now(own) - timedelta(days=1)).date())
    with pytest.raises(InsufficientPoints):
        air.reverse_exchange(exchange_id)


def test_an_exchange_is_neither_a_hold_nor_a_redemption(own: Network, air: Client, grocer: Client) -> None:
    member = earn(own, grocer, 400)
    exchange_id = take(own, air, member, "out", 400).exchange_id
    assert refusal(air.capture, exchange_id) == "unknown_event"
    assert refusal(air.void, exchange_id) == "unknown_event"
    assert refusal(air.reverse, exchange_id) == "not_reversible"
    redemption = grocer.redeem(own.fresh("r"), earn(own, grocer, 10), 10).redemption_id
    assert refusal(grocer.confirm_exchange, redemption) == "unknown_event"
    assert refusal(grocer.confirm_exchange, exchange_id) == "unknown_event"


@pytest.mark.parametrize("direction", ["in", "out"])
@pytest.mark.parametrize("merged_after", ["quote", "take", "confirm"])
@pytest.mark.parametrize("parted_before", ["confirm", "reverse", "the end"])
def test_a_merge_and_its_end_lose_nothing_of_an_exchange(
    own: Network, air: Client, grocer: Client, direction: str, merged_after: str, parted_before: str
) -> None:
    """Whenever its member is merged and parted, an exchange goes on, and its reversal leaves what was there."""
    member, survivor = earn(own, grocer, 400), earn(own, grocer, 50)
    operator, merge_id, exchange_id = reporting.by_operator("alice", "one"), own.fresh("m"), own.fresh("x")
    merge = {"event_id": merge_id, "member": member, "into": survivor, "reason": "one person"}
    quoted = air.quote_exchange(member, direction, "MILES", 400)
    steps: dict[str, Callable[[], object]] = {
        "quote": lambda: None,
        "take": lambda: air.exchange(exchange_id, quoted.quote_id, member),
        "confirm": lambda: air.confirm_exchange(exchange_id),
        "reverse": lambda: air.reverse_exchange(exchange_id),
        "the end": lambda: None,
    }
    merged = parted = False
    for name, step in steps.items():
        if merged and name == parted_before:
            merges.undo(own.hub, operator, merge_id)
            parted = True
        step()
        if name == merged_after:
            merges.merge(own.hub, operator, merge)
            merged = True
    left = [points(air, name) for name in (member, survivor)]
    if not parted:
        assert left == [(450, 0), (450, 0)]
    elif (direction, merged_after, parted_before) == ("out", "quote", "confirm"):
        # What is reserved while they are one stays reserved of the survivor, by whichever card it was.
        assert sum(available for available, _ in left) == 450
    else:
        assert left == [(400, 0), (50, 0)]


# --- settlement ---


def test_exchanges_settle_like_redemptions_and_corrections(own: Network) -> None:
    with airline(own) as air, client_of(own, own.join().partner) as shop:
        member = earn(own, shop, 3_000)
        for step in (air.confirm_exchange, air.fail_exchange):
            step(take(own, air, member, "out", 1_000).exchange_id)
        reversed_later = take(own, air, member, "out", 500).exchange_id
        air.confirm_exchange(reversed_later)
        air.confirm_exchange(take(own, air, member, "in", 100).exchange_id)
        this_month = f"{now(own):%Y-%m}"
        pass_time(own, days=31)
        cycles.close_and_publish(own.hub, this_month, "operator", "second operator")
        [position] = air.statement(this_month).positions
        assert (position.issuer, position.redeemer, position.points, position.minor) == (
            shop.partner_id, air.partner_id, 1_500, 1_500,
        )  # fmt: skip
        air.reverse_exchange(reversed_later)
        next_month = f"{now(own):%Y-%m}"
        pass_time(own, days=31)
        cycles.close_and_publish(own.hub, next_month, "operator", "second operator")
        [position] = air.statement(next_month).positions
        assert (position.points, position.minor) == (-500, -500)
        [line] = [line for page in air.statement_lines(next_month) for line in page.items]
        assert line.origin == f"{air.partner_id}/{reversed_later}/confirm"
        assert cycles.audit(own.hub, next_month) == []


# --- what is stuck ---


@pytest.mark.parametrize(("step", "state"), [("confirm", "confirmed"), ("fail", "failed")])
@pytest.mark.parametrize("direction", ["in", "out"])
def test_the_operator_resolves_what_is_stuck_either_way(
    own: Network, air: Client, grocer: Client, direction: str, step: str, state: str
) -> None:
    member = earn(own, grocer, 400)
    exchange_id = take(own, air, member, direction, 400).exchange_id
    resolved = resolve(own, air, exchange_id, step)
    assert (resolved["state"], "duplicate" in resolved) == (state, False)
    assert resolve(own, air, exchange_id, step)["duplicate"]
    same, other = (air.confirm_exchange, air.fail_exchange)[:: 1 if step == "confirm" else -1]
    assert same(exchange_id).duplicate
    assert refusal(other, exchange_id) == "exchange_closed"
    due = {("in", "confirmed"): 400 + 784, ("out", "confirmed"): 0}.get((direction, state), 400)
    assert points(air, member) == (due, 0)
    history = exchanges.history(own.hub, air.partner_id, exchange_id)
    assert [one.get("operator") for one in history["steps"]] == [None, "alice"]
    assert history["steps"][1]["reason"] == "their books say so, ticket 7"


def test_the_operator_finds_what_the_partner_did_and_reverses_it(own: Network, air: Client, grocer: Client) -> None:
    member = earn(own, grocer, 400)
    exchange_id = take(own, air, member, "out", 400).exchange_id
    air.confirm_exchange(exchange_id)
    assert refusal(resolve, own, air, exchange_id, "fail") == "exchange_closed"
    assert resolve(own, air, exchange_id, "reverse")["state"] == "reversed"
    assert points(air, member) == (400, 0)


def resolve(own: Network, air: Client, exchange_id: str, step: str) -> dict[str, Any]:
    operator = reporting.by_operator("alice", "their books say so, ticket 7", air.partner_id)
    return exchange_steps.take_step(own.hub, operator, exchange_id, step)


def test_what_stays_open_is_listed_oldest_first(own: Network, air: Client) -> None:
    ids = []
    for _ in range(3):
        ids.append(take(own, air, earn_nothing(own, air), "in", 100).exchange_id)
        pass_time(own, minutes=10)
    air.fail_exchange(ids[1])

    def listed(state: str, minutes: int) -> list[str]:
        found = exchanges.listing(own.hub, state, timedelta(minutes=minutes), air.partner_id)
        return [one["exchange_id"] for one in found]

    assert (listed("open", 0), listed("open", 10), listed("open", 11)) == ([ids[0], ids[2]], [ids[0], ids[2]], ids[:1])
    assert (listed("failed", 0), listed("open", 31)) == ([ids[1]], [])
    everyone = exchanges.listing(own.hub, "open", timedelta(0))
    assert (air.partner_id, ids[0]) in {(one["partner"], one["exchange_id"]) for one in everyone}


def test_a_partner_lists_its_exchanges_page_by_page(own: Network, air: Client) -> None:
    ids = [take(own, air, earn_nothing(own, air), "in", 100).exchange_id for _ in range(5)]
    air.confirm_exchange(ids[2])
    pages = list(air.exchanges(limit=2))
    assert [[one.exchange_id for one in page.items] for page in pages] == [ids[:2], ids[2:4], ids[4:]]
    opened = [one for page in air.exchanges("open", limit=3) for one in page.items]
    assert [one.exchange_id for one in opened] == [*ids[:2], *ids[3:]]
    [confirmed] = next(air.exchanges("confirmed")).items
    assert confirmed == air.exchange_state(ids[2])
    assert refusal(next, air.exchanges("open", cursor=pages[0].next_cursor)) == "cursor_invalid"
    more = take(own, air, earn_nothing(own, air), "in", 100).exchange_id
    [page] = air.exchanges(cursor=pages[-1].next_cursor)
    assert [one.exchange_id for one in page.items] == [more]
    with airline(own) as another:
        assert [page.items for page in another.exchanges()] == [()]
        assert refusal(another.exchange_state, more) == "unknown_event"
