"""Household pools through the real SDK against a real hub: who pays in which share, and who may spend."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from hub.services import partners
from partner_sdk import Client, Conflict, Earning, EventConflict, InsufficientPoints, Money, NotFound, PoolMember
from tests.support.coalition import FIRST_DAY, NOON
from tests.support.network import Network, broken_rows
from tests.support.sdk import client_of
from tests.support.threads import at_once


@pytest.fixture(scope="module")
def shop(net: Network) -> Iterator[Client]:
    """A partner of this file's own, so that pools of others are others'."""
    name = net.join().partner
    partners.set_contract(net.hub, name, FIRST_DAY, 6, True, {"merges": True})
    with client_of(net, name) as client:
        yield client


def household(net: Network, shop: Client, *points: int) -> list[str]:
    """Members with so many points each."""
    members = [net.member() for _ in points]
    sales = [Earning(net.fresh("e"), m, NOON, Money(100 * p, "USD")) for m, p in zip(members, points, strict=True)]
    assert [result.points for result in shop.earn(sales)] == list(points)
    return members


def pooled(net: Network, shop: Client, members: list[str], *shares: int) -> str:
    """Put members into a new pool with these shares; the first of them alone may spend."""
    pool = net.fresh("p")
    joining = [PoolMember(m, share, m == members[0]) for m, share in zip(members, shares, strict=True)]
    assert shop.set_pool(net.fresh("c"), pool, joining).members == len(members)
    return pool


def balances(shop: Client, members: list[str]) -> list[int]:
    return [shop.member(member).available for member in members]


def test_each_pays_its_share_and_the_first_remainder_goes_to_the_earlier(net: Network, shop: Client) -> None:
    members = household(net, shop, 100, 100, 100)
    pooled(net, shop, members, 1, 1, 1)
    assert shop.redeem(net.fresh("r"), members[0], 100, pool=True).points == 100
    assert balances(shop, members) == [66, 67, 67]
    assert broken_rows(net.hub) == []


def test_who_has_too_little_pays_what_it_has_and_the_others_the_rest(net: Network, shop: Client) -> None:
    members = household(net, shop, 10, 10, 1)
    pooled(net, shop, members, 10, 10, 10)
    with pytest.raises(InsufficientPoints):
        shop.redeem(net.fresh("r"), members[0], 22, pool=True)
    assert shop.redeem(net.fresh("r"), members[0], 15, pool=True).points == 15
    assert balances(shop, members) == [3, 3, 0]


@pytest.mark.parametrize(("points", "asked", "left"), [((3, 3, 1), 6, [0, 1, 0]), ((10, 10, 10, 1), 30, [0, 0, 1, 0])])
def test_equal_shares_give_exactly_what_is_asked_and_none_more_than_it_has(
    net: Network, shop: Client, points: tuple[int, ...], asked: int, left: list[int]
) -> None:
    members = household(net, shop, *points)
    pooled(net, shop, members, *[1] * len(points))
    assert shop.redeem(net.fresh("r"), members[0], asked, pool=True).points == asked
    assert balances(shop, members) == left


def test_only_who_may_spend_spends(net: Network, shop: Client) -> None:
    members = household(net, shop, 50, 50)
    pooled(net, shop, members, 1, 1)
    for spender in (members[1], *household(net, shop, 5)):
        with pytest.raises(Conflict) as refused:
            shop.redeem(net.fresh("r"), spender, 10, pool=True)
        assert refused.value.code == "not_in_pool"
    assert shop.redeem(net.fresh("r"), members[1], 10).points == 10


def test_a_hold_of_a_pool_is_captured_in_proportion_and_reversed_to_its_payers(net: Network, shop: Client) -> None:
    members = household(net, shop, 100, 100)
    pooled(net, shop, members, 3, 1)
    hold = shop.hold(net.fresh("h"), members[0], 80, 600, pool=True).redemption_id
    assert balances(shop, members) == [40, 80]
    assert shop.capture(hold, 40).released == 40
    assert balances(shop, members) == [70, 90]
    shop.reverse(hold)
    assert balances(shop, members) == [100, 100]
    assert broken_rows(net.hub) == []


def test_a_member_is_in_one_pool_at_most_and_leaves_by_a_change(net: Network, shop: Client) -> None:
    members = household(net, shop, 10, 10, 10)
    first = pooled(net, shop, members[:2], 1, 1)
    with pytest.raises(Conflict) as refused:
        pooled(net, shop, members[1:], 1, 1)
    assert refused.value.code == "in_another_pool"
    shop.set_pool(net.fresh("c"), first, [PoolMember(members[0])])
    pooled(net, shop, members[1:], 1, 1)
    shop.set_pool(net.fresh("c"), first, [])
    with pytest.raises(Conflict) as refused:
        shop.redeem(net.fresh("r"), members[0], 10, pool=True)
    assert refused.value.code == "not_in_pool"


def test_an_old_change_that_comes_again_brings_no_old_pool_back(net: Network, shop: Client) -> None:
    members = household(net, shop, 10, 10)
    pool, change = net.fresh("p"), net.fresh("c")
    both = [PoolMember(member) for member in members]
    shop.set_pool(change, pool, both)
    shop.set_pool(net.fresh("c"), pool, both[:1])
    assert shop.set_pool(change, pool, both).duplicate
    with pytest.raises(EventConflict):
        shop.set_pool(change, pool, both[:1])
    with pytest.raises(Conflict):
        shop.redeem(net.fresh("r"), members[1], 1, pool=True)


def test_what_makes_no_pool_is_refused(net: Network, shop: Client) -> None:
    [member] = household(net, shop, 10)
    with pytest.raises(NotFound):
        shop.set_pool(net.fresh("c"), net.fresh("p"), [PoolMember(net.member())])
    with pytest.raises(Conflict) as refused:
        shop.set_pool(net.fresh("c"), net.fresh("p"), [PoolMember(member), PoolMember(member)])
    assert refused.value.code == "same_member"
    with client_of(net, "grocer") as grocer:
        pool = pooled(net, shop, [member], 1)
        with pytest.raises(Conflict) as refused:
            grocer.set_pool(net.fresh("c"), pool, [PoolMember(member)])
        assert refused.value.code == "in_another_pool"


def test_two_pools_that_want_the_same_member_at_once_one_gets_it(net: Network, shop: Client) -> None:
    members = household(net, shop, 10, 10)

    def joined(change: str) -> str:
        try:
            return shop.set_pool(change, f"p-{change}", [PoolMember(member) for member in members]).event_id
        except Conflict as refused:
            return str(refused.code)

    outcomes = at_once([partial(joined, net.fresh("c")) for _ in range(6)])
    assert outcomes.count("in_another_pool") == 5


def test_a_merged_member_leaves_its_place_to_the_survivor_and_gets_it_back(net: Network, shop: Client) -> None:
    members = household(net, shop, 60, 60, 60)
    pooled(net, shop, members[:2], 1, 1)
    merged = shop.merge(net.fresh("m"), members[0], members[2], "one person").event_id
    shop.redeem(net.fresh("r"), members[2], 40, pool=True)
    assert balances(shop, members) == [100, 40, 100]
    shop.undo_merge(merged)
    with pytest.raises(Conflict):
        shop.redeem(net.fresh("r"), members[2], 1, pool=True)
    shop.redeem(net.fresh("r"), members[0], 20, pool=True)
    assert sum(balances(shop, members)) == 180 - 60
    assert broken_rows(net.hub) == []
