"""Reports that come later than the contract allows: quarantined, looked at, and released or rejected once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from click.testing import CliRunner

from hub.cli import main
from hub.core.errors import Refused
from hub.services import explaining, partners, reviews
from hub.services.context import Hub
from partner_sdk import Client, Earning, Money, Refund
from tests.support.coalition import FIRST_DAY, NOON
from tests.support.network import Network, broken_rows
from tests.support.sdk import client_of
from tests.support.threads import at_once

DAYS = 3
IN_TIME = NOON - timedelta(days=DAYS)
LATE = IN_TIME - timedelta(microseconds=1)
SAID = ("ada", "The till was in the workshop")


@pytest.fixture
def shop(net: Network) -> Iterator[Client]:
    with client_of(net, net.join(terms={"late_days": DAYS}).partner) as client:
        yield client


def sold(net: Network, member: str, minor: int = 1_000, **more: Any) -> Earning:
    return Earning(net.fresh("late"), member, more.pop("at", LATE), Money(minor, "USD"), **more)


def named(shop: Client, event: Any) -> str:
    return f"{shop.partner_id}/{event.event_id}"


def refusal(hub: Hub, decide: Any, name: str) -> str:
    with pytest.raises(Refused) as refused:
        decide(hub, name, *SAID)
    return refused.value.code


def waiting(net: Network, shop: Client) -> list[str]:
    return [one["report"] for one in reviews.listing(net.hub, shop.partner_id)]


def test_the_limit_is_exact_and_what_is_over_it_is_nowhere_but_in_the_review(net: Network, shop: Client) -> None:
    member = net.member()
    early, late = sold(net, member, at=IN_TIME), sold(net, member)
    posted, quarantined = shop.earn([early, late])
    assert (posted.status, posted.points) == ("posted", 10)
    assert (quarantined.status, quarantined.points, quarantined.duplicate) == ("quarantined", 0, False)
    assert quarantined.error is not None
    assert quarantined.error.code == "too_late"
    assert shop.member(member).available == 10
    [again] = shop.earn([late])
    assert (again.status, again.duplicate) == ("quarantined", True)
    assert waiting(net, shop) == [named(shop, late)]
    assert [one.event_id for page in shop.events() for one in page.items] == [early.event_id]
    assert reviews.show(net.hub, named(shop, late))["reported"]["member"] == member
    assert broken_rows(net.hub) == []


def test_what_is_released_is_posted_once_as_it_was_signed(net: Network, shop: Client) -> None:
    member = net.member()
    late = sold(net, member)
    shop.earn([sold(net, member, at=IN_TIME), late])
    released = reviews.release(net.hub, named(shop, late), *SAID)
    assert (released["state"], released["result"]["status"], released["result"]["points"]) == ("released", "posted", 10)
    again = reviews.release(net.hub, named(shop, late), *SAID)
    assert again["result"] == released["result"] | {"duplicate": True}
    [told] = shop.earn([late])
    assert (told.status, told.duplicate) == ("posted", True)
    assert shop.member(member).available == 20
    assert waiting(net, shop) == []
    explained = explaining.explain(net.hub, named(shop, late))
    assert f"signed with the key {shop.partner_id}." in explained["reported"]
    assert refusal(net.hub, reviews.reject, named(shop, late)) == "not_allowed"
    assert broken_rows(net.hub) == []


def test_what_is_rejected_stays_so_and_its_partner_learns_why(net: Network, shop: Client) -> None:
    late = sold(net, net.member())
    shop.earn([late])
    reviews.reject(net.hub, named(shop, late), *SAID)
    [told] = shop.earn([late])
    assert told.status == "rejected"
    assert told.error is not None
    assert (told.error.code, told.error.detail) == ("review_rejected", SAID[1])
    assert refusal(net.hub, reviews.release, named(shop, late)) == "not_allowed"


def test_an_id_that_waits_is_taken(net: Network, shop: Client) -> None:
    member = net.member()
    late = sold(net, member)
    other = Earning(late.event_id, member, IN_TIME, Money(500, "USD"))
    results = shop.earn([late]) + shop.earn([other])
    assert [one.error.code for one in results if one.error] == ["too_late", "event_conflict"]


def test_a_late_refund_waits_too(net: Network, shop: Client) -> None:
    member = net.member()
    sale = sold(net, member, at=IN_TIME)
    shop.earn([sale])
    back = Refund(net.fresh("back"), sale.event_id, LATE, Money(600, "USD"))
    [first], [again] = shop.refund([back]), shop.refund([back])
    assert (first.status, again.status, again.duplicate) == ("quarantined", "quarantined", True)
    assert shop.member(member).available == 10
    assert reviews.release(net.hub, named(shop, back), *SAID)["result"]["taken"] == 6
    assert shop.member(member).available == 4
    assert broken_rows(net.hub) == []


def test_a_refund_of_a_sale_that_waits_can_be_sent_again_once_that_is_released(net: Network, shop: Client) -> None:
    late = sold(net, net.member())
    shop.earn([late])
    back = Refund(net.fresh("back"), late.event_id, NOON)
    [before] = shop.refund([back])
    assert before.error is not None
    assert before.error.code == "unknown_event"
    reviews.release(net.hub, named(shop, late), *SAID)
    [after] = shop.refund([back])
    assert (after.status, after.taken) == ("posted", 10)


def test_what_another_rule_refuses_can_be_released_again(net: Network, shop: Client) -> None:
    late = Earning(net.fresh("late"), net.member(), LATE, Money(1_000, "EUR"))
    shop.earn([late])
    result = reviews.release(net.hub, named(shop, late), *SAID)["result"]
    assert (result["status"], result["error"]["code"]) == ("rejected", "currency_mismatch")
    terms = [{"rule": "linear", "points": 1, "per_minor": 100}]
    partners.set_rate(net.hub, shop.partner_id, "earning", FIRST_DAY, "EUR", terms)
    assert reviews.release(net.hub, named(shop, late), *SAID)["result"]["status"] == "posted"


def test_many_tills_and_operators_at_once_leave_one_event_and_one_decision(net: Network, shop: Client) -> None:
    member = net.member()
    late = sold(net, member)
    shop.earn([late])

    def decide(way: Callable[..., dict[str, Any]]) -> str:
        try:
            return str(way(net.hub, named(shop, late), *SAID)["state"])
        except Refused as refused:
            return refused.code

    def tell() -> str:
        return shop.earn([late])[0].status

    calls: list[Callable[[], str]] = [partial(decide, reviews.release), partial(decide, reviews.reject)] * 4
    outcomes = at_once([*calls, *[tell] * 4])
    decisions, told = outcomes[:8], set(outcomes[8:])
    assert decisions in (["released", "not_allowed"] * 4, ["not_allowed", "rejected"] * 4)
    assert told <= {"quarantined", "posted" if decisions[0] == "released" else "rejected"}
    assert shop.member(member).available == (10 if decisions[0] == "released" else 0)
    assert broken_rows(net.hub) == []


@pytest.mark.parametrize("name", ["", "nobody/e", "shop", "/", "shop1/none", "a\x00b/c"])
def test_what_is_not_there_is_refused_with_what_to_type(net: Network, name: str) -> None:
    for look in (reviews.show, partial(reviews.release, author="ada", reason="x")):
        with pytest.raises(Refused, match="review list"):
            look(net.hub, name)


def test_a_partner_without_a_limit_reports_whatever_its_age(net: Network) -> None:
    with client_of(net, net.join().partner) as client:
        [result] = client.earn([sold(net, net.member(), at=NOON - timedelta(days=9))])
    assert result.status == "posted"


def test_the_operator_does_it_by_the_command_line(net: Network, shop: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.start.open_hub", lambda settings: net.hub)
    member = net.member()
    one, other = sold(net, member), sold(net, member)
    shop.earn([one, other])

    def hansa(*arguments: str) -> Any:
        result = CliRunner().invoke(main, ("review", *arguments, "--json"))
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    listed = hansa("list", "--partner", shop.partner_id)
    assert [one["report"] for one in listed] == [named(shop, one), named(shop, other)]
    assert hansa("show", named(shop, one))["reported"]["amount"]["minor"] == 1_000
    said = ("--author", SAID[0], "--reason", SAID[1])
    assert hansa("release", named(shop, one), *said)["result"]["points"] == 10
    assert hansa("reject", named(shop, other), *said)["decision_reason"] == SAID[1]
    assert hansa("list", "--partner", shop.partner_id) == []
    states = [one["state"] for one in hansa("list", "--partner", shop.partner_id, "--all")]
    assert states == ["released", "rejected"]


@pytest.mark.parametrize("days", [-1, 3_661, "3", True, 2.0])
def test_a_limit_that_makes_no_sense_is_refused(net: Network, days: Any) -> None:
    with pytest.raises(Refused, match="late_days"):
        net.join(terms={"late_days": days})
