"""How points end: by each rule of a contract, by jurisdiction, held, extended, reinstated, and whose breakage it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from hub.core.errors import Refused
from hub.core.ledger import COALITION
from hub.services import (
    business_clock,
    captures,
    cycles,
    end_of_day,
    extensions,
    gifts,
    member_settings,
    members,
    partners,
    redemptions,
    refunds,
    reinstatements,
    reporting,
)
from hub.services.context import Hub
from hub.services.reinstatements import Asked
from hub.store import members as member_rows
from hub.store.lots import Group
from tests.support import coalition
from tests.support.coalition import FIRST_DAY, NOON, Coalition
from tests.support.network import broken_rows
from tests.support.services import earn, evidence, partner, redeem

JANUARY_ENDS = date(2017, 1, 31)
OPERATOR = reporting.by_operator("ada", "a storm closed the shops")


def on(hub: Hub, day: date, hour: int = 12) -> None:
    """Move the clock to an hour of a day."""
    business_clock.move(hub, datetime(day.year, day.month, day.day, hour, tzinfo=UTC))


def joined(hub: Hub, terms: Mapping[str, Any], name: str = "kiosk", life_months: int = 0) -> None:
    """Let a partner join whose contract says more than usual."""
    coalition.join(hub, name, life_months=life_months)
    partners.set_contract(hub, name, FIRST_DAY, life_months, True, terms)


def available(hub: Hub, member: str = "card:1") -> int:
    return int(members.view(hub, member)["available"])


def last_day(hub: Hub, member: str = "card:1") -> str:
    return str(members.view(hub, member)["next_to_expire"]["expires_on"])


def obligations(hub: Hub) -> list[tuple[Any, ...]]:
    with hub.database.connect() as connection:
        query = "SELECT issuer, redeemer, points, amount_minor, origin FROM settlement.obligation ORDER BY 1, 2, 3"
        return [tuple(row) for row in connection.execute(text(query))]


def expiry_of(hub: Hub) -> str:
    with hub.database.connect() as connection:
        query = "SELECT event_id FROM hub.event WHERE kind = 'expiry' ORDER BY posted_at DESC LIMIT 1"
        return str(connection.execute(text(query)).scalar_one())


# --- rules ---


@pytest.mark.parametrize(
    ("terms", "ends_on"),
    [
        ({"rule": "months_end", "months": 2}, date(2017, 3, 31)),
        ({"rule": "fixed_date", "month": 3, "day": 15, "years": 0}, date(2017, 3, 15)),
        ({"rule": "days", "days": 30}, date(2017, 2, 9)),
    ],
)
def test_points_can_be_spent_to_the_end_of_their_last_day_and_no_longer(
    built: Coalition, terms: dict[str, Any], ends_on: date
) -> None:
    joined(built.hub, {"expiry": terms})
    earn(built.hub, "kiosk", "e1", "card:1", 1_000)
    assert last_day(built.hub) == str(ends_on)
    business_clock.move(built.hub, datetime(ends_on.year, ends_on.month, ends_on.day, 23, 59, 59, 999_999, UTC))
    assert available(built.hub) == 10
    on(built.hub, ends_on + timedelta(days=1), 0)
    assert available(built.hub) == 0
    assert end_of_day.run(built.hub, ends_on) == 10
    assert broken_rows(built.hub) == []


def test_points_that_never_end_do_not(built: Coalition) -> None:
    joined(built.hub, {"expiry": {"rule": "never"}})
    earn(built.hub, "kiosk", "e1", "card:1", 1_000)
    on(built.hub, date(2117, 1, 1))
    assert end_of_day.run(built.hub, date(2116, 12, 31)) == 0
    assert available(built.hub) == 10


def _idle_for_60_days(hub: Hub, counts: str) -> None:
    joined(hub, {"expiry": {"rule": "inactivity", "days": 60, "counts": counts}})
    earn(hub, "kiosk", "e1", "card:1", 1_000)


def test_any_activity_keeps_points_alive_and_the_end_is_exact(built: Coalition) -> None:
    _idle_for_60_days(built.hub, "any")
    on(built.hub, date(2017, 2, 1))
    redeem(built.hub, "fuel", "r1", "card:1", 1)
    assert last_day(built.hub) == "2017-04-02"
    on(built.hub, date(2017, 3, 12))
    assert end_of_day.run(built.hub, date(2017, 3, 11)) == 0
    on(built.hub, date(2017, 4, 2))
    assert available(built.hub) == 9
    on(built.hub, date(2017, 4, 3))
    assert available(built.hub) == 0
    assert end_of_day.run(built.hub, date(2017, 4, 2)) == 9
    assert broken_rows(built.hub) == []


def test_where_only_earning_counts_spending_does_not_keep_points_alive(built: Coalition) -> None:
    _idle_for_60_days(built.hub, "earning")
    on(built.hub, date(2017, 2, 1))
    redeem(built.hub, "fuel", "r1", "card:1", 1)
    assert last_day(built.hub) == "2017-03-11"


def test_the_law_of_the_members_country_decides(built: Coalition) -> None:
    never_there = {"rule": "days", "days": 30, "jurisdictions": {"DE": {"rule": "never"}}}
    joined(built.hub, {"expiry": never_there})
    for member in ("card:1", "card:2"):
        earn(built.hub, "kiosk", f"before-{member}", member, 100)
    member_settings.amend(built.hub, "card:2", jurisdiction="DE")
    for member in ("card:1", "card:2"):
        earn(built.hub, "kiosk", f"after-{member}", member, 1_000)
    on(built.hub, date(2018, 1, 1))
    assert end_of_day.run(built.hub, date(2017, 12, 31)) == 12
    assert (available(built.hub), available(built.hub, "card:2")) == (0, 10)


# --- holds, spent lots ---


def _hold(hub: Hub, points: int, seconds: int, member: str = "card:1") -> None:
    asked = {"redemption_id": "h1", "member": member, "points": points, "hold": seconds}
    redemptions.redeem(hub, partner(hub, "fuel"), evidence(), asked)


def test_expiry_is_frozen_while_points_are_held(built: Coalition) -> None:
    joined(built.hub, {})
    earn(built.hub, "kiosk", "e1", "card:1", 1_000)
    on(built.hub, JANUARY_ENDS)
    _hold(built.hub, 7, 5 * 86_400)
    on(built.hub, date(2017, 2, 1))
    assert end_of_day.run(built.hub, JANUARY_ENDS) == 3
    captured = captures.capture(built.hub, partner(built.hub, "fuel"), evidence(), "h1", {"points": 5})
    assert captured["released"] == 2
    assert available(built.hub) == 0
    assert end_of_day.run(built.hub, JANUARY_ENDS) == 2
    assert broken_rows(built.hub) == []


def test_what_a_lapsed_hold_kept_expires_then(built: Coalition) -> None:
    joined(built.hub, {})
    earn(built.hub, "kiosk", "e1", "card:1", 1_000)
    on(built.hub, JANUARY_ENDS)
    _hold(built.hub, 10, 86_400)
    on(built.hub, date(2017, 2, 1), 11)
    assert end_of_day.run(built.hub, JANUARY_ENDS) == 0
    on(built.hub, date(2017, 2, 1), 12)
    assert available(built.hub) == 0
    assert end_of_day.run(built.hub, JANUARY_ENDS) == 10
    assert broken_rows(built.hub) == []


def test_expiry_of_a_spent_lot_changes_no_balance(built: Coalition) -> None:
    joined(built.hub, {})
    earn(built.hub, "kiosk", "e1", "card:1", 1_000)
    earn(built.hub, "grocer", "e2", "card:1", 1_000)
    redeem(built.hub, "fuel", "r1", "card:1", 10)
    on(built.hub, date(2017, 2, 1))
    assert end_of_day.run(built.hub, JANUARY_ENDS) == 0
    assert available(built.hub) == 10


# --- whose the breakage is ---


def _broken(hub: Hub, breakage: str) -> None:
    """A kiosk with a price of 3/2 whose ten points of card:1 have expired, and seven of card:2."""
    joined(hub, {"breakage": breakage, "refunds": "within_balance"})
    partners.set_rate(hub, "kiosk", "reimbursement", FIRST_DAY, "USD", {"numerator": 3, "denominator": 2})
    earn(hub, "kiosk", "e1", "card:1", 1_000)
    earn(hub, "kiosk", "e2", "card:2", 700)
    on(hub, date(2017, 2, 1))
    assert end_of_day.run(hub, JANUARY_ENDS) == 17


def test_breakage_of_the_issuer_is_owed_to_nobody(built: Coalition) -> None:
    _broken(built.hub, "issuer")
    assert obligations(built.hub) == []
    assert broken_rows(built.hub) == []


def test_breakage_of_the_coalition_is_owed_to_it_and_settled(built: Coalition) -> None:
    _broken(built.hub, "coalition")
    assert obligations(built.hub) == [("kiosk", COALITION, 7, 10, ""), ("kiosk", COALITION, 10, 15, "")]
    on(built.hub, date(2017, 3, 1))
    shown = cycles.close_and_publish(built.hub, "2017-02", "operator", "second operator")
    assert {one["partner"]: one["net_minor"] for one in shown["nets"]} == {COALITION: 25, "kiosk": -25}
    assert cycles.audit(built.hub, "2017-02") == []
    assert broken_rows(built.hub) == []


@pytest.mark.parametrize("breakage", ["issuer", "coalition"])
def test_a_refund_does_not_ask_again_for_what_had_expired(built: Coalition, breakage: str) -> None:
    """Not even when two sales share the lot: together they count it once."""
    joined(built.hub, {"breakage": breakage})
    for number, minor in enumerate((600, 400)):
        earn(built.hub, "kiosk", f"e{number}", "card:1", minor)
    redeem(built.hub, "fuel", "r1", "card:1", 5)
    on(built.hub, date(2017, 2, 1))
    assert end_of_day.run(built.hub, JANUARY_ENDS) == 5
    shop = partner(built.hub, "kiosk")
    back = [{"event_id": f"f{n}", "refunds": f"e{n}", "occurred_at": NOON} for n in (0, 1)]
    first, second = (refunds.post(built.hub, shop, evidence(), [one])[0] for one in back)
    assert (first["expired"], first["borne"]) == (5, 1)
    assert (second["expired"], second["borne"]) == (0, 4)
    assert broken_rows(built.hub) == []


# --- the operator's hand ---


def _january(until: str | None = None) -> Group:
    return Group("kiosk", FIRST_DAY, JANUARY_ENDS, until)


def test_an_extension_lets_a_group_spend_longer_held_points_too(built: Coalition) -> None:
    joined(built.hub, {})
    for number in (1, 2, 3):
        earn(built.hub, "kiosk", f"e{number}", f"card:{number}", 1_000)
    member_settings.amend(built.hub, "card:3", jurisdiction="FR")
    _hold(built.hub, 4, 40 * 86_400)
    march = date(2017, 3, 31)
    done = extensions.extend(built.hub, OPERATOR, "storm", Group("kiosk", FIRST_DAY, JANUARY_ENDS, "FR"), march)
    assert done == (1, 10)
    assert extensions.extend(built.hub, OPERATOR, "storm-2", _january(), march) == (2, 20)
    assert extensions.extend(built.hub, OPERATOR, "storm-2", _january(), march) == (0, 0)
    on(built.hub, date(2017, 2, 5))
    assert end_of_day.run(built.hub, date(2017, 2, 4)) == 0
    assert captures.capture(built.hub, partner(built.hub, "fuel"), evidence(), "h1", {})["points"] == 4
    assert [available(built.hub, f"card:{number}") for number in (1, 2, 3)] == [6, 10, 10]
    on(built.hub, date(2017, 4, 1))
    assert end_of_day.run(built.hub, march) == 26
    assert broken_rows(built.hub) == []


def test_a_refund_finds_points_where_they_were_extended_to(built: Coalition) -> None:
    joined(built.hub, {"refunds": "issuer_bears"})
    earn(built.hub, "kiosk", "e1", "card:1", 1_000)
    for first, last in ((FIRST_DAY, JANUARY_ENDS), (date(2017, 3, 1), date(2017, 3, 31))):
        until = last + timedelta(days=59)
        assert extensions.extend(built.hub, OPERATOR, f"to-{until}", Group("kiosk", first, last), until) == (1, 10)
    back = {"event_id": "f1", "refunds": "e1", "occurred_at": NOON}
    [result] = refunds.post(built.hub, partner(built.hub, "kiosk"), evidence(), [back])
    assert (result["taken"], result["borne"]) == (10, 0)
    assert available(built.hub) == 0
    assert broken_rows(built.hub) == []


def test_an_extension_needs_a_later_day_a_reason_and_an_issuer(built: Coalition) -> None:
    with pytest.raises(Refused) as refused:
        extensions.extend(built.hub, OPERATOR, "x", _january(), JANUARY_ENDS)
    assert refused.value.code == "not_allowed"
    with pytest.raises(Refused) as refused:
        extensions.extend(built.hub, OPERATOR, "x", _january(), date(2017, 3, 31))
    assert refused.value.code == "unknown_partner"
    for author, reason in (("", "why"), ("ada", " "), ("ada", "a\nb"), ("ada", "x" * 501)):
        with pytest.raises(Refused):
            reporting.by_operator(author, reason)


@pytest.mark.parametrize(("breakage", "minors"), [("issuer", []), ("coalition", [-8, -7])])
def test_expired_points_are_given_back_with_a_new_life_in_parts(
    built: Coalition, breakage: str, minors: list[int]
) -> None:
    _broken(built.hub, breakage)
    with built.hub.database.connect() as connection:
        query = "SELECT event_id FROM hub.event WHERE kind = 'expiry' AND points = 10"
        name = str(connection.execute(text(query)).scalar_one())
    on(built.hub, date(2017, 2, 10))
    first = reinstatements.reinstate(built.hub, OPERATOR, Asked("back-1", name, 5))
    assert first["lots"] == [{"issuer": "kiosk", "kind": "base", "points": 5, "expires_on": "2017-02-28"}]
    assert reinstatements.reinstate(built.hub, OPERATOR, Asked("back-1", name, 5)) == first | {"duplicate": True}
    with pytest.raises(Refused) as refused:
        reinstatements.reinstate(built.hub, OPERATOR, Asked("back-1", name, 4))
    assert refused.value.code == "event_conflict"
    with pytest.raises(Refused) as refused:
        reinstatements.reinstate(built.hub, OPERATOR, Asked("back-2", name, 6))
    assert refused.value.code == "exceeds_original"
    assert reinstatements.reinstate(built.hub, OPERATOR, Asked("back-2", name))["points"] == 5
    assert available(built.hub) == 10
    origin = f"{COALITION}/{name}"
    assert [one[3] for one in obligations(built.hub) if one[4] == origin] == minors
    on(built.hub, date(2017, 3, 1))
    cycles.close_and_publish(built.hub, "2017-02", "operator", "second operator")
    assert cycles.audit(built.hub, "2017-02") == []
    assert broken_rows(built.hub) == []


def test_only_an_expiry_is_reinstated(built: Coalition) -> None:
    earn(built.hub, "grocer", "e1", "card:1", 1_000)
    asked = {"transfer_id": "t1", "member": "card:1", "to": "card:2", "points": 1}
    earn(built.hub, "grocer", "e2", "card:2", 100)
    gifts.give(built.hub, OPERATOR, asked)
    for name, code in (("nothing", "unknown_event"), ("t1", "not_reversible")):
        with pytest.raises(Refused) as refused:
            reinstatements.reinstate(built.hub, OPERATOR, Asked("back", name))
        assert refused.value.code == code


def test_the_country_of_a_member_is_two_letters(built: Coalition) -> None:
    earn(built.hub, "grocer", "e1", "card:1", 1_000)
    with pytest.raises(Refused):
        member_settings.amend(built.hub, "card:1", jurisdiction="Germany")
    member_settings.amend(built.hub, "card:1", jurisdiction="DE")
    member_settings.amend(built.hub, "card:1", jurisdiction="none")
    with built.hub.database.connect() as connection:
        assert member_rows.jurisdiction(connection, 1) is None
