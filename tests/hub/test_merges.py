"""Merging and parting members, through the real SDK against a real hub: neither loses a point."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from sqlalchemy import text

from hub.services import partners
from partner_sdk import Client, Conflict, Earning, EventConflict, Money, NotAllowed, NotFound, Refund
from tests.support.coalition import FIRST_DAY, NOON
from tests.support.network import Network, broken_rows
from tests.support.sdk import client_of
from tests.support.threads import at_once


@pytest.fixture(scope="module")
def desk(net: Network) -> Iterator[Client]:
    """A partner whose contract lets it merge, lets points wait for a confirmation never, and lets members owe."""
    name = _partner(net, {"merges": True, "refunds": "debt"})
    with client_of(net, name) as client:
        yield client


@pytest.fixture(scope="module")
def slow(net: Network) -> Iterator[Client]:
    """A partner whose points wait for its confirmation."""
    name = _partner(net, {"maturity": {"confirmed": True}})
    with client_of(net, name) as client:
        yield client


def _partner(net: Network, terms: dict[str, object]) -> str:
    name = net.join().partner
    partners.set_contract(net.hub, name, FIRST_DAY, 6, True, terms)
    return name


def earn(net: Network, client: Client, points: int, member: str | None = None) -> str:
    """Give a member points of the client's; return the member."""
    return sell(net, client, points, member)[1]


def sell(net: Network, client: Client, points: int, member: str | None = None) -> tuple[str, str]:
    """The same; return event id and member."""
    member, event_id = member or net.member(), net.fresh("e")
    [result] = client.earn([Earning(event_id, member, NOON, Money(100 * points, "USD"))])
    assert result.points == points
    return event_id, member


def refund(net: Network, client: Client, sale: str) -> int:
    [result] = client.refund([Refund(net.fresh("f"), sale, NOON)])
    assert result.error is None
    return result.taken


def view(client: Client, member: str) -> tuple[int, int, int, int]:
    seen = client.member(member)
    return seen.available, seen.pending, seen.held, seen.debt


def merge(net: Network, desk: Client, member: str, into: str) -> str:
    return desk.merge(net.fresh("m"), member, into, "the same person twice").event_id


def test_merged_and_parted_with_nothing_in_between_both_are_as_before(net: Network, desk: Client, slow: Client) -> None:
    """With lots, holds and pending points on both sides, and debt on one."""
    one, other = earn(net, desk, 100), earn(net, desk, 70)
    earn(net, slow, 11, one)
    earn(net, slow, 13, other)
    holds = [desk.hold(net.fresh("h"), member, 20, 6_000).redemption_id for member in (one, other)]
    before = [view(desk, one), view(desk, other)]
    assert before == [(80, 11, 20, 0), (50, 13, 20, 0)]
    merged = merge(net, desk, one, other)
    assert view(desk, one) == view(desk, other) == (130, 24, 40, 0)
    back = desk.undo_merge(merged)
    assert back.points == 111
    assert [view(desk, one), view(desk, other)] == before
    assert [desk.capture(hold).points for hold in holds] == [20, 20]
    assert [view(desk, one), view(desk, other)] == [(80, 11, 0, 0), (50, 13, 0, 0)]
    assert broken_rows(net.hub) == []


def test_debt_goes_over_and_comes_back(net: Network, desk: Client) -> None:
    sale, debtor = sell(net, desk, 100)
    desk.redeem(net.fresh("r"), debtor, 100)
    refund(net, desk, sale)
    other_sale, other = sell(net, desk, 40)
    desk.redeem(net.fresh("r"), other, 40)
    refund(net, desk, other_sale)
    assert (view(desk, debtor), view(desk, other)) == ((0, 0, 0, 100), (0, 0, 0, 40))
    merged = merge(net, desk, debtor, other)
    assert view(desk, other) == (0, 0, 0, 140)
    assert desk.undo_merge(merged).debt == 100
    assert (view(desk, debtor), view(desk, other)) == ((0, 0, 0, 100), (0, 0, 0, 40))
    assert broken_rows(net.hub) == []


def test_debt_holds_and_pending_points_on_both_sides_go_over_and_come_back(
    net: Network, desk: Client, slow: Client
) -> None:
    """Nothing is lost, and no hold of one pays what the other owes."""
    members = [net.member(), net.member()]
    holds = [_owing(net, desk, slow, member, points) for member, points in zip(members, (100, 70), strict=True)]
    before = [view(desk, member) for member in members]
    assert before == [(0, 10, 20, 20), (0, 7, 20, 20)]
    merged = merge(net, desk, *members)
    assert view(desk, members[0]) == view(desk, members[1]) == (0, 17, 40, 40)
    back = desk.undo_merge(merged)
    assert (back.points, back.debt) == (30, 20)
    assert [view(desk, member) for member in members] == before
    for hold in holds:
        assert desk.capture(hold, 5).released == 15
    assert [view(desk, member) for member in members] == [(0, 10, 0, 5), (0, 7, 0, 5)]
    assert broken_rows(net.hub) == []


def _owing(net: Network, desk: Client, slow: Client, member: str, points: int) -> str:
    """Let a member owe 20 points, while as many are held, and a tenth of its points wait; return the hold."""
    sale, _ = sell(net, desk, points, member)
    desk.redeem(net.fresh("r"), member, points - 20)
    hold = desk.hold(net.fresh("h"), member, 20, 6_000).redemption_id
    earn(net, slow, points // 10, member)
    [result] = desk.refund([Refund(net.fresh("f"), sale, NOON, Money(2_000, "USD"))])
    assert (result.taken, result.owed) == (0, 20)
    return hold


def test_points_of_one_pay_the_debt_of_the_other(net: Network, desk: Client) -> None:
    sale, debtor = sell(net, desk, 100)
    desk.redeem(net.fresh("r"), debtor, 100)
    refund(net, desk, sale)
    rich = earn(net, desk, 250)
    merge(net, desk, debtor, rich)
    assert view(desk, debtor) == view(desk, rich) == (150, 0, 0, 0)
    assert broken_rows(net.hub) == []


def test_a_refund_of_a_merged_members_purchase_finds_the_survivor(net: Network, desk: Client) -> None:
    sale, one = sell(net, desk, 100)
    other = earn(net, desk, 30)
    merge(net, desk, one, other)
    assert refund(net, desk, sale) == 100
    assert view(desk, one) == view(desk, other) == (30, 0, 0, 0)
    assert broken_rows(net.hub) == []


def test_what_followed_from_ones_own_events_meanwhile_stays_ones_own(net: Network, desk: Client, slow: Client) -> None:
    """Refund, confirmation, sale, redemption and gift under the merged member's card while it was merged."""
    sale, one = sell(net, desk, 100)
    other, third = earn(net, desk, 100), earn(net, desk, 60)
    waiting, _ = sell(net, slow, 15, one)
    merged = merge(net, desk, one, other)
    refund(net, desk, sale)
    slow.confirm(waiting)
    earn(net, desk, 33, one)
    desk.redeem(net.fresh("r"), one, 10)
    desk.transfer(net.fresh("t"), third, one, 5)
    assert view(desk, other) == (100 + 15 + 33 - 10 + 5, 0, 0, 0)
    desk.undo_merge(merged)
    assert view(desk, one) == (15 + 33 - 10 + 5, 0, 0, 0)
    assert view(desk, other) == (100, 0, 0, 0)
    assert broken_rows(net.hub) == []


def test_what_was_spent_meanwhile_counts_as_the_survivors_first(net: Network, desk: Client) -> None:
    one, other = earn(net, desk, 100), earn(net, desk, 100)
    merged = merge(net, desk, one, other)
    desk.redeem(net.fresh("r"), other, 150)
    assert desk.undo_merge(merged).points == 50
    assert (view(desk, one), view(desk, other)) == ((50, 0, 0, 0), (0, 0, 0, 0))
    assert broken_rows(net.hub) == []


def test_merges_of_merges_are_undone_in_reverse_order(net: Network, desk: Client) -> None:
    first, second, third = earn(net, desk, 1), earn(net, desk, 20), earn(net, desk, 300)
    inner, outer = merge(net, desk, first, second), merge(net, desk, second, third)
    earn(net, desk, 4_000, first)
    assert {view(desk, member)[0] for member in (first, second, third)} == {4_321}
    with pytest.raises(Conflict) as refused:
        desk.undo_merge(inner)
    assert refused.value.code == "merged_since"
    desk.undo_merge(outer)
    assert [view(desk, member)[0] for member in (first, second, third)] == [4_021, 4_021, 300]
    desk.undo_merge(inner)
    assert [view(desk, member)[0] for member in (first, second, third)] == [4_001, 20, 300]
    assert broken_rows(net.hub) == []


def test_a_repetition_changes_nothing(net: Network, desk: Client) -> None:
    one, other = earn(net, desk, 10), earn(net, desk, 5)
    name = net.fresh("m")
    first = desk.merge(name, one, other, "twice")
    again = desk.merge(name, one, other, "twice")
    assert (again.duplicate, again.points) == (True, first.points)
    with pytest.raises(EventConflict):
        desk.merge(name, one, other, "another reason")
    back = desk.undo_merge(name)
    assert desk.undo_merge(name).duplicate
    assert back.points == 10
    assert desk.merge(net.fresh("m"), one, other, "after all").points == 10


def test_what_cannot_be_merged_is_refused(net: Network, desk: Client) -> None:
    one, other, third = earn(net, desk, 10), earn(net, desk, 5), earn(net, desk, 1)
    merge(net, desk, one, other)
    refusals = ((one, third, "already_merged"), (other, one, "same_member"), (third, third, "same_member"))
    for member, into, code in refusals:
        with pytest.raises(Conflict) as refused:
            merge(net, desk, member, into)
        assert refused.value.code == code
    with pytest.raises(NotFound):
        merge(net, desk, net.member(), other)
    with pytest.raises(NotFound):
        desk.undo_merge(net.fresh("m"))
    with client_of(net, "grocer") as grocer, pytest.raises(NotAllowed):
        merge(net, grocer, third, other)


def test_sales_that_race_with_merges_reach_who_they_belong_to(net: Network, desk: Client) -> None:
    """Sales, redemptions, a merge and its undoing at once: every point is somewhere, and nobody waits in a circle."""
    for _ in range(4):
        one, other = earn(net, desk, 100), earn(net, desk, 100)
        name = net.fresh("m")

        calls: list[Callable[[], object]] = [partial(_merge_and_part, desk, name, one, other)]
        for member in (one, other) * 4:
            calls += [partial(earn, net, desk, 10, member), partial(desk.redeem, net.fresh("r"), member, 3)]
        at_once(calls)
        total = view(desk, one)[0] + view(desk, other)[0]
        assert total == 200 + 80 - 24
        assert broken_rows(net.hub) == []


def _merge_and_part(desk: Client, name: str, one: str, other: str) -> None:
    desk.merge(name, one, other, "a race")
    desk.undo_merge(name)


def test_a_merge_leaves_its_evidence_and_its_reason(net: Network, desk: Client) -> None:
    one, other = earn(net, desk, 10), earn(net, desk, 5)
    name = merge(net, desk, one, other)
    with net.hub.database.connect() as connection:
        query = text("SELECT details->>'reason', evidence_id IS NOT NULL FROM hub.event WHERE event_id = :name")
        assert tuple(connection.execute(query, {"name": name}).one()) == ("the same person twice", True)
