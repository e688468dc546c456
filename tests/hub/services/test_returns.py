"""Returns where the sale's points, its terms or its issuer are not what and where they were."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import text

from hub.services import (
    business_clock,
    captures,
    end_of_day,
    extensions,
    members,
    merges,
    partners,
    reinstatements,
    reporting,
)
from hub.services.context import Hub
from hub.services.extensions import Group
from hub.services.reinstatements import Asked
from tests.support import coalition, services
from tests.support.coalition import FIRST_DAY, Coalition
from tests.support.network import broken_rows, sale
from tests.support.services import capture, confirm, earn, partner, redeem, refund, reverse

LONG = {"refunds": "debt"}
OPERATOR = reporting.by_operator("ada", "a storm closed the shops")


@pytest.fixture
def hub(built: Coalition) -> Hub:
    coalition.join(built.hub, "shop", life_months=0, terms=LONG)
    return built.hub


def view(hub: Hub, member: str) -> tuple[int, int]:
    """What a member can spend, and what it owes."""
    seen = members.view(hub, member)
    return seen["available"], seen["debt"]


def sources(result: dict[str, Any]) -> tuple[int, int, int, int]:
    assert "error" not in result, result
    return result["taken"], result["owed"], result["borne"], result["expired"]


def one_row(hub: Hub, query: str, **values: Any) -> Any:
    with hub.database.connect() as connection:
        return connection.execute(text(query), values).one()


def expiry_of(hub: Hub, event_id: str) -> str:
    """The expiry of the member of a sale."""
    query = """SELECT expiry.event_id FROM hub.event AS sale JOIN hub.event AS expiry USING (member_id)
               WHERE sale.event_id = :id AND expiry.kind = 'expiry'"""
    return str(one_row(hub, query, id=event_id)[0])


def extend(hub: Hub, event_id: str, until: date) -> None:
    """Give a sale's lot a later last day, by the operator's hand."""
    query = "SELECT issuer, expires_on, expires_on FROM hub.transfer WHERE event_id = :id AND line = 1"
    extensions.extend(hub, OPERATOR, f"to-{until}", Group(*one_row(hub, query, id=event_id)), until)


def merge(hub: Hub, gone: str, survivor: str) -> None:
    """Merge one member into another, by the operator's hand."""
    asked = {"event_id": f"{gone}-{survivor}", "member": gone, "into": survivor, "reason": "one person"}
    merges.merge(hub, OPERATOR, asked)


# --- lots that moved ---


@pytest.mark.parametrize("policy", ["debt", "issuer_bears"])
def test_a_refund_follows_its_points_into_an_extended_lot(built: Coalition, policy: str) -> None:
    hub = built.hub
    coalition.join(hub, "shop", terms={"refunds": policy})
    earn(hub, "shop", "e1", "card:1", 1_000)
    extend(hub, "e1", date(2018, 1, 31))
    assert sources(refund(hub, "shop", "f1", "e1", 400)) == (4, 0, 0, 0)
    assert sources(refund(hub, "shop", "f2", "e1")) == (6, 0, 0, 0)
    assert view(hub, "card:1") == (0, 0)
    assert broken_rows(hub) == []


def test_pending_points_are_confirmed_and_refunded_where_they_were_extended_to(built: Coalition) -> None:
    hub = built.hub
    coalition.join(hub, "shop", terms={"maturity": {"confirmed": True}, "refunds": "debt"})
    earn(hub, "shop", "e1", "card:1", 1_000)
    extend(hub, "e1", date(2018, 1, 31))
    assert sources(refund(hub, "shop", "f1", "e1", 300)) == (3, 0, 0, 0)
    assert confirm(hub, "shop", "e1")["points"] == 7
    assert view(hub, "card:1") == (7, 0)
    assert sources(refund(hub, "shop", "f2", "e1")) == (7, 0, 0, 0)
    assert view(hub, "card:1") == (0, 0)
    assert broken_rows(hub) == []


def test_points_that_were_reinstated_have_not_expired(hub: Hub) -> None:
    """They stand in another lot now, so the refund takes them there, and nothing from breakage."""
    earn(hub, "shop", "e1", "card:1", 1_000)
    business_clock.move(hub, datetime(2017, 2, 1, tzinfo=UTC))
    end_of_day.run(hub, date(2017, 1, 31))
    reinstatements.reinstate(hub, OPERATOR, Asked("back-1", expiry_of(hub, "e1")))
    assert view(hub, "card:1") == (10, 0)
    assert sources(refund(hub, "shop", "f1", "e1")) == (10, 0, 0, 0)
    assert view(hub, "card:1") == (0, 0)
    assert broken_rows(hub) == []


def test_points_that_expired_with_any_member_of_a_line_of_merges_are_not_asked_for(hub: Hub) -> None:
    """The first was merged into the second, with whom they expired, and the second into the third."""
    earn(hub, "shop", "e1", "card:1", 1_000)
    for card in ("card:2", "card:3"):
        earn(hub, "grocer", f"of {card}".replace(" ", "-"), card, 500)
    merge(hub, "card:1", "card:2")
    earn(hub, "shop", "e2", "card:1", 100)
    redeem(hub, "grocer", "r1", "card:1", 1)
    business_clock.move(hub, datetime(2017, 2, 1, tzinfo=UTC))
    end_of_day.run(hub, date(2017, 1, 31))
    merge(hub, "card:2", "card:3")
    assert sources(refund(hub, "shop", "f1", "e1")) == (0, 0, 0, 10)
    assert view(hub, "card:3") == view(hub, "card:1") == (10, 0)
    assert broken_rows(hub) == []


def test_replays_of_a_member_that_was_merged_get_their_first_answers(built: Coalition) -> None:
    hub = built.hub
    earn(hub, "grocer", "e1", "card:1", 3_000)
    earn(hub, "grocer", "e2", "card:2", 1_000)

    def story() -> list[dict[str, Any]]:
        return [
            services.post(hub, "grocer", sale("e1", "card:1", 3_000))[0],
            redeem(hub, "grocer", "r1", "card:1", 5),
            redeem(hub, "grocer", "h1", "card:1", 6, hold=3_600),
            capture(hub, "grocer", "h1", points=4),
            reverse(hub, "grocer", "r1", points=2, reversal_id="v1"),
            refund(hub, "grocer", "f1", "e1", 500),
        ]

    first = story()
    merge(hub, "card:1", "card:2")
    assert [one | {"duplicate": True} for one in first] == story()
    assert reverse(hub, "grocer", "r1")["points"] == 3
    assert reverse(hub, "grocer", "h1")["points"] == 4
    assert sources(refund(hub, "grocer", "f2", "e1")) == (25, 0, 0, 0)
    assert view(hub, "card:1") == view(hub, "card:2") == (10, 0)
    assert broken_rows(hub) == []


# --- terms and issuers ---


def test_a_request_under_way_knows_the_terms_of_now(built: Coalition) -> None:
    """Its partner was read before the hold and the sale were posted under newer versions."""
    hub = built.hub
    before = partner(hub, "grocer")
    dearer = {"numerator": 3, "denominator": 1}
    partners.set_rate(hub, "grocer", "reimbursement", FIRST_DAY, "USD", dearer)
    partners.set_rate(hub, "grocer", "earning", FIRST_DAY, "USD", [{"rule": "linear", "points": 2, "per_minor": 100}])
    earn(hub, "grocer", "e1", "card:1", 1_000)
    redeem(hub, "grocer", "h1", "card:1", 5, hold=60)
    captured = captures.capture(hub, before, services.evidence(), "h1", {})
    assert captured["value"] == {"minor": 15, "currency": "USD"}
    assert sources(refund(hub, "grocer", "f1", "e1", by=before)) == (15, 0, 5, 0)


def test_points_whose_issuer_has_no_contract_any_more_return_with_half_a_year(built: Coalition) -> None:
    """Such as those of a sponsor whose own begins later."""
    hub = built.hub
    gives = {"issuer": "ghost", "expiry": {"rule": "months_end", "months": 0}}
    partners.add(hub, "ghost", "Ghost", date(2018, 1, 1), 6, False)
    coalition.join(hub, "shop", gives=(gives,))
    earn(hub, "shop", "e1", "card:1", 1_000)
    redeem(hub, "shop", "r1", "card:1", 10)
    business_clock.move(hub, datetime(2017, 3, 5, tzinfo=UTC))
    assert reverse(hub, "shop", "r1")["points"] == 10
    assert members.view(hub, "card:1")["expiring"] == [{"points": 10, "expires_on": "2017-09-30"}]
    assert broken_rows(hub) == []


def test_what_the_coalition_gave_back_is_taken_by_a_refund_and_not_counted_as_expired(hub: Hub) -> None:
    terms = LONG | {"expiry": {"rule": "days", "days": 10}, "breakage": "coalition"}
    partners.set_contract(hub, "shop", FIRST_DAY, 0, True, terms)
    earn(hub, "shop", "e1", "card:1", 1_000)
    business_clock.move(hub, datetime(2017, 2, 1, tzinfo=UTC))
    end_of_day.run(hub, date(2017, 1, 31))
    reinstatements.reinstate(hub, OPERATOR, Asked("back", expiry_of(hub, "e1"), 6))
    assert sources(refund(hub, "shop", "b1", "e1")) == (6, 0, 0, 4)
    assert view(hub, "card:1") == (0, 0)
    assert broken_rows(hub) == []


def test_what_was_extended_while_it_was_held_is_given_back_once_when_a_merge_is_undone(hub: Hub) -> None:
    for event_id, member in (("e1", "card:1"), ("e2", "card:2")):
        earn(hub, "shop", event_id, member, 1_000)
    redeem(hub, "fuel", "h1", "card:2", 10, hold=3_600)
    asked = {"event_id": "m1", "member": "card:2", "into": "card:1", "reason": "one person"}
    merges.merge(hub, OPERATOR, asked)
    extensions.extend(hub, OPERATOR, "x1", Group("shop", FIRST_DAY, date(2017, 1, 31)), date(2017, 6, 30))
    merges.undo(hub, OPERATOR, "m1")
    assert view(hub, "card:1") == (10, 0)
    assert members.view(hub, "card:2")["held"] == 10
    assert broken_rows(hub) == []
