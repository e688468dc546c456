"""Credit lines in the hub: who may not owe more declines redemptions, and the operator sees it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hub.cli import main
from hub.core.errors import Refused
from hub.services import business_clock, cycles, exposure, group_commit, payments, security
from hub.services.context import Hub
from hub.services.group_commit import Answer, Post, Waiting
from tests.support import agreements
from tests.support.coalition import NOON, Coalition
from tests.support.groups import Group, document, wish
from tests.support.network import broken_rows, sale
from tests.support.services import capture, earn, post, redeem, reverse, void
from tests.support.threads import at_once

Run = Callable[..., Result]
LIMIT = {"form": "postpaid", "limit_minor": 100, "alert_minor": 90}


@pytest.fixture
def hub(built: Coalition) -> Hub:
    """Return a hub where grocer may owe 100, and has given 200 points to each of two members."""
    hub = built.hub
    agreements.agree(hub, "grocer", {"currency": "USD", "credit": LIMIT}, NOON.date())
    for member in ("card:1", "card:2"):
        earn(hub, "grocer", f"e-{member}", member, 20_000)
    return hub


@pytest.fixture
def hansa(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a caller of ``hansa`` on that hub."""
    monkeypatch.setattr("hub.start.open_hub", lambda settings: hub)
    return lambda *arguments: CliRunner().invoke(main, arguments)


def left(hub: Hub) -> int:
    (line,) = exposure.view(hub)
    return int(line["left_minor"])


def refused(hub: Hub, redemption_id: str, points: int, **more: Any) -> str:
    with pytest.raises(Refused) as refusal:
        redeem(hub, "fuel", redemption_id, "card:1", points, **more)
    return refusal.value.code


def found(result: Result, code: int = 0) -> Any:
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def test_a_redemption_over_the_line_is_declined_and_can_be_tried_again(hub: Hub) -> None:
    assert redeem(hub, "fuel", "r1", "card:1", 70)["value"]["minor"] == 70
    assert refused(hub, "r2", 31) == "credit_limit_reached"
    assert redeem(hub, "fuel", "r1", "card:1", 70)["duplicate"]
    assert left(hub) == 30
    reverse(hub, "fuel", "r1", points=20)
    assert left(hub) == 50
    assert redeem(hub, "fuel", "r2", "card:1", 50)["status"] == "posted"
    assert refused(hub, "r3", 1) == "credit_limit_reached"
    assert redeem(hub, "grocer", "r4", "card:1", 50)["status"] == "posted", "at home nobody owes anybody"
    assert broken_rows(hub) == []


def test_a_hold_reserves_the_line_and_its_capture_is_never_declined(hub: Hub) -> None:
    redeem(hub, "fuel", "h1", "card:1", 60, hold=600)
    redeem(hub, "fuel", "h2", "card:1", 30, hold=600)
    assert (left(hub), refused(hub, "h3", 11, hold=600)) == (10, "credit_limit_reached")
    capture(hub, "fuel", "h1", points=50)
    assert left(hub) == 20
    void(hub, "fuel", "h2")
    assert left(hub) == 50
    redeem(hub, "fuel", "h4", "card:1", 50, hold=600)
    business_clock.move(hub, NOON + timedelta(hours=1))
    assert left(hub) == 0
    (line,) = exposure.renew(hub)
    assert (line["left_minor"], line["exposure_minor"]) == (50, 50), "what lapsed is free again"


def test_holds_of_a_group_reserve_what_each_would_and_its_captures_give_back_the_rest(hub: Hub) -> None:
    def together(post: Post, *asked: Waiting) -> Sequence[Answer | None]:
        with hub.database.connect() as connection:
            return post(hub, connection, hub.moment(connection), asked)

    def captured(redemption_id: str, **asked: int) -> Waiting:
        return Waiting(group.caller("fuel"), {"redemption_id": redemption_id, **asked}, redemption_id)

    group = Group(hub, group_commit.redeem)
    many = [wish(group, f"h{number}", "fuel", f"card:{number}", 51, hold=600) for number in (1, 2)]
    at_home = wish(group, "home", "grocer", "card:1", 51, hold=600)
    first, second, third = together(group_commit.redeem, *many, at_home)
    assert (first, second, left(hub)) == (None, None, 100), "both are more than grocer may owe: each is tried alone"
    assert document(third)["status"] == "pending"
    few = [
        wish(group, f"f{number}", "fuel", f"card:{number}", points, hold=600) for number, points in ((1, 60), (2, 30))
    ]
    assert [document(one)["points"] for one in together(group_commit.redeem, *few)] == [60, 30]
    assert (left(hub), refused(hub, "more", 11)) == (10, "credit_limit_reached")
    answers = together(group_commit.capture, captured("f1", points=50), captured("f2"), captured("f1"))
    assert [document(one)["released"] if one else None for one in answers] == [10, 0, None]
    assert left(hub) == 20
    exposure.renew(hub)
    assert left(hub) == 20
    assert broken_rows(hub) == []


def test_groups_of_redemptions_and_holds_at_the_same_moment_never_exceed_the_line(hub: Hub) -> None:
    groups = [Group(hub, group_commit.redeem) for _ in range(4)]
    wishes = [
        [
            wish(group, f"{side}-{n}", "fuel", f"card:{n % 2 + 1}", 5, **({"hold": 600} if n % 2 else {}))
            for n in range(20)
        ]
        for side, group in enumerate(groups)
    ]
    answers = at_once([partial(group.post, *own) for group, own in zip(groups, wishes, strict=True)])
    done = sum(isinstance(one, dict) for side in answers for one in side.values())
    assert left(hub) == 100 - 5 * done >= 0
    exposure.renew(hub)
    assert left(hub) == 100 - 5 * done
    assert broken_rows(hub) == []


def test_tills_at_once_do_not_exceed_the_line(hub: Hub) -> None:
    """32 redemptions of 9 from two members' points, against 100: eleven go through, whatever their order."""

    def one(place: int) -> str:
        try:
            return str(redeem(hub, "fuel", f"r{place}", f"card:{place % 2 + 1}", 9)["status"])
        except Refused as refusal:
            return refusal.code

    with ThreadPoolExecutor(32) as tills:
        assert Counter(tills.map(one, range(32))) == {"posted": 11, "credit_limit_reached": 21}
    assert left(hub) == 1
    assert exposure.renew(hub)[0]["left_minor"] == 1


def test_the_command_tells_when_it_is_time_to_act(hub: Hub, hansa: Run) -> None:
    (line,) = found(hansa("partner", "exposure", "--json"))
    assert (line["partner"], line["state"]) == ("grocer", "open")
    redeem(hub, "fuel", "r1", "card:1", 90)
    (line,) = found(hansa("partner", "exposure", "grocer", "--renew", "--json"), 1)
    assert (line["exposure_minor"], line["left_minor"], line["state"]) == (90, 10, "alert")
    redeem(hub, "fuel", "r2", "card:1", 10)
    assert "stopped" in hansa("partner", "exposure").output
    assert found(hansa("partner", "exposure", "fuel", "--json")) == []


def test_a_partner_fails_and_the_waterfall_bears_it(hub: Hub, hansa: Run) -> None:
    redeem(hub, "fuel", "r1", "card:1", 100)
    business_clock.move(hub, NOON + timedelta(days=31))
    cycles.close_and_publish(hub, "2017-01", "ada", "ben")
    for account, partner, minor in (("collateral", "grocer", 30), ("fund", "fuel", 50), ("capital", "", 25)):
        order = found(
            hansa(
                "security", "deposit", account, "USD", str(minor), "--partner", partner, "--author", "ada", "--json"
            )
        )  # fmt: skip
        approve = ("security", "approve", order["order"], "--digest", order["digest"], "--author")
        assert "somebody else" in hansa(*approve, "ada").stderr
        assert found(hansa(*approve, "ben", "--json"))["state"] == "approved"
    simulated = found(hansa("cycle", "simulate", "2017-01", "--without", "grocer", "--json"))
    assert simulated["unwound"][0]["change_minor"] == -100
    assert [one["amount_minor"] for one in simulated["shared"][0]["borne"]] == [30, 25, 45]
    assert "own_collateral" in hansa("cycle", "simulate", "2017-01", "--without", "grocer").output
    declared = found(hansa("default", "declare", "grocer", "2017-01", "--author", "ada", "--json"))
    assert declared["uncovered"] == {"USD": 0}
    found(hansa("security", "approve", declared["order"], "--digest", declared["digest"], "--author", "ben", "--json"))
    (shown,) = found(hansa("default", "show", "grocer", "2017-01", "--json"))
    assert (shown["state"], shown["decided_by"]) == ("approved", "ben")
    balances = {one["account"]: one["balance_minor"] for one in found(hansa("security", "list", "--json"))}
    assert balances == {
        "bank": -105, "collateral:grocer": 0, "capital": 0, "fund:fuel": 5, "default:grocer": 100,
    }  # fmt: skip
    assert len(found(hansa("security", "orders", "--json"))) == 4


def test_the_direct_payments_of_a_cycle_are_shown(hub: Hub, hansa: Run) -> None:
    redeem(hub, "fuel", "r1", "card:1", 40)
    business_clock.move(hub, NOON + timedelta(days=31))
    cycles.close_and_publish(hub, "2017-01", "ada", "ben")
    (way,) = found(hansa("cycle", "payments", "2017-01", "--direct", "--json"))
    assert way["payments"] == [{"payer": "grocer", "payee": "fuel", "amount_minor": 40}]
    assert "the fewest there can be" in hansa("cycle", "payments", "2017-01", "--direct").output


def test_what_is_paid_in_makes_room_again(hub: Hub) -> None:
    redeem(hub, "fuel", "r1", "card:1", 100)
    business_clock.move(hub, NOON + timedelta(days=31))
    cycles.close_and_publish(hub, "2017-01", "ada", "ben")
    assert refused(hub, "r2", 1) == "credit_limit_reached", "it is published and not paid"
    business_clock.move(hub, NOON + timedelta(days=80))
    cycles.advance(hub, "2017-01", "final", "ada")
    (owed,) = [one for one in payments.prepare(hub, "2017-01", "ada") if one["partner"] == "grocer"]
    payments.received(hub, owed["payment"], "1.00", "statement 7", "ada")
    cycles.advance(hub, "2017-01", "paid_in", "ben")
    assert left(hub) == 100
    assert redeem(hub, "fuel", "r2", "card:1", 1)["status"] == "posted"


def test_points_that_are_paid_for_at_issue_stop_with_what_was_paid_in(built: Coalition) -> None:
    """A prepaid card pack of 90, at 0.9 a point: 100 points can be given out, and no more until more is paid in."""
    hub = built.hub
    credit = {"form": "prepaid", "balance_minor": 90, "low_minor": 10, "hard_stop": True}
    agreements.agree(hub, "fuel", agreements.ON_ISSUE | {"credit": credit}, NOON.date())

    def pay_in() -> None:
        order = security.move(hub, "deposit", ("prepaid", "fuel"), ("USD", 90), "ada")
        security.approve(hub, order["order"], order["digest"], "ben")

    def sell(event_id: str, minor: int) -> str:
        result = post(hub, "fuel", sale(event_id, "card:1", minor))[0]
        return str(result.get("error", result).get("code", result["status"]))

    assert sell("s1", 200) == "credit_limit_reached"
    pay_in()
    assert (sell("s2", 20_000), left(hub)) == ("posted", 0)
    assert sell("s3", 200) == "credit_limit_reached"
    assert sell("s2", 20_000) == "posted", "the first answer stands"
    pay_in()
    assert (sell("s3", 200), left(hub)) == ("posted", 89)
    assert broken_rows(hub) == []
