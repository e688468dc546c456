"""Points between members, through the real SDK against a real hub: nothing is lost, each point keeps its issuer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from itertools import count

import pytest

from hub.core.errors import Refused
from hub.services import business_clock, gifts, member_settings, merges, reporting, schemes
from partner_sdk import Client, Conflict, Earning, EventConflict, InsufficientPoints, Money, NotFound
from tests.support import services
from tests.support.coalition import FIRST_DAY, NOON, Coalition
from tests.support.network import Network, broken_rows, sale
from tests.support.sdk import client_of
from tests.support.threads import at_once

OPERATOR = reporting.by_operator("ada", "asked at the desk")


@pytest.fixture
def grocer(net: Network) -> Iterator[Client]:
    with client_of(net, "grocer") as client:
        yield client


@pytest.fixture
def fuel(net: Network) -> Iterator[Client]:
    with client_of(net, "fuel") as client:
        yield client


def earn(net: Network, client: Client, points: int, member: str | None = None, per_point: int = 100) -> str:
    """Give a member points of the client's; return the member."""
    member = member or net.member()
    [result] = client.earn([Earning(net.fresh("e"), member, NOON, Money(per_point * points, "USD"))])
    assert result.points == points
    return member


def test_issuer_kind_and_last_day_survive_and_the_issuer_pays(net: Network, grocer: Client, fuel: Client) -> None:
    giver, taker = earn(net, grocer, 100), earn(net, grocer, 1)
    earn(net, fuel, 50, giver, per_point=200)
    moved = grocer.transfer(net.fresh("t"), giver, taker, 120, kind="gift")
    assert [(lot.issuer, lot.kind, lot.points) for lot in moved.lots] == [("fuel", "base", 50), ("grocer", "base", 70)]
    assert {lot.expires_on for lot in moved.lots} == {date(2017, 7, 31)}
    assert (grocer.member(giver).available, grocer.member(taker).available) == (30, 121)
    redeemed = grocer.redeem(net.fresh("r"), taker, 121)
    assert [(lot.issuer, lot.points) for lot in redeemed.lots] == [("fuel", 50), ("grocer", 71)]
    assert broken_rows(net.hub) == []


def test_a_repetition_moves_nothing_and_other_content_is_a_conflict(net: Network, grocer: Client) -> None:
    giver, taker = earn(net, grocer, 100), earn(net, grocer, 1)
    name = net.fresh("t")
    first = grocer.transfer(name, giver, taker, 60)
    again = grocer.transfer(name, giver, taker, 60)
    assert again.duplicate
    assert again.lots == first.lots
    with pytest.raises(EventConflict):
        grocer.transfer(name, giver, taker, 61)
    with pytest.raises(EventConflict):
        grocer.transfer(name, giver, taker, 60, kind="gift")
    assert grocer.member(giver).available == 40


def test_the_same_transfer_at_once_moves_once(net: Network, grocer: Client) -> None:
    giver, taker = earn(net, grocer, 100), earn(net, grocer, 1)
    name = net.fresh("t")
    moved = at_once([lambda: grocer.transfer(name, giver, taker, 30)] * 8)
    assert sorted(one.duplicate for one in moved) == [False] + [True] * 7
    assert grocer.member(giver).available == 70


def test_what_cannot_be_given_is_refused(net: Network, grocer: Client) -> None:
    giver, taker = earn(net, grocer, 100), earn(net, grocer, 1)
    for to, kind, code in ((giver, "transfer", "same_member"), (taker, "donation", "not_a_charity")):
        with pytest.raises(Conflict) as refused:
            grocer.transfer(net.fresh("t"), giver, to, 1, kind=kind)
        assert refused.value.code == code
    with pytest.raises(InsufficientPoints):
        grocer.transfer(net.fresh("t"), giver, taker, 101)
    with pytest.raises(NotFound):
        grocer.transfer(net.fresh("t"), giver, net.member(), 1)
    grocer.hold(net.fresh("h"), giver, 70, 600)
    with pytest.raises(InsufficientPoints):
        grocer.transfer(net.fresh("t"), giver, taker, 31)
    assert grocer.transfer(net.fresh("t"), giver, taker, 30).points == 30


def test_a_charity_takes_donations(net: Network, grocer: Client) -> None:
    giver, charity = earn(net, grocer, 100), earn(net, grocer, 1)
    member_settings.amend(net.hub, charity, charity=True)
    assert grocer.transfer(net.fresh("t"), giver, charity, 100, kind="donation").kind == "donation"
    assert grocer.member(charity).available == 101
    member_settings.amend(net.hub, charity, charity=False)
    with pytest.raises(Conflict) as refused:
        grocer.transfer(net.fresh("t"), charity, charity, 1, kind="donation")
    assert refused.value.code == "same_member"


def test_two_members_who_give_to_each_other_at_once_never_wait_in_a_circle(net: Network, grocer: Client) -> None:
    one, other = earn(net, grocer, 1_000), earn(net, grocer, 1_000)
    calls = [(one, other, 10), (other, one, 7)] * 16
    assert len(at_once([partial(grocer.transfer, net.fresh("t"), *call) for call in calls])) == 32
    assert grocer.member(one).available == 1_000 - 16 * 3
    assert grocer.member(other).available == 1_000 + 16 * 3
    assert broken_rows(net.hub) == []


# --- limits of the scheme ---


@pytest.fixture
def limited(built: Coalition) -> Iterator[Callable[[str, str, int], int]]:
    """Yield what gives points, in a coalition where a member gives at most 30 at once, 50 a day and 70 a year."""
    limits = {"per_transaction": 30, "per_day": 50, "per_year": 70}
    schemes.amend(built.hub, FIRST_DAY, {"limits": limits})
    for number in (1, 2, 3):
        services.earn(built.hub, "grocer", f"e{number}", f"card:{number}", 10_000)
    given = count(1)

    def give(member: str, to: str, points: int) -> int:
        asked = {"transfer_id": f"t{next(given)}", "member": member, "to": to, "points": points}
        return int(gifts.give(built.hub, OPERATOR, asked)["points"])

    yield give
    assert broken_rows(built.hub) == []


def refused(give: Callable[[], int]) -> str:
    with pytest.raises(Refused) as refusal:
        give()
    return refusal.value.code


def test_no_more_is_given_than_at_once_in_a_day_and_in_a_year(
    limited: Callable[[str, str, int], int], built: Coalition
) -> None:
    assert refused(lambda: limited("card:1", "card:2", 31)) == "limit_exceeded"
    assert [limited("card:1", "card:2", 30), limited("card:1", "card:2", 20)] == [30, 20]
    assert refused(lambda: limited("card:1", "card:2", 1)) == "limit_exceeded"
    assert limited("card:2", "card:1", 30) == 30
    business_clock.move(built.hub, NOON + timedelta(days=1))
    assert limited("card:1", "card:2", 20) == 20
    assert refused(lambda: limited("card:1", "card:2", 1)) == "limit_exceeded"
    business_clock.move(built.hub, NOON.replace(year=2018))
    services.post(built.hub, "grocer", sale("e9", "card:1", 10_000, occurred_at="2018-01-10T09:00:00Z"))
    assert limited("card:1", "card:2", 30) == 30


def test_a_merge_neither_resets_nor_multiplies_the_limit(
    limited: Callable[[str, str, int], int], built: Coalition
) -> None:
    """What either of two merged members gave counts for the survivor, and for both once they are parted again."""
    assert limited("card:1", "card:3", 30) == 30
    merged = {"event_id": "m1", "member": "card:1", "into": "card:2", "reason": "one person"}
    merges.merge(built.hub, OPERATOR, merged)
    assert refused(lambda: limited("card:1", "card:3", 21)) == "limit_exceeded"
    assert limited("card:2", "card:3", 20) == 20
    assert refused(lambda: limited("card:2", "card:3", 1)) == "limit_exceeded"


def test_limits_hold_when_gifts_race(limited: Callable[[str, str, int], int]) -> None:
    def give(_: int) -> int:
        try:
            return limited("card:1", "card:2", 10)
        except Refused:
            return 0

    assert sum(at_once([partial(give, number) for number in range(12)])) == 50
