"""A quote is what the real thing would give, and does nothing."""

from __future__ import annotations

from typing import Any

import pytest

from hub.core.errors import Refused
from hub.services import quotes
from hub.services.context import Hub
from partner_sdk.wire.schemas import QuoteRequest, validate
from tests.support.coalition import Coalition
from tests.support.network import sale
from tests.support.services import earn, partner, post, redeem


def _quote(hub: Hub, partner_id: str, asked: dict[str, Any]) -> dict[str, Any]:
    return quotes.quote(hub, partner(hub, partner_id), validate(QuoteRequest, asked))


def _earning(**changes: Any) -> dict[str, Any]:
    asked = sale("x", "card:1", 1_250) | changes
    return {"earning": {name: value for name, value in asked.items() if name != "event_id"}}


def test_an_earning_gives_what_was_quoted(built: Coalition) -> None:
    quoted = _quote(built.hub, "grocer", _earning())["earning"]
    posted = post(built.hub, "grocer", sale("e1", "card:1", 1_250))[0]
    assert quoted == {
        "points": posted["points"],
        "available_at": posted["available_at"],
        "expires_on": posted["expires_on"],
        "rate_version": 1,
    }


def test_a_redemption_gives_what_was_quoted(built: Coalition) -> None:
    earn(built.hub, "grocer", "e1", "card:1", 1_000)
    earn(built.hub, "fuel", "e2", "card:1", 1_400)
    quoted = _quote(built.hub, "grocer", {"redemption": {"member": "card:1", "points": 13}})["redemption"]
    assert (quoted["available"], quoted["enough"]) == (17, True)
    redeemed = redeem(built.hub, "grocer", "r1", "card:1", 13)
    assert (quoted["value"], quoted["lots"]) == (redeemed["value"], redeemed["lots"])


def test_too_few_points_are_part_of_the_answer(built: Coalition) -> None:
    earn(built.hub, "grocer", "e1", "card:1", 1_000)
    asked = {"redemption": {"member": "card:1", "points": 11}}
    assert _quote(built.hub, "grocer", asked) == {"redemption": {"points": 11, "available": 10, "enough": False}}


@pytest.mark.parametrize(
    ("partner_id", "asked", "code"),
    [
        ("grocer", _earning(amount={"minor": 1, "currency": "EUR"}), "currency_mismatch"),
        ("grocer", _earning(points=13), "points_mismatch"),
        ("grocer", _earning(occurred_at="2017-01-10T12:05:01Z"), "occurred_in_future"),
        ("grocer", _earning(occurred_at="2016-12-31T12:00:00Z"), "no_contract"),
        ("pharmacy", _earning(), "unknown_member"),
        ("grocer", {"redemption": {"member": "card:1", "points": 1}}, "unknown_member"),
    ],
)
def test_what_would_be_refused_is_refused(built: Coalition, partner_id: str, asked: Any, code: str) -> None:
    with pytest.raises(Refused) as refused:
        _quote(built.hub, partner_id, asked)
    assert refused.value.code == code
