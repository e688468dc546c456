"""`hansa event explain` of what members do among themselves, and of what the operator does for points' lives."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from hub.services import (
    business_clock,
    end_of_day,
    explaining,
    extensions,
    gifts,
    household_pools,
    merges,
    partners,
    reinstatements,
    reporting,
    reversals,
)
from hub.services.context import Hub
from hub.services.extensions import Group
from hub.services.reinstatements import Asked
from tests.support.coalition import FIRST_DAY, NOON, Coalition
from tests.support.network import broken_rows
from tests.support.services import earn, evidence, partner, redeem

END = date(2017, 7, 31)
OPERATOR = reporting.by_operator("ada", "it was our fault")
ORDER = "Burning order restricted-first-1: "


@pytest.fixture
def hub(built: Coalition) -> Hub:
    earn(built.hub, "grocer", "e1", "card:1", 1_000)
    earn(built.hub, "grocer", "e2", "card:2", 1_000)
    return built.hub


def why(hub: Hub, name: str) -> list[str]:
    told = explaining.explain(hub, name)["why"]
    assert isinstance(told, list)
    return told


def reporter(hub: Hub) -> reporting.Reporter:
    return reporting.by_partner(partner(hub, "grocer"), evidence())


def merge(hub: Hub) -> None:
    asked = {"event_id": "m1", "member": "card:2", "into": "card:1", "reason": "one person"}
    merges.merge(hub, reporter(hub), asked)


def give(hub: Hub, transfer_id: str, member: str, to: str, points: int) -> None:
    asked = {"transfer_id": transfer_id, "member": member, "to": to, "points": points}
    gifts.give(hub, reporter(hub), asked)


def pool(hub: Hub, event_id: str, *members: str) -> None:
    said: list[dict[str, Any]] = [{"member": one, "share": 2, "may_spend": one == "card:1"} for one in members]
    household_pools.set_members(hub, reporter(hub), {"event_id": event_id, "pool_id": "home", "members": said})


def test_a_gift_and_one_for_a_merged_member(hub: Hub) -> None:
    earn(hub, "grocer", "e3", "card:3", 1_000)
    give(hub, "t1", "card:3", "card:1", 4)
    told = why(hub, "grocer/t1")
    assert told[0] == "Member 3 gave 4 points to member 1; nobody owes anybody for that."
    assert told[1].startswith(ORDER)
    assert "charged to whoever issued it" in told[2]
    merge(hub)
    give(hub, "t2", "card:3", "card:2", 4)
    give(hub, "t3", "card:2", "card:3", 1)
    assert "They were for member 2, which had been merged into 1." in why(hub, "grocer/t2")
    assert "The giver was named as member 2, which had been merged into 1." in why(hub, "grocer/t3")


def test_a_pool_from_its_beginning_to_its_end(hub: Hub) -> None:
    pool(hub, "p1", "card:1", "card:2")
    pool(hub, "p2")
    assert why(hub, "grocer/p1") == [
        "From then on pool grocer/home had 2 members.",
        "Member 1 pays share 2 and may spend from the pool.",
        "Member 2 pays share 2 and may not spend from the pool.",
    ]
    assert why(hub, "grocer/p2") == ["Pool grocer/home ended."]


def test_a_merge_and_its_undoing(hub: Hub) -> None:
    pool(hub, "p1", "card:2")
    redeem(hub, "fuel", "h1", "card:2", 6, hold=600)
    merge(hub)
    merges.undo(hub, reporter(hub), "m1")
    assert why(hub, "grocer/m1") == [
        "Member 2 became member 1; its identifiers mean that one since.",
        "10 points went over, issuer, kind and days of each lot as they were.",
        "1 reserved part of a lot went with them.",
        "It was in pool grocer/home; its place was taken over.",
        "Reason: one person",
    ]
    assert why(hub, "grocer/m1/undo") == [
        "The merge m1 of member 2 into 1 was undone.",
        "Its own is what the merge brought and what its own events moved since; of that it got back what was there.",
        "10 points went back.",
    ]


def test_what_a_merged_member_paid_comes_back_to_it_when_the_merge_is_undone(hub: Hub) -> None:
    merge(hub)
    redeem(hub, "fuel", "r1", "card:2", 10)
    merges.undo(hub, reporter(hub), "m1")
    assert "Member 1 paid, into which it was merged at that time." in why(hub, "fuel/r1")
    reversals.reverse(hub, partner(hub, "fuel"), evidence(), "r1", {})
    moved = explaining.explain(hub, "fuel/r1/reverse")["moved"]
    assert [one.partition("(")[0] for one in moved] == ["10 base points of grocer "]
    assert "member 2" in moved[0]
    assert broken_rows(hub) == []


def test_an_extension_and_a_reinstatement(hub: Hub) -> None:
    extensions.extend(hub, OPERATOR, "x1", Group("grocer", END, END), END + timedelta(days=31))
    assert why(hub, "coalition/x1/1") == [
        "10 points of member 1 end on 2017-08-31 since.",
        "Each lot moved whole; what was held of it stayed held.",
        "Reason: it was our fault",
        "Author: ada",
    ]
    business_clock.move(hub, NOON + timedelta(days=400))
    end_of_day.run(hub, date(2017, 8, 31))
    [expiry] = [one for one in _of_kind(hub, "expiry") if one.split("-")[4] == "1"]
    for number, points in (("i1", 4), ("i2", 6)):
        reinstatements.reinstate(hub, OPERATOR, Asked(number, expiry, points))
    assert (
        why(hub, "coalition/i1")[0]
        == f"4 points of the 10 points that expired by coalition/{expiry} came back, its last line first."
    )
    assert "4 points of it had come back before." in why(hub, "coalition/i2")


def test_a_reinstatement_of_what_the_coalition_was_owed(hub: Hub) -> None:
    terms = {"expiry": {"rule": "days", "days": 1}, "breakage": "coalition"}
    partners.set_contract(hub, "grocer", FIRST_DAY, 0, True, terms)
    earn(hub, "grocer", "e4", "card:4", 1_000)
    business_clock.move(hub, NOON + timedelta(days=5))
    end_of_day.run(hub, NOON.date() + timedelta(days=2))
    [expiry] = _of_kind(hub, "expiry")
    reinstatements.reinstate(hub, OPERATOR, Asked("i1", expiry))
    told = why(hub, "coalition/i1")
    assert "What issuers had owed the coalition for them is taken back, in proportion line by line." in told


def _of_kind(hub: Hub, kind: str) -> list[str]:
    with hub.database.connect() as connection:
        query = text("SELECT event_id FROM hub.event WHERE kind = :kind ORDER BY event_id")
        return list(connection.scalars(query, {"kind": kind}))
