"""`hansa event explain` and `hansa member show` of exchanges: rate, arithmetic, rounding, and what each step moved."""

from __future__ import annotations

import pytest

from hub.core.burning import MEANINGS
from hub.services import exchange_steps, explaining, reporting, timeline
from hub.services.context import Hub
from tests.support.coalition import Coalition
from tests.support.exchange import IN, OUT, publish, take, take_step
from tests.support.services import earn

ORDER = "restricted-first-1"


@pytest.fixture
def hub(built: Coalition) -> Hub:
    """A hub where fuel exchanges miles, and a member with 300 points of the grocer."""
    publish(built.hub, "fuel", **OUT)
    publish(built.hub, "fuel", **IN | {"rate": "1.1111", "rounding": "half-up"})
    earn(built.hub, "grocer", "e1", "card:1", 30_000)
    return built.hub


def why(hub: Hub, name: str) -> list[str]:
    told = explaining.explain(hub, name)["why"]
    assert isinstance(told, list)
    return told


def test_points_that_go_out(hub: Hub) -> None:
    take(hub, "fuel", "x1", "card:1", "out", 200)
    take_step(hub, "fuel", "x1", "confirm")
    opened = explaining.explain(hub, "fuel/x1")
    price = "Price version 1 of fuel, valid from 2017-01-01, in minor units of USD: 1 * 200 = 200."
    assert opened["why"] == [
        "Member 1 exchanges 200 points for 98 MILES, as fuel had been quoted.",
        (
            "Exchange rate out, version 1 of fuel, valid from 2017-01-01: 0.5 less a spread of 0.02 is 0.49:"
            " 200 * 0.49 = 98."
        ),
        f"Burning order {ORDER}: {MEANINGS[ORDER]}.",
        "Reserved: 200 base points of grocer (last day 2017-07-31) of member 1.",
        price,
        "It is open until its confirmation or failure, which is an event of its own.",
    ]
    assert (opened["moved"], opened["owed"]) == (["Nothing was moved."], ["Nobody owes anybody for it."])
    assert [one.split()[1] for one in opened["later"]] == ["exchange-confirmation"]
    confirmed = explaining.explain(hub, "fuel/x1/confirm")
    assert confirmed["why"] == [
        "The side of fuel in the exchange fuel/x1 is done.",
        "What was reserved was redeemed at fuel, at the price of the day on which it was reserved.",
        price,
    ]
    went = "200 base points of grocer (last day 2017-07-31)"
    assert confirmed["moved"] == [f"{went} of member 1 were redeemed at fuel."]
    assert confirmed["owed"] == ["Line 1: grocer owes fuel 2.00 USD for 200 points (1 a point, price version 1)."]
    take_step(hub, "fuel", "x1", "reverse")
    undone = explaining.explain(hub, "fuel/x1/reverse")
    assert undone["why"][0] == "The exchange that fuel/x1/confirm confirmed was undone."
    assert undone["moved"] == [f"{went} came back to member 1 from fuel."]
    assert "2.00 USD less" in undone["owed"][0]


def test_points_that_come_in_are_rounded_once(hub: Hub) -> None:
    take(hub, "fuel", "x1", "card:1", "in", 100)
    assert why(hub, "fuel/x1") == [
        "Member 1 exchanges 100 MILES for 109 points, as fuel had been quoted.",
        (
            "Exchange rate in, version 1 of fuel, valid from 2017-01-01: 1.1111 less a spread of 0.02 is 1.088878:"
            " 100 * 1.088878 = 108.8878 -> 109 (half-up)."
        ),
        "Nothing moves before fuel has said that its own side is done.",
        "It is open until its confirmation or failure, which is an event of its own.",
    ]
    take_step(hub, "fuel", "x1", "confirm")
    confirmed = explaining.explain(hub, "fuel/x1/confirm")
    assert confirmed["why"][1] == "109 points came in, of fuel, by its contract of that day."
    came = "109 base points of fuel (last day 2017-07-31)"
    assert confirmed["moved"] == [f"{came} were given to member 1 by fuel."]
    take_step(hub, "fuel", "x1", "reverse")
    undone = explaining.explain(hub, "fuel/x1/reverse")
    assert undone["why"][1] == "fuel took as many points of its own back: those that came in first, then others of it."
    assert undone["moved"] == [f"{came} went from member 1 back to fuel."]


def test_what_the_operator_said_in_a_partners_name(hub: Hub) -> None:
    take(hub, "fuel", "x1", "card:1", "out", 100)
    alice = reporting.by_operator("alice", "ticket 7", "fuel")
    exchange_steps.take_step(hub, alice, "x1", "fail")
    failed = explaining.explain(hub, "fuel/x1/fail")
    assert failed["why"][0].endswith("is free again.")
    assert failed["why"][1] == "Said by alice in the partner's name: ticket 7"
    assert (failed["moved"], failed["reported"]) == (["Nothing was moved."], "by the operator or the hub itself")


def test_exchanges_in_a_members_life(hub: Hub) -> None:
    for name, direction, step in (("x1", "out", "confirm"), ("x2", "in", "confirm"), ("x3", "out", "fail")):
        take(hub, "fuel", name, "card:1", direction, 100)
        take_step(hub, "fuel", name, step)
    take(hub, "fuel", "x4", "card:1", "out", 100)
    shown = timeline.show(hub, "card:1")
    assert [(one["event"], one["points"], one["balance"], one.get("note")) for one in shown["events"]] == [
        ("grocer/e1", 300, 300, None),
        ("fuel/x1", 0, 300, "100 reserved for 49 MILES"),
        ("fuel/x1/confirm", -100, 200, None),
        ("fuel/x2", 0, 200, "100 MILES for 109 points, once confirmed"),
        ("fuel/x2/confirm", 109, 309, None),
        ("fuel/x3", 0, 309, "100 reserved for 49 MILES"),
        ("fuel/x3/fail", 0, 309, None),
        ("fuel/x4", 0, 309, "100 reserved for 49 MILES"),
    ]
    assert shown["holds"] == [{"event": "fuel/x4", "points": 100, "lapses": "never"}]
