"""A member's life as the operator sees it: every event, signs, running balance, lots, holds, merges; and quickly."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from hub.core.errors import Refused
from hub.services import adjustments, captures, member_settings, members, partners, redemptions, refunds, timeline
from hub.services.context import Hub
from partner_sdk.wire.returns import RefundsRequest
from partner_sdk.wire.schemas import validate
from tests.hub.services.test_adjustments import ASKED, merge, number_of
from tests.support.coalition import FIRST_DAY, Coalition
from tests.support.network import broken_rows, sale
from tests.support.services import earn, evidence, partner, post, redeem

LINEAR: dict[str, Any] = {"rule": "linear", "points": 1, "per_minor": 100}


@pytest.fixture
def hub(built: Coalition) -> Hub:
    return built.hub


def told(hub: Hub, member: str = "card:1", limit: int = 100) -> list[tuple[Any, ...]]:
    """Each event's id, kind, points and balance."""
    events = timeline.show(hub, member, limit)["events"]
    return [(one["event"], one["kind"], one["points"], one["balance"]) for one in events]


def hold(hub: Hub, redemption_id: str, points: int, member: str = "card:1") -> None:
    asked = {"redemption_id": redemption_id, "member": member, "points": points, "hold": 600}
    redemptions.redeem(hub, partner(hub, "fuel"), evidence(), asked)


def refund(hub: Hub, event_id: str, refunds_id: str) -> None:
    body = {"refunds": [{"event_id": event_id, "refunds": refunds_id, "occurred_at": "2017-01-10T10:00:00Z"}]}
    [result] = refunds.post(hub, partner(hub, "grocer"), evidence(), validate(RefundsRequest, body)["refunds"])
    assert result["status"] == "posted", result


def test_every_event_is_there_with_sign_and_running_balance(hub: Hub) -> None:
    earn(hub, "grocer", "e1", "card:1", 10_000)
    earn(hub, "grocer", "e2", "card:1", 99)
    redeem(hub, "fuel", "r1", "card:1", 30)
    with pytest.raises(Refused):
        redeem(hub, "fuel", "r2", "card:1", 71)
    hold(hub, "h1", 20)
    captures.capture(hub, partner(hub, "fuel"), evidence(), "h1", {"points": 15})
    hold(hub, "h2", 20)
    captures.void(hub, partner(hub, "fuel"), evidence(), "h2")
    refund(hub, "b1", "e1")
    adjustments.adjust(hub, ASKED | {"adjustment_id": "a1"})
    adjustments.adjust(hub, ASKED | {"adjustment_id": "a2", "points": -40})
    assert told(hub) == [
        ("grocer/e1", "earning", 100, 100),
        ("grocer/e2", "earning", 0, 100),
        ("fuel/r1", "redemption", -30, 70),
        ("fuel/r2", "redemption", 0, 70),
        ("fuel/h1", "hold", 0, 70),
        ("fuel/h1/capture", "capture", -15, 55),
        ("fuel/h2", "hold", 0, 55),
        ("fuel/h2/void", "void", 0, 55),
        ("grocer/b1", "refund", -55, 0),
        ("coalition/adjustment-a1", "adjustment", 100, 100),
        ("coalition/adjustment-a2", "adjustment", -40, 60),
    ]
    shown = timeline.show(hub, "card:1")
    notes = {one["event"]: (one.get("refers_to"), one.get("note")) for one in shown["events"]}
    assert notes["fuel/r2"] == (None, "declined: insufficient_points, 71 asked")
    assert notes["fuel/h1"] == (None, "20 reserved")
    assert notes["fuel/h2/void"] == ("fuel/h2", "20 released")
    assert notes["grocer/b1"] == ("grocer/e1", None)
    assert notes["coalition/adjustment-a1"] == (
        None,
        "goodwill, ticket T-1, by alice; reason: Till 7 was down",
    )
    assert shown["available"] == 60
    assert broken_rows(hub) == []


def test_what_is_held_pending_and_qualifying_is_told_apart(hub: Hub) -> None:
    earn(hub, "fuel", "e1", "card:1", 2_000)
    partners.set_rate(hub, "grocer", "earning", FIRST_DAY, "USD", [LINEAR, LINEAR | {"gives": {"kind": "qualifying"}}])
    partners.set_contract(hub, "grocer", FIRST_DAY, terms={"maturity": {"confirmed": True}})
    post(hub, "grocer", sale("e2", "card:1", 700))
    hold(hub, "h1", 4)
    shown = timeline.show(hub, "card:1")
    sums = {name: shown[name] for name in ("available", "pending", "held", "debt", "qualifying")}
    assert sums == {"available": 6, "pending": 7, "held": 4, "debt": {}, "qualifying": 7}
    assert shown["lots"] == [
        {"issuer": "fuel", "kind": "base", "points": 10, "held": 4, "matures": "at once", "last_day": "2017-07-31",
         "state": "available"},
        {"issuer": "grocer", "kind": "base", "points": 7, "held": 0, "matures": "when confirmed",
         "last_day": "2017-07-31", "state": "pending"},
        {"issuer": "grocer", "kind": "qualifying", "points": 7, "held": 0, "matures": "when confirmed",
         "last_day": "2017-07-31", "state": "qualifying"},
    ]  # fmt: skip
    assert shown["holds"] == [{"event": "fuel/h1", "points": 4, "lapses": "2017-01-10T12:10:00Z"}]
    assert [(one["points"], one["balance"], one.get("qualifying")) for one in shown["events"]] == [
        (10, 10, None), (7, 17, 7), (0, 17, None),
    ]  # fmt: skip


def test_debts_have_a_column_of_their_own_and_are_paid_after_what_came_in(hub: Hub) -> None:
    partners.set_contract(hub, "grocer", FIRST_DAY, terms={"refunds": "debt"})
    earn(hub, "grocer", "e1", "card:1", 1_000)
    redeem(hub, "fuel", "r1", "card:1", 10)
    refund(hub, "b1", "e1")
    assert timeline.show(hub, "card:1")["debt"] == {"grocer": 10}
    adjustments.adjust(hub, ASKED | {"adjustment_id": "a1", "points": 25})
    *_, owed, given, paid = timeline.show(hub, "card:1")["events"]
    assert (owed["event"], owed["points"], owed["debt"]) == ("grocer/b1", 0, 10)
    assert (given["event"], given["points"], given["balance"]) == ("coalition/adjustment-a1", 25, 25)
    assert (paid["kind"], paid["points"], paid["balance"], paid["debt"]) == ("repayment", -10, 15, -10)


def test_a_merged_member_is_shown_as_one_with_its_survivor(hub: Hub) -> None:
    earn(hub, "grocer", "e1", "card:1", 1_000)
    earn(hub, "grocer", "e2", "phone:2", 2_000)
    merge(hub, "phone:2", "card:1")
    survivor, merged = number_of(hub, "card:1"), number_of(hub, "phone:2")
    shown = timeline.show(hub, "phone:2")
    assert (shown["member"], shown["asked_for"], shown["merged"]) == (survivor, merged, [merged])
    assert shown["identifiers"] == {"card": 1, "phone": 1}
    assert shown | {"asked_for": survivor} == timeline.show(hub, "card:1") | {"asked_for": survivor}
    assert told(hub)[:2] == [("grocer/e1", "earning", 10, 10), ("grocer/e2", "earning", 20, 30)]
    assert told(hub)[2][1:] == ("merge", 0, 30)
    assert (shown["available"], shown["events"][-1]["balance"]) == (30, 30)


def test_who_a_member_is(hub: Hub) -> None:
    earn(hub, "grocer", "e1", "card:1", 1_000)
    member_settings.amend(hub, "card:1", jurisdiction="DE", charity=True)
    number = number_of(hub, "card:1")
    with hub.database.connect() as connection:
        connection.execute(text("INSERT INTO hub.pool VALUES ('grocer', 'home')"))
        connection.execute(
            text(
                "INSERT INTO hub.pool_member VALUES (:one, 'grocer', 'home', 2, true), (99, 'grocer', 'home', 1, true)"
            ),
            {"one": number},
        )
    shown = timeline.show(hub, str(number))
    assert (shown["member"], shown["jurisdiction"], shown["charity"]) == (number, "DE", True)
    assert shown["pool"] == {"pool": "grocer/home", "share": 2, "may_spend": True, "others": [99]}
    assert (shown["enrolled_by"], shown["enrolled_at"]) == ("grocer", "2017-01-10T12:00:00Z")
    again = member_settings.amend(hub, "card:1", jurisdiction="none")
    assert again == {"member": number, "jurisdiction": None, "charity": True}
    for wrong in ("de", "DEU", "", "D\u0130"):
        with pytest.raises(Refused) as refused:
            member_settings.amend(hub, "card:1", jurisdiction=wrong)
        assert refused.value.code == "invalid_request"


def test_whoever_is_not_there_is_refused(hub: Hub) -> None:
    for name in ("card:1", "4711", "", "card", "\u0661"):
        with pytest.raises(Refused) as refused:
            timeline.show(hub, name)
        assert refused.value.code == "unknown_member"


def test_a_member_who_did_nothing(hub: Hub) -> None:
    members.enrol(hub, partner(hub, "grocer"), [{"member": "card:1"}])
    shown = timeline.show(hub, "card:1")
    assert (shown["events"], shown["lots"], shown["holds"], shown["older"]) == ([], [], [], 0)


def test_the_last_are_shown_and_the_older_are_counted(hub: Hub) -> None:
    for number in range(7):
        earn(hub, "grocer", f"e{number}", "card:1", 1_000)
    shown = timeline.show(hub, "card:1", 2)
    assert [(one["event"], one["balance"]) for one in shown["events"]] == [("grocer/e5", 60), ("grocer/e6", 70)]
    assert shown["older"] == 5


def test_of_a_member_with_10_000_earnings_the_last_are_shown(hub: Hub) -> None:
    for batch in range(10):
        post(hub, "grocer", *[sale(f"e{batch}-{number}", "card:1", 100) for number in range(1_000)])
    shown = timeline.show(hub, "card:1")
    assert (len(shown["events"]), shown["older"], shown["events"][-1]["balance"]) == (200, 9_800, 10_000)
