"""Adjustments by hand: given, taken, counted against the author's limit, once for each id."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from hub.core.errors import Refused
from hub.services import (
    adjustments,
    business_clock,
    member_settings,
    members,
    merges,
    partners,
    redemptions,
    refunds,
    reporting,
    schemes,
)
from hub.services.context import Hub
from hub.store import posting
from partner_sdk.wire.returns import RefundsRequest
from partner_sdk.wire.schemas import validate
from tests.support.coalition import FIRST_DAY, NOON, Coalition
from tests.support.network import broken_rows, sale
from tests.support.services import earn, evidence, partner, post, redeem
from tests.support.threads import at_once

ASKED: dict[str, Any] = {
    "member": "card:1", "points": 100, "issuer": "grocer", "class": "goodwill", "reason": "Till 7 was down",
    "ticket": "T-1", "author": "alice",
}  # fmt: skip


@pytest.fixture
def hub(built: Coalition) -> Hub:
    """A hub with one member, who has 10 points of grocer and 5 of fuel."""
    earn(built.hub, "grocer", "e1", "card:1", 1_000)
    earn(built.hub, "fuel", "e2", "card:1", 1_000)
    return built.hub


def adjust(hub: Hub, **changes: Any) -> dict[str, Any]:
    return adjustments.adjust(hub, ASKED | changes)


def code_of(hub: Hub, **changes: Any) -> str:
    with pytest.raises(Refused) as refused:
        adjust(hub, **changes)
    assert broken_rows(hub) == []
    return refused.value.code


def available(hub: Hub, member: str = "card:1") -> int:
    return int(members.view(hub, member)["available"])


def test_points_are_given_with_the_life_of_the_issuers_contract(hub: Hub) -> None:
    done = adjust(hub, adjustment_id="a1")
    assert done == {
        "adjustment": "a1",
        "event": "coalition/adjustment-a1",
        "status": "posted",
        "points": 100,
        "issuer": "grocer",
        "lots": [{"kind": "base", "points": 100, "expires_on": "2017-07-31"}],
    }
    assert available(hub) == 115
    assert redeem(hub, "fuel", "r1", "card:1", 115)["points"] == 115
    assert broken_rows(hub) == []


def test_the_members_jurisdiction_counts(hub: Hub) -> None:
    terms = {"expiry": {"rule": "days", "days": 30, "jurisdictions": {"DE": {"rule": "never"}}}}
    partners.set_contract(hub, "grocer", FIRST_DAY, terms=terms)
    assert adjust(hub)["lots"][0]["expires_on"] == "2017-02-09"
    member_settings.amend(hub, "card:1", jurisdiction="DE")
    assert adjust(hub)["lots"][0]["expires_on"] == "9999-12-31"


def test_points_are_taken_from_the_issuers_own_free_lots_only(hub: Hub) -> None:
    assert adjust(hub, points=-7)["lots"] == [{"kind": "base", "points": 7, "expires_on": "2017-07-31"}]
    assert available(hub) == 8
    with pytest.raises(Refused) as refused:
        adjust(hub, points=-4)
    assert refused.value.code == "insufficient_points"
    assert "3 free points of grocer" in refused.value.detail
    assert available(hub) == 8
    assert broken_rows(hub) == []


def test_what_is_held_is_not_taken(hub: Hub) -> None:
    asked = {"redemption_id": "h1", "member": "card:1", "points": 12, "hold": 600}
    redemptions.redeem(hub, partner(hub, "pharmacy"), evidence(), asked)
    assert code_of(hub, points=-5) == "insufficient_points"


def test_kinds_of_points_are_given_and_taken_by_name(hub: Hub) -> None:
    adjust(hub, give="promotional", spend_at=["fuel"], points=20)
    adjust(hub, give="qualifying", points=30)
    view = members.view(hub, "card:1")
    assert (view["available"], view["qualifying"]) == (35, 30)
    adjust(hub, give="qualifying", points=-10)
    assert members.view(hub, "card:1")["qualifying"] == 20
    assert code_of(hub, give="promotional", points=-21) == "insufficient_points"
    assert adjust(hub, give="promotional", points=-20)["lots"][0]["kind"] == "promotional@fuel"
    # Without a kind, what can be spent is taken, and never what counts for status.
    assert code_of(hub, points=-11) == "insufficient_points"
    assert broken_rows(hub) == []


def test_pending_points_can_be_taken(hub: Hub) -> None:
    partners.set_contract(hub, "grocer", FIRST_DAY, terms={"maturity": {"days": 60}})
    earn_pending(hub)
    assert members.view(hub, "card:1")["pending"] == 10
    adjust(hub, points=-20)
    assert members.view(hub, "card:1")["pending"] == 0
    assert broken_rows(hub) == []


def earn_pending(hub: Hub) -> None:
    assert post(hub, "grocer", sale("e3", "card:1"))[0]["status"] == "pending"


def test_points_that_come_in_pay_debts_first(hub: Hub) -> None:
    partners.set_contract(hub, "grocer", FIRST_DAY, terms={"refunds": "debt"})
    redeem(hub, "fuel", "r1", "card:1", 15)
    back = {"refunds": [{"event_id": "b1", "refunds": "e1", "occurred_at": "2017-01-10T10:00:00Z"}]}
    [refunded] = refunds.post(hub, partner(hub, "grocer"), evidence(), validate(RefundsRequest, back)["refunds"])
    assert refunded["owed"] == 10
    adjust(hub, points=25, issuer="fuel")
    view = members.view(hub, "card:1")
    assert (view["debt"], view["available"]) == (0, 15)
    assert broken_rows(hub) == []


def test_a_merged_member_is_its_survivor(hub: Hub) -> None:
    earn(hub, "grocer", "e9", "card:9", 500)
    merge(hub, "card:9", "card:1")
    adjust(hub, member="card:9", points=50)
    assert available(hub) == available(hub, "card:9") == 70
    assert broken_rows(hub) == []


def merge(hub: Hub, merged: str, survivor: str) -> None:
    """Merge one member into another, by the operator's hand."""
    asked = {"event_id": f"{merged}-{survivor}", "member": merged, "into": survivor, "reason": "one person"}
    merges.merge(hub, reporting.by_operator("ada", "one person"), asked)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"points": 0}, "invalid_request"),
        ({"points": 10**9 + 1}, "invalid_request"),
        ({"points": -(10**9) - 1}, "invalid_request"),
        ({"reason": "  "}, "invalid_request"),
        ({"reason": "x" * 501}, "invalid_request"),
        ({"reason": "two\nlines"}, "invalid_request"),
        ({"ticket": ""}, "invalid_request"),
        ({"ticket": "T\x00"}, "invalid_request"),
        ({"author": "al\u200bice"}, "invalid_request"),
        ({"author": "x" * 101}, "invalid_request"),
        ({"class": "gift"}, "invalid_request"),
        ({"give": "gold"}, "invalid_request"),
        ({"give": "bonus", "spend_at": ["fuel"]}, "invalid_request"),
        ({"spend_at": ["fuel"]}, "invalid_request"),
        ({"give": "promotional", "spend_at": ["nobody"]}, "unknown_partner"),
        ({"issuer": "nobody"}, "unknown_partner"),
        ({"issuer": "nobody", "points": -1}, "unknown_partner"),
        ({"member": "card:nobody"}, "unknown_member"),
        ({"member": "card:\udcff"}, "unknown_member"),
        ({"member": "4711"}, "unknown_member"),
        ({"member": "9" * 40}, "unknown_member"),
        ({"adjustment_id": "a/1"}, "invalid_request"),
        ({"adjustment_id": "a" * 65}, "invalid_request"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(hub: Hub, changes: dict[str, Any], code: str) -> None:
    before = available(hub)
    assert code_of(hub, **changes) == code
    assert available(hub) == before


def test_an_issuer_without_a_contract_gives_nothing(hub: Hub) -> None:
    partners.add(hub, "later", "Later", date(2018, 1, 1), 6, False)
    assert code_of(hub, issuer="later") == "no_contract"


def test_the_same_again_is_the_first_answer(hub: Hub) -> None:
    first = adjust(hub, adjustment_id="a1")
    assert adjust(hub, adjustment_id="a1") == first | {"duplicate": True}
    number = str(number_of(hub, "card:1"))
    assert adjust(hub, adjustment_id="a1", member=number) == first | {"duplicate": True}
    for changed in ({"points": 101}, {"reason": "Other"}, {"author": "bob"}, {"issuer": "fuel"}, {"ticket": "T-2"}):
        assert code_of(hub, adjustment_id="a1", **changed) == "event_conflict"
    assert available(hub) == 115


def number_of(hub: Hub, member: str) -> int:
    with hub.database.connect() as connection:
        return members.require(hub, connection, member, hub.moment(connection))


def test_the_same_id_from_many_at_once_is_one_adjustment(hub: Hub) -> None:
    answers = at_once([partial(adjust, hub, adjustment_id="a1") for _ in range(8)])
    assert Counter("duplicate" in one for one in answers) == {False: 1, True: 7}
    assert available(hub) == 115
    assert broken_rows(hub) == []


def test_two_members_at_once_under_one_id_are_a_conflict_for_one(hub: Hub) -> None:
    earn(hub, "grocer", "e9", "card:9", 500)

    def attempt(member: str) -> str:
        try:
            return str(adjust(hub, adjustment_id="a1", member=member)["status"])
        except Refused as refusal:
            return refusal.code

    outcomes = at_once([partial(attempt, f"card:{number}") for number in (1, 9)])
    assert sorted(outcomes) == ["event_conflict", "posted"]
    assert broken_rows(hub) == []


def test_one_adjustment_is_never_above_the_schemes_limit(hub: Hub) -> None:
    schemes.amend(hub, FIRST_DAY, {"adjustment_limit": 200})
    assert code_of(hub, points=201) == "points_over_cap"
    assert adjust(hub, points=200)["status"] == "posted"
    assert code_of(hub, points=-201) == "points_over_cap"


def test_splitting_does_not_evade_approval(hub: Hub) -> None:
    schemes.amend(hub, FIRST_DAY, {"approval_above": 250})
    assert [adjust(hub)["status"] for _ in range(3)] == ["posted", "posted", "proposed"]
    # Given and taken count alike, the spelling of a name makes no difference, and another author has a limit too.
    assert adjust(hub, points=-100, author=" ALICE ")["status"] == "proposed"
    assert adjust(hub, author="bob")["status"] == "posted"
    assert adjust(hub, points=50)["status"] == "posted"
    assert adjust(hub, points=1)["status"] == "proposed"
    assert available(hub) == 15 + 100 + 100 + 100 + 50


def test_another_member_and_another_day_count_afresh(hub: Hub) -> None:
    earn(hub, "grocer", "e9", "card:9", 500)
    schemes.amend(hub, FIRST_DAY, {"approval_above": 100})
    assert adjust(hub)["status"] == "posted"
    assert adjust(hub, member="card:9")["status"] == "posted"
    assert adjust(hub)["status"] == "proposed"
    business_clock.move(hub, datetime(2017, 1, 11, tzinfo=UTC))
    assert adjust(hub)["status"] == "posted"


def test_a_merge_does_not_evade_approval(hub: Hub) -> None:
    earn(hub, "grocer", "e9", "card:9", 500)
    schemes.amend(hub, FIRST_DAY, {"approval_above": 100})
    assert adjust(hub, member="card:9")["status"] == "posted"
    merge(hub, "card:9", "card:1")
    assert adjust(hub)["status"] == "proposed"


def test_qualifying_points_count_too(hub: Hub) -> None:
    schemes.amend(hub, FIRST_DAY, {"approval_above": 100})
    assert adjust(hub, give="qualifying")["status"] == "posted"
    assert adjust(hub, give="qualifying", points=1)["status"] == "proposed"


def test_many_at_once_do_not_evade_approval(hub: Hub) -> None:
    schemes.amend(hub, FIRST_DAY, {"approval_above": 500})
    answers = at_once([partial(adjust, hub) for _ in range(16)])
    assert Counter(one["status"] for one in answers) == {"posted": 5, "proposed": 11}
    assert available(hub) == 515
    assert broken_rows(hub) == []


def test_the_count_is_taken_under_the_members_lock(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where a posting is slow to be written."""
    schemes.amend(hub, FIRST_DAY, {"approval_above": 100})
    prompt = posting.post_new

    def slow(*posted: Any) -> None:
        time.sleep(0.2)
        prompt(*posted)

    monkeypatch.setattr(posting, "post_new", slow)
    answers = at_once([partial(adjust, hub) for _ in range(4)])
    assert Counter(one["status"] for one in answers) == {"posted": 1, "proposed": 3}


def test_time_is_business_time(hub: Hub) -> None:
    adjust(hub, adjustment_id="a1")
    with hub.database.connect() as connection:
        row = connection.execute(text("SELECT * FROM hub.event WHERE event_id = 'adjustment-a1'")).one()
    assert (row.posted_at, row.business_date, row.kind) == (NOON, NOON.date(), "adjustment")
    assert row.details == {
        "adjustment_id": "a1", "member_id": row.member_id, "points": 100, "issuer": "grocer", "class": "goodwill",
        "reason": "Till 7 was down", "ticket": "T-1", "author": "alice", "contract_version": 1,
    }  # fmt: skip
