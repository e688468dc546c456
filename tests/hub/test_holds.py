"""Holds through the real SDK against a real hub: reserve, capture, void, lapse; one outcome only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

import pytest

from hub.services import business_clock
from partner_sdk import Client, Conflict, Earning, EventConflict, InsufficientPoints, Money, NotFound
from tests.support import network
from tests.support.coalition import NOON
from tests.support.network import Network
from tests.support.sdk import client_of
from tests.support.threads import at_once


@pytest.fixture(scope="module")
def own(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Yield a network of this file's own, because its tests move the clock."""
    with network.running(module_postgres_url, tmp_path_factory.mktemp("hub")) as running:
        yield running


@pytest.fixture
def grocer(own: Network) -> Iterator[Client]:
    with client_of(own, "grocer") as client:
        yield client


def earn(own: Network, client: Client, points: int) -> str:
    member = own.member()
    [result] = client.earn([Earning(own.fresh("e"), member, NOON, Money(100 * points, "USD"))])
    assert result.points == points
    return member


def test_six_holds_of_1000_on_5000_the_sixth_is_refused(own: Network, grocer: Client) -> None:
    member = earn(own, grocer, 5_000)
    for _ in range(5):
        grocer.hold(own.fresh("h"), member, 1_000, 600)
    with pytest.raises(InsufficientPoints):
        grocer.hold(own.fresh("h"), member, 1_000, 600)
    view = grocer.member(member)
    assert (view.available, view.held) == (0, 5_000)


def test_hold_123_capture_100_and_23_come_back(own: Network, grocer: Client) -> None:
    member = earn(own, grocer, 123)
    held = grocer.hold(own.fresh("h"), member, 123, 600)
    captured = grocer.capture(held.redemption_id, 100)
    assert (captured.points, captured.released) == (100, 23)
    assert grocer.member(member).available == 23
    assert grocer.capture(held.redemption_id, 100).duplicate


def test_capture_124_of_123_is_refused_and_the_hold_stays(own: Network, grocer: Client) -> None:
    member = earn(own, grocer, 123)
    held = grocer.hold(own.fresh("h"), member, 123, 600)
    with pytest.raises(Conflict) as refused:
        grocer.capture(held.redemption_id, 124)
    assert refused.value.code == "exceeds_original"
    assert grocer.capture(held.redemption_id).points == 123


def test_balance_30_hold_50_refused_hold_30_accepted(own: Network, grocer: Client) -> None:
    member = earn(own, grocer, 30)
    with pytest.raises(InsufficientPoints):
        grocer.hold(own.fresh("h"), member, 50, 600)
    assert grocer.hold(own.fresh("h"), member, 30, 600).held_until is not None


def test_capture_and_void_at_once_one_wins(own: Network, grocer: Client) -> None:
    for _ in range(5):
        member = earn(own, grocer, 10)
        hold = grocer.hold(own.fresh("h"), member, 10, 600).redemption_id
        outcomes = at_once([partial(_outcome, grocer.capture, hold), partial(_outcome, grocer.void, hold)] * 4)
        assert len({one for one in outcomes if one != "hold_closed"}) == 1
        assert grocer.member(member).held == 0


def test_a_hold_lapses_by_itself_at_its_instant(own: Network, grocer: Client) -> None:
    member = earn(own, grocer, 10)
    hold = grocer.hold(own.fresh("h"), member, 10, 60)
    assert hold.held_until is not None
    business_clock.move(own.hub, hold.held_until - timedelta(microseconds=1))
    assert grocer.member(member).available == 0
    business_clock.move(own.hub, hold.held_until)
    assert grocer.member(member).available == 10
    for attempt in (grocer.capture, grocer.void):
        with pytest.raises(Conflict) as refused:
            attempt(hold.redemption_id)
        assert refused.value.code == "hold_closed"
    assert grocer.redeem(own.fresh("r"), member, 10).points == 10


def test_what_is_captured_is_reversed_to_its_lots(own: Network, grocer: Client) -> None:
    member = earn(own, grocer, 100)
    hold = grocer.hold(own.fresh("h"), member, 60, 600).redemption_id
    captured = grocer.capture(hold, 50)
    first = grocer.reverse(hold, 20, reversal_id=own.fresh("v"))
    rest = grocer.reverse(hold)
    assert (first.points, rest.points) == (20, 30)
    assert first.value.minor + rest.value.minor == captured.value.minor
    assert grocer.member(member).available == 100
    with pytest.raises(Conflict) as refused:
        grocer.reverse(hold, 1, reversal_id=own.fresh("v"))
    assert refused.value.code == "exceeds_original"


def test_what_was_never_held_cannot_be_captured(own: Network, grocer: Client) -> None:
    member = earn(own, grocer, 10)
    redemption = grocer.redeem(own.fresh("r"), member, 5).redemption_id
    for unknown in (redemption, own.fresh("nothing")):
        with pytest.raises(NotFound):
            grocer.capture(unknown)
    hold = grocer.hold(own.fresh("h"), member, 5, 600).redemption_id
    grocer.capture(hold, 3)
    with pytest.raises(EventConflict):
        grocer.capture(hold, 4)
    assert network.broken_rows(own.hub) == []


def _outcome(attempt: Callable[[str], object], hold: str) -> str:
    try:
        return type(attempt(hold)).__name__
    except Conflict as refused:
        return refused.code
