"""`hansa event explain`: each kind of event says which version, arithmetic and rounding made it what it is."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from hub.core import ledger
from hub.core.burning import MEANINGS, ORDERS
from hub.core.errors import Refused
from hub.core.ledger import Event, LotKey, Posting, Transfer
from hub.services import (
    accounts,
    adjustments,
    business_clock,
    captures,
    confirmations,
    cycles,
    end_of_day,
    explaining,
    member_settings,
    partners,
    proposals,
    redemptions,
    reversals,
    schemes,
)
from hub.services.context import Hub
from hub.store import posting
from tests.hub.services.test_adjustments import ASKED, merge, number_of
from tests.hub.services.test_timeline import LINEAR, hold, refund
from tests.support.coalition import FIRST_DAY, NOON, Coalition
from tests.support.network import broken_rows, sale
from tests.support.services import earn, evidence, partner, post, redeem

MONTHS = "the end of the month 6 months after the one they were given in (contract version 1 of grocer)"


@pytest.fixture
def hub(built: Coalition) -> Hub:
    return built.hub


def explained(hub: Hub, name: str) -> dict[str, Any]:
    return explaining.explain(hub, name)


def why(hub: Hub, name: str) -> list[str]:
    told = explained(hub, name)["why"]
    assert isinstance(told, list)
    return told


def test_an_earning(hub: Hub) -> None:
    earn(hub, "grocer", "e1", "card:1", 1_999)
    found = explained(hub, "grocer/e1")
    assert found["why"] == [
        "A sale of 19.99 USD on 2017-01-10T09:00:00Z.",
        "Earning rate version 1 of grocer, valid from 2017-01-01:",
        "rule 1 (linear): 1 point for each full 100: 1999 // 100 = 19, times 1 = 19: base points of grocer.",
        "Together 19 points that can be spent.",
        f"Line 1: last day 2017-07-31: {MONTHS}.",
        "They can be spent at once (contract version 1 of grocer).",
    ]
    assert found["moved"] == ["19 base points of grocer (last day 2017-07-31) were given to member 1 by grocer."]
    assert found["owed"] == ["Nobody owes anybody for it."]
    assert found["reported"] == "by grocer, signed with the key test.key, received 2017-01-01T00:00:00Z"
    assert {name: found[name] for name in ("event", "kind", "status", "member", "points", "later")} == {
        "event": "grocer/e1", "kind": "earning", "status": "posted", "member": 1, "points": 19, "later": [],
    }  # fmt: skip


def test_an_earning_by_several_rules_of_kinds_issuers_and_lives(hub: Hub) -> None:
    gives = {"kind": "promotional", "spend_at": ["fuel", "grocer"], "issuer": "fuel",
             "expiry": {"rule": "days", "days": 30}}  # fmt: skip
    bonus = {"rule": "linear", "points": 5, "per_minor": 1_000, "gives": gives}
    partners.set_rate(
        hub, "grocer", "earning", FIRST_DAY, "USD", [LINEAR, bonus, LINEAR | {"gives": {"kind": "qualifying"}}]
    )
    earn(hub, "grocer", "e1", "card:1", 1_999)
    told = why(hub, "grocer/e1")
    assert told[1:6] == [
        "Earning rate version 2 of grocer, valid from 2017-01-01:",
        "rule 1 (linear): 1 point for each full 100: 1999 // 100 = 19, times 1 = 19: base points of grocer.",
        (
            "rule 2 (linear): 5 points for each full 1000: 1999 // 1000 = 1, times 5 = 5: promotional points of fuel,"
            " spent at fuel or grocer only."
        ),
        "rule 3 (linear): 1 point for each full 100: 1999 // 100 = 19, times 1 = 19: qualifying points of grocer.",
        "Together 24 points that can be spent.",
    ]
    assert "Line 2: last day 2017-02-09: 30 days after they were given, as the earning rule itself says." in told


def test_an_earning_keeps_the_versions_it_was_posted_with(hub: Hub) -> None:
    """Versions that are added afterwards for the same day do not change what is told of it."""
    earn(hub, "grocer", "e1", "card:1", 1_999)
    before = explained(hub, "grocer/e1")
    partners.set_rate(hub, "grocer", "earning", FIRST_DAY, "USD", [LINEAR | {"points": 2}])
    partners.set_contract(hub, "grocer", FIRST_DAY, 24, terms={"maturity": {"days": 9}})
    member_settings.amend(hub, "card:1", jurisdiction="DE")
    assert explained(hub, "grocer/e1") == before
    earn(hub, "grocer", "e2", "card:1", 100)
    assert "Earning rate version 2 of grocer, valid from 2017-01-01:" in why(hub, "grocer/e2")


def earn_pending(hub: Hub, terms: dict[str, Any]) -> None:
    partners.set_contract(hub, "grocer", FIRST_DAY, terms=terms)
    assert post(hub, "grocer", sale("e1", "card:1"))[0]["status"] == "pending"


def test_an_earning_that_waits_and_its_confirmation(hub: Hub) -> None:
    earn_pending(hub, {"maturity": {"confirmed": True}})
    assert "They can be spent when the partner confirms the sale (contract version 2 of grocer)." in why(
        hub, "grocer/e1"
    )
    confirmations.confirm(hub, partner(hub, "grocer"), evidence(), "e1")
    found = explained(hub, "grocer/e1/confirm")
    assert found["why"][0] == "grocer confirmed its sale e1: 10 points can be spent from then on."
    assert found["moved"] == [
        (
            "10 base points of grocer (last day 2017-07-31, pending until their partner confirms the sale) went from"
            " member 1 to another lot of the same member; there: last day 2017-07-31."
        )
    ]
    assert explained(hub, "grocer/e1")["later"] == [
        "2017-01-10T12:00:00Z confirmation grocer/e1/confirm: 10 points, posted"
    ]


def test_an_earning_with_a_return_window_and_a_law_of_its_own(hub: Hub) -> None:
    member_settings.amend(hub, enrolled(hub), jurisdiction="DE")
    expiry = {"rule": "days", "days": 365, "jurisdictions": {"DE": {"rule": "never"}}}
    earn_pending(hub, {"maturity": {"days": 14}, "expiry": expiry})
    told = why(hub, "grocer/e1")
    assert (
        "Line 1: last day never: none, since these points do not expire, as DE has it (contract version 2 of grocer)."
        in told
    )
    assert "They can be spent from 2017-01-24 on (contract version 2 of grocer)." in told


def enrolled(hub: Hub) -> str:
    earn(hub, "fuel", "e0", "card:1", 200)
    return "card:1"


def test_a_redemption(hub: Hub) -> None:
    earn(hub, "fuel", "e1", "card:1", 1_000)
    earn(hub, "grocer", "e2", "card:1", 1_000)
    redeem(hub, "grocer", "r1", "card:1", 15)
    found = explained(hub, "grocer/r1")
    assert found["why"] == [
        "15 points of member 1 were redeemed at grocer.",
        f"Burning order restricted-first-1: {MEANINGS['restricted-first-1']}.",
        "Price version 1 of grocer, valid from 2017-01-01, in minor units of USD: 9/10 * 15 = 13.5 -> 14 (half-even).",
        "Split over the lines by largest remainder:",
        "line 1: 14 * 5 // 15 = 4, remainder 10, and 1 of what is left over: 5.",
        "line 2: 14 * 10 // 15 = 9, remainder 5: 9.",
    ]
    assert found["moved"] == [
        "5 base points of fuel (last day 2017-07-31) of member 1 were redeemed at grocer.",
        "10 base points of grocer (last day 2017-07-31) of member 1 were redeemed at grocer.",
    ]
    assert found["owed"] == [
        "Line 1: fuel owes grocer 0.05 USD for 5 points (9/10 a point, price version 1).",
        "Line 2: grocer owes grocer 0.09 USD for 10 points (9/10 a point, price version 1).",
    ]


def test_a_declined_redemption_says_what_there_was(hub: Hub) -> None:
    earn(hub, "grocer", "e1", "card:1", 1_000)
    for attempt in (lambda: redeem(hub, "fuel", "r1", "card:1", 11), lambda: hold(hub, "h1", 12)):
        with pytest.raises(Refused):
            attempt()
    assert why(hub, "fuel/r1") == [
        "Declined (insufficient_points): nothing was changed.",
        "10 points could be spent at fuel then; 11 were asked.",
    ]
    assert why(hub, "fuel/h1")[1] == "10 points could be spent at fuel then; 12 were asked."
    assert explained(hub, "fuel/r1")["moved"] == ["Nothing was moved."]
    with pytest.raises(Refused) as refused:
        redeem(hub, "fuel", "r1", "card:1", 11)
    assert refused.value.members["duplicate"]


def test_a_redemption_from_a_pool(hub: Hub) -> None:
    earn(hub, "grocer", "e1", "card:1", 1_000)
    earn(hub, "grocer", "e2", "card:2", 1_000)
    with hub.database.connect() as connection:
        connection.execute(text("INSERT INTO hub.pool VALUES ('grocer', 'home')"))
        connection.execute(
            text("INSERT INTO hub.pool_member SELECT member_id, 'grocer', 'home', 1, true FROM hub.member")
        )
    asked = {"redemption_id": "r1", "member": "card:1", "points": 10, "pool": True}
    redemptions.redeem(hub, partner(hub, "fuel"), evidence(), asked)
    found = explained(hub, "fuel/r1")
    assert "Members 1, 2 paid, each its share of their pool." in found["why"]
    assert [one.split(" of ")[2] for one in found["moved"]] == [
        "member 1 were redeemed at fuel.", "member 2 were redeemed at fuel."
    ]  # fmt: skip


def test_a_hold_its_capture_and_its_void(hub: Hub) -> None:
    earn(hub, "grocer", "e1", "card:1", 1_000)
    hold(hub, "h1", 6)
    assert why(hub, "fuel/h1") == [
        "6 points of member 1 were reserved for fuel.",
        f"Burning order restricted-first-1: {MEANINGS['restricted-first-1']}.",
        "Reserved: 6 base points of grocer (last day 2017-07-31) of member 1.",
        "Price version 1 of fuel, valid from 2017-01-01, in minor units of USD: 1 * 6 = 6.",
        "If nothing ends it, it lapses at 2017-01-10T12:10:00Z.",
        "It is open now. A hold itself moves nothing; a capture is an event of its own.",
    ]
    partners.set_rate(hub, "fuel", "reimbursement", FIRST_DAY, "USD", {"numerator": 2, "denominator": 1})
    captures.capture(hub, partner(hub, "fuel"), evidence(), "h1", {"points": 5})
    told = why(hub, "fuel/h1/capture")
    assert told[0] == "5 of the 6 points of the hold fuel/h1 were redeemed, 1 released."
    assert told[2] == "Price version 1 of fuel, valid from 2017-01-01, in minor units of USD: 1 * 5 = 5."
    hold(hub, "h2", 2)
    captures.void(hub, partner(hub, "fuel"), evidence(), "h2")
    assert why(hub, "fuel/h2/void") == ["The hold fuel/h2 ended without effect; its 2 points are free again."]
    assert "It is voided now." in why(hub, "fuel/h2")[-1]


def test_a_reversal_in_parts(hub: Hub) -> None:
    earn(hub, "fuel", "e1", "card:1", 1_000)
    earn(hub, "grocer", "e2", "card:1", 1_000)
    redeem(hub, "grocer", "r1", "card:1", 15)
    for part in ("v1", "v2"):
        asked = {"points": 6, "reversal_id": part}
        reversals.reverse(hub, partner(hub, "grocer"), evidence(), "r1", asked)
    found = explained(hub, "grocer/v2")
    assert found["why"][0] == "6 points of grocer/r1 were taken back; 6 of its 15 had been before."
    assert found["why"][3:] == [
        "line 2: 9 * 10 / 10 = 9, less 5.4 -> 5 (half-even) for the 6 before: 4.",
        "line 1: 5 * 2 / 5 = 2, less 0 for the 0 before: 2.",
    ]
    assert found["owed"] == [
        "Line 1: fuel owes grocer 0.02 USD less for 2 points of grocer/r1 (9/10 a point, price version 1).",
        "Line 2: grocer owes grocer 0.04 USD less for 4 points of grocer/r1 (9/10 a point, price version 1).",
    ]
    assert "2 base points of fuel (last day 2017-07-31) came back to member 1 from grocer." in found["moved"]


@pytest.mark.parametrize(
    ("policy", "sums"),
    [
        ("within_balance", "5 were taken from lots of the member, 0 are owed by it, 5 are borne by the issuer"),
        ("debt", "5 were taken from lots of the member, 5 are owed by it, 0 are borne by the issuer"),
        ("issuer_bears", "0 were taken from lots of the member, 0 are owed by it, 10 are borne by the issuer"),
    ],
)
def test_a_refund(hub: Hub, policy: str, sums: str) -> None:
    partners.set_contract(hub, "grocer", FIRST_DAY, terms={"refunds": policy})
    earn(hub, "grocer", "e1", "card:1", 1_050)
    redeem(hub, "pharmacy", "r1", "card:1", 10)
    earn(hub, "fuel", "e2", "card:1", 1_000)
    partners.set_rate(hub, "grocer", "earning", FIRST_DAY, "USD", [LINEAR | {"points": 2}])
    refund(hub, "b1", "e1")
    found = explained(hub, "grocer/b1")
    assert found["why"][:4] == [
        "10.50 USD of the sale grocer/e1 came back; 0 minor units had before.",
        "Earning rate version 1 of grocer, the one that the sale was posted with:",
        "rule 1 (linear): before the return: 1 point for each full 100: 1050 // 100 = 10, times 1 = 10",
        "rule 1 (linear): after it: 1 point for each full 100: 0 // 100 = 0, times 1 = 0; so 10 points back",
    ]
    assert sums in found["why"][4]
    assert found["why"][5].startswith(f"The contract's policy is {policy}: what is spent ")
    foreign = policy != "issuer_bears"
    assert (
        "Line 1: fuel owes grocer 0.04 USD for 5 points of grocer/e1 (9/10 a point, price version 1)." in found["owed"]
    ) == foreign
    assert ("in minor units of USD: 9/10 * 5 = 4.5 -> 4 (half-even)." in found["why"][-1]) == foreign
    owes = "5 points of grocer are owed by member 1 to grocer from now on."
    assert (owes in found["moved"]) == (policy == "debt")


def test_a_repayment(hub: Hub) -> None:
    partners.set_contract(hub, "grocer", FIRST_DAY, terms={"refunds": "debt"})
    earn(hub, "grocer", "e1", "card:1", 1_000)
    redeem(hub, "fuel", "r1", "card:1", 10)
    refund(hub, "b1", "e1")
    earn(hub, "fuel", "e2", "card:1", 1_000)
    with hub.database.connect() as connection:
        repaid = connection.execute(text("SELECT event_id FROM hub.event WHERE kind = 'repayment'")).scalar_one()
    found = explained(hub, repaid)
    assert found["event"] == f"coalition/{repaid}"
    assert found["why"][-1] == (
        "Price version 1 of grocer, valid from 2017-01-01, in minor units of USD: 9/10 * 5 = 4.5 -> 4 (half-even)."
    )
    assert found["moved"] == [
        "5 base points of fuel (last day 2017-07-31) of member 1 were redeemed at grocer.",
        "5 points of grocer that member 1 owed to grocer are paid.",
    ]
    assert found["owed"] == ["Line 1: fuel owes grocer 0.04 USD for 5 points (9/10 a point, price version 1)."]


def test_an_adjustment_alone_and_an_approved_one(hub: Hub) -> None:
    earn(hub, "grocer", "e1", "card:1", 1_000)
    schemes.amend(hub, FIRST_DAY, {"approval_above": 100})
    adjustments.adjust(hub, ASKED | {"adjustment_id": "a1"})
    assert why(hub, "adjustment-a1") == [
        "100 points of grocer given by hand (goodwill), ticket T-1.",
        "Reason: Till 7 was down",
        "Author: alice; no second operator was needed.",
        f"They can be spent at once. Last day 2017-07-31: {MONTHS}.",
    ]
    taken = adjustments.adjust(hub, ASKED | {"adjustment_id": "a2", "points": -50, "class": "correction"})
    proposals.approve(hub, "a2", taken["digest"], "bob")
    told = explained(hub, "coalition/adjustment-a2")
    assert told["why"] == [
        "50 points of grocer taken away by hand (correction), ticket T-1.",
        "Reason: Till 7 was down",
        "Author: alice; approved by bob.",
        f"Only own lots of grocer, in the burning order restricted-first-1: {MEANINGS['restricted-first-1']}.",
    ]
    assert told["moved"] == ["50 base points of grocer (last day 2017-07-31) went from member 1 back to grocer."]
    assert told["reported"] == "by the operator or the hub itself"


def test_expiry_settlement_and_forwarding(hub: Hub) -> None:
    earn(hub, "grocer", "e1", "card:1", 1_000)
    earn(hub, "grocer", "e2", "card:2", 1_000)
    redeem(hub, "fuel", "r1", "card:1", 4)
    merge(hub, "card:2", "card:1")
    earn(hub, "grocer", "e3", "card:2", 500)
    business_clock.move(hub, datetime(2017, 8, 1, tzinfo=UTC))
    cycles.close_and_publish(hub, "2017-01", "operator", "second operator")
    end_of_day.run(hub, date(2017, 7, 31))
    with hub.database.connect() as connection:
        rows = connection.execute(text("SELECT kind, event_id FROM hub.event WHERE partner_id = 'coalition'"))
        own = {kind: explained(hub, f"coalition/{event_id}") for kind, event_id in rows}
    assert own["expiry"]["why"] == ["The last day of 21 points of member 1 was over on 2017-08-01."]
    assert own["expiry"]["moved"] == ["21 base points of grocer (last day 2017-07-31) of member 1 expired."]
    assert own["settlement"]["member"] is None
    assert own["settlement"]["moved"] == ["4 points of grocer redeemed at fuel came home to grocer."]
    went = "base points of grocer (last day 2017-07-31) went from member 2 to member 1."
    assert (own["merge"]["moved"], own["forwarding"]["moved"]) == ([f"10 {went}"], [f"5 {went}"])


def test_members_need_not_be_named_in_an_events_row(hub: Hub) -> None:
    """What is missing there is looked for."""
    earn(hub, "grocer", "e1", "card:1", 1_000)
    earn(hub, "grocer", "e2", "card:2", 1_000)
    giver, taker = number_of(hub, "card:1"), number_of(hub, "card:2")
    key = LotKey(date(2017, 7, 31), "grocer", "base", ledger.MATURE_AT_ONCE)
    event = Event(
        "g1", "forwarding", giver, "posted", 7, NOON, b"x", refers_to="e1", scheme_rule="expiry-first-1",
        details=accounts.as_json({"reason": "Birthday", "may_return": True}), evidence_id=None,
    )  # fmt: skip
    transfers = accounts.moved("g1", 1, giver, key, taker, key, 7)
    hub.database.transact(
        lambda connection: posting.post_new(
            connection, Posting(ledger.COALITION, NOON, NOON.date(), [event], [*transfers])
        )
    )
    moved = explained(hub, "g1")["moved"]
    assert moved == ["7 base points of grocer (last day 2017-07-31) went from member 1 to member 2."]


def test_every_kind_of_event_has_its_words(hub: Hub) -> None:
    query = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'event_kind_check'"
    with hub.database.connect() as connection:
        allowed = re.findall(r"'([a-z-]+)'", connection.execute(text(query)).scalar_one())
    assert set(explaining.TOLD) == set(allowed)


def test_a_debt_that_is_passed_on(hub: Hub) -> None:
    from hub.services.explaining import words

    key = (ledger.NEVER_EXPIRES, "grocer", "base", ledger.MATURE_AT_ONCE, 5)
    there = Transfer("m", 1, 1, ledger.DEBT, ledger.TRANSIT, *key)
    here = Transfer("m", 2, 2, ledger.TRANSIT, ledger.DEBT, *key)
    on = FIRST_DAY + timedelta(days=1)
    assert list(words.transfers([there, here], on)) == [
        "A debt of 5 points with grocer left member 1 and came to member 2."
    ]
    assert list(words.transfers([there], on)) == ["5 points of grocer are owed by member 1 from now on."]
    assert list(words.transfers([here], on)) == ["5 points of grocer are owed by member 2 no more."]


@pytest.mark.parametrize("name", ["grocer/e9", "e9", "nobody/e1", "", "/", "grocer/", "e1/", "grocer/e1\x00", "\udcff"])
def test_an_unknown_event_is_refused_with_what_to_type(hub: Hub, name: str) -> None:
    earn(hub, "grocer", "e1", "card:1", 1_000)
    with pytest.raises(Refused) as refused:
        explained(hub, name)
    assert refused.value.code == "unknown_event"
    assert "PARTNER/EVENT_ID" in refused.value.detail


def test_an_id_alone_is_enough_where_one_partner_has_it(hub: Hub) -> None:
    earn(hub, "grocer", "e1", "card:1", 1_000)
    earn(hub, "fuel", "e1", "card:1", 1_000)
    earn(hub, "fuel", "e2", "card:1", 1_000)
    assert explained(hub, "e2")["event"] == "fuel/e2"
    with pytest.raises(Refused) as refused:
        explained(hub, "e1")
    assert "write fuel/e1 or grocer/e1" in refused.value.detail


def test_every_burning_order_is_told_in_words() -> None:
    assert set(MEANINGS) == set(ORDERS)


def test_explaining_changes_nothing(hub: Hub) -> None:
    earn(hub, "grocer", "e1", "card:1", 1_000)
    assert explained(hub, "grocer/e1") == explained(hub, "grocer/e1")
    assert broken_rows(hub) == []
