"""Captures and looks at balances that wait together are answered as each would be alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest

from hub.core.errors import Refused
from hub.services import captures, gifts, household_pools, members, merges, reporting
from hub.services.group_commit import Answer, Waiting, capture, look, redeem
from tests.support import services
from tests.support.coalition import Coalition
from tests.support.groups import Group, available, document, wish
from tests.support.network import broken_rows, sale
from tests.support.services import evidence
from tests.support.threads import at_once

POINTS = 150
"""Of each member: 100 of grocer's and 50 of fuel's."""


@pytest.fixture
def held(built: Coalition) -> Group:
    """Four members, each with a hold of 120 points at fuel, in a group of captures."""
    group = Group(built.hub)
    for partner in ("grocer", "fuel"):
        group.post(group.waiting("e", partner, *(sale(f"e{n}", f"card:{n}", minor=10_000) for n in range(4))))
    holding = Group(built.hub, redeem)
    answers = holding.post(*(wish(holding, f"h{n}", "fuel", f"card:{n}", 120, hold=600) for n in range(4)))
    assert None not in answers.values()
    return Group(built.hub, capture)


def captured(group: Group, ticket: str, partner: str, redemption_id: str, **asked: Any) -> Waiting:
    return Waiting(group.caller(partner), {"redemption_id": redemption_id, **asked}, ticket)


def together(group: Group, *waiting: Waiting) -> Sequence[Answer | None]:
    """Post a group without its queue, so that it is one group for certain."""
    moment = group.caller("fuel").moment
    with group.hub.database.connect() as connection:
        return capture(group.hub, connection, moment, waiting)


def test_captures_burn_what_they_say_and_release_the_rest(held: Group) -> None:
    answers = together(
        held,
        captured(held, "a", "fuel", "h0"),
        captured(held, "b", "fuel", "h1", points=70),
        captured(held, "c", "fuel", "unknown"),
        captured(held, "d", "grocer", "h2"),
        captured(held, "e", "fuel", "h3", points=121),
        captured(held, "f", "fuel", "h0", points=1),
    )
    assert [(document(one)["points"], document(one)["released"]) if one else None for one in answers] == [
        (120, 0), (70, 50), None, None, None, None,
    ]  # fmt: skip
    assert [available(held, f"card:{n}") for n in range(4)] == [30, 80, 30, 30]
    for hold, points, first in (("h0", {}, answers[0]), ("h1", {"points": 70}, answers[1])):
        fuel = services.partner(held.hub, "fuel")
        assert captures.capture(held.hub, fuel, evidence(), hold, points) == document(first) | {"duplicate": True}
    assert broken_rows(held.hub) == []


def test_a_group_of_captures_owes_what_each_would_alone(held: Group) -> None:
    """Two holds alike, one captured in a group and one alone: the same lots, at the same price, owed alike."""
    [grouped] = together(held, captured(held, "a", "fuel", "h0", points=33))
    alone = captures.capture(held.hub, services.partner(held.hub, "fuel"), evidence(), "h1", {"points": 33})
    assert grouped == alone | {"redemption_id": "h0"}
    with held.hub.database.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT event_id, line, issuer, redeemer, points, amount_minor, price_version FROM settlement.obligation"
            " ORDER BY event_id, line"
        ).all()
    first, second = ([tuple(row)[1:] for row in rows if row.event_id == f"{hold}/capture"] for hold in ("h0", "h1"))
    assert first == second
    assert first


def test_holds_that_are_closed_lapsed_or_paid_by_others_are_left_to_be_tried_alone(held: Group) -> None:
    reporter = reporting.by_partner(services.partner(held.hub, "fuel"), evidence())
    services.void(held.hub, "fuel", "h0")
    merges.merge(held.hub, reporter, {"event_id": "m", "member": "card:1", "into": "card:2", "reason": "one person"})
    pool = [{"member": f"card:{n}", "share": 1, "may_spend": True} for n in (0, 3)]
    household_pools.set_members(held.hub, reporter, {"event_id": "p", "pool_id": "home", "members": pool})
    services.redeem(held.hub, "fuel", "of-pool", "card:0", 60, hold=600, pool=True)
    names = ("h0", "h1", "h2", "of-pool", "h3")
    answers = together(held, *(captured(held, name, "fuel", name) for name in names))
    assert [answer is not None for answer in answers] == [False, False, True, False, True]
    assert broken_rows(held.hub) == []


def test_the_hold_of_a_member_who_owes_points_is_left_to_be_tried_alone(held: Group) -> None:
    """What is released then pays first; alone that is done at once."""
    with held.hub.database.connect() as connection:
        connection.exec_driver_sql(
            "INSERT INTO hub.debt (member_id, issuer, points) SELECT member_id, 'grocer', 5 FROM hub.hold"
            " WHERE event_id = 'h0' LIMIT 1"
        )
    answers = together(held, captured(held, "a", "fuel", "h0", points=1), captured(held, "b", "fuel", "h1"))
    assert [answer is not None for answer in answers] == [False, True]


def test_a_capture_and_a_void_of_many_holds_at_once_have_one_outcome_each(held: Group) -> None:
    """Whoever is first wins; the points are burnt or free again, never both."""
    groups = [held, Group(held.hub, capture)]
    names = [f"h{n}" for n in range(4)]
    calls: list[Callable[[], set[str]]] = [partial(_captured, group, names) for group in groups]
    calls += [partial(_voided, held, name) for name in names]
    first, second, *voided = at_once(calls)
    for number, name in enumerate(names):
        assert sum(name in done for done in (first, second, *voided)) == 1
        assert available(held, f"card:{number}") == (POINTS if name in voided[number] else POINTS - 120)
    assert broken_rows(held.hub) == []


def _captured(group: Group, names: Sequence[str]) -> set[str]:
    answers = group.post(*(captured(group, name, "fuel", name) for name in names))
    return {name for name, answer in answers.items() if answer is not None}


def _voided(group: Group, name: str) -> set[str]:
    try:
        services.void(group.hub, "fuel", name)
    except Refused:
        return set()
    return {name}


def test_balances_looked_at_together_are_what_each_is_alone(held: Group) -> None:
    """Members with lots, holds and debts; who was merged is left to be looked at alone."""
    reporter = reporting.by_partner(services.partner(held.hub, "fuel"), evidence())
    gifts.give(held.hub, reporter, {"transfer_id": "t", "member": "card:0", "to": "card:1", "points": 20})
    merges.merge(held.hub, reporter, {"event_id": "m", "member": "card:2", "into": "card:3", "reason": "one person"})
    looking = Group(held.hub, look)
    asked = [(partner, f"card:{n}") for partner in ("fuel", "grocer") for n in (0, 1, 2, 3, 9)]
    answers = looking.post(
        *(Waiting(looking.caller(partner), {"member": name}, f"{partner} {name}") for partner, name in asked)
    )
    for partner, name in asked:
        answer = answers[f"{partner} {name}"]
        if name == "card:2":
            assert answer is None
        elif name == "card:9":
            with pytest.raises(Refused) as alone:
                members.view(held.hub, name, partner)
            assert isinstance(answer, Refused)
            assert (answer.code, answer.detail) == (alone.value.code, alone.value.detail)
        else:
            assert answer == members.view(held.hub, name, partner)
