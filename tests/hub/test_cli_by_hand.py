"""The operator's hand through the command ``hansa``: adjust, approve, show a member's life, explain, merge, extend."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hub.cli import main
from hub.services import business_clock, end_of_day
from hub.services.context import Hub
from tests.support.coalition import Coalition
from tests.support.network import broken_rows
from tests.support.services import earn, redeem

Run = Callable[..., Result]


@pytest.fixture
def hansa(built: Coalition, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a caller of ``hansa`` on a coalition with sales of two members, by the coalition's own connections."""
    monkeypatch.setattr("hub.start.open_hub", lambda settings: built.hub)
    earn(built.hub, "grocer", "e1", "card:1", 5_000)
    earn(built.hub, "fuel", "e2", "card:2", 4_000)
    redeem(built.hub, "fuel", "r1", "card:1", 20)
    return lambda *arguments: CliRunner().invoke(main, arguments)


@pytest.fixture
def hub(built: Coalition) -> Hub:
    return built.hub


def found(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def refusal(result: Result) -> str:
    assert result.exit_code == 1, result.output
    return result.stderr


ADJUST = ("--issuer", "grocer", "--kind", "goodwill", "--reason", "Till 7 was down", "--ticket", "T-1")


def test_above_the_limit_a_second_operator_approves_what_he_saw(hansa: Run, hub: Hub) -> None:
    found(hansa("scheme", "set", "--from", "2017-01-01", "--approval-above", "100", "--json"))
    alone = found(hansa("adjust", "card:1", "60", *ADJUST, "--author", "ada", "--id", "a1", "--json"))
    assert (alone["status"], alone["points"]) == ("posted", 60)
    again = found(hansa("adjust", "card:1", "60", *ADJUST, "--author", "ada", "--id", "a1", "--json"))
    assert again == alone | {"duplicate": True}
    waiting = hansa("adjust", "card:1", "60", *ADJUST, "--author", "ada", "--id", "a2")
    assert "hansa proposal show a2" in waiting.output
    shown = found(hansa("proposal", "show", "a2", "--json"))
    assert [one["proposal"] for one in found(hansa("proposal", "list", "--json"))] == ["a2"]
    approve = ("proposal", "approve", "a2", "--digest")
    assert "somebody else" in refusal(hansa(*approve, shown["digest"], "--author", "Ada"))
    assert "look at it again" in refusal(hansa(*approve, "00" * 32, "--author", "ben"))
    assert found(hansa(*approve, shown["digest"], "--author", "ben", "--json"))["approver"] == "ben"
    assert found(hansa("member", "show", "card:1", "--json"))["available"] == 50 - 20 + 60 + 60
    assert found(hansa("proposal", "list", "--json")) == []
    assert broken_rows(hub) == []


def test_a_declined_proposal_posts_nothing(hansa: Run) -> None:
    found(hansa("scheme", "set", "--from", "2017-01-01", "--approval-above", "0", "--json"))
    assert hansa("adjust", "card:1", "-10", *ADJUST, "--author", "ada", "--id", "a1").exit_code == 0
    declined = found(hansa("proposal", "decline", "a1", "--author", "ben", "--reason", "no ticket", "--json"))
    assert declined["state"] == "declined"
    digest = declined["digest"]
    assert "declined" in refusal(hansa("proposal", "approve", "a1", "--digest", digest, "--author", "ben"))
    assert found(hansa("member", "show", "card:1", "--json"))["available"] == 30


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("adjust", "card:9", "5", *ADJUST, "--author", "ada"), "No member"),
        (("adjust", "card:1", "0", *ADJUST, "--author", "ada"), "other than 0"),
        (("adjust", "card:1", "-31", *ADJUST, "--author", "ada"), "30 free points"),
        (("adjust", "card:1", "5", *ADJUST, "--author", " "), "author"),
        (("proposal", "show", "none"), "no such proposal"),
        (("event", "explain", "grocer/none"), "none"),
        (("event", "explain", "none"), "PARTNER/EVENT_ID"),
        (("member", "show", "card:9"), "No member"),
        (("member", "set", "card:1", "--jurisdiction", "Germany"), "two capital letters"),
        (("member", "merge", "card:1", "card:1", "--reason", "x"), "one member"),
        (("member", "unmerge", "none", "--reason", "x"), "no merge"),
        (("member", "transfer", "card:1", "card:2", "31", "--reason", "x"), "too few"),
        (("points", "reinstate", "none", "--reason", "x"), "none"),
    ],
)
def test_a_refusal_is_1_and_says_why(hansa: Run, hub: Hub, arguments: tuple[str, ...], reason: str) -> None:
    assert reason in refusal(hansa(*arguments))
    assert broken_rows(hub) == []


def test_a_life_and_its_reasons_are_readable(hansa: Run) -> None:
    life = hansa("member", "show", "card:1").output
    assert "grocer/e1" in life
    assert "fuel/r1" in life
    why = hansa("event", "explain", "fuel/r1").output
    assert "restricted-first-1" in why
    assert "grocer owes fuel 0.20 USD for 20 points" in why
    assert "5000 // 100 = 50" in hansa("event", "explain", "grocer/e1").output


def test_members_are_merged_parted_and_give_by_hand(hansa: Run, hub: Hub) -> None:
    said = ("--reason", "one person", "--author", "ada", "--json")
    assert found(hansa("member", "transfer", "card:1", "card:2", "5", "--kind", "gift", *said))["points"] == 5
    merged = found(hansa("member", "merge", "card:1", "card:2", *said))
    assert found(hansa("member", "show", "card:1", "--json"))["available"] == 30 + 20
    assert found(hansa("member", "unmerge", f"coalition/{merged['event_id']}", *said))["points"] == 25
    pooled = ("member", "pool", "home", "--spender", "card:1=2", "--payer", "card:2=1")
    assert found(hansa(*pooled, *said))["members"] == 2
    assert hansa("member", "pool", "home", "--payer", "card:1", "--reason", "x").exit_code == 2
    changed = found(hansa("member", "set", "card:1", "--jurisdiction", "DE", "--charity", "--json"))
    assert (changed["jurisdiction"], changed["charity"]) == ("DE", True)
    assert broken_rows(hub) == []


def test_points_are_listed_extended_and_given_back(hansa: Run, hub: Hub) -> None:
    listed = found(hansa("points", "expiring", "--until", "2017-07-31", "--json"))
    assert {(one["issuer"], one["points"]) for one in listed} == {("grocer", 30), ("fuel", 20)}
    extend = ("points", "extend", "fuel", "--ending-from", "2017-07-01", "--ending-to", "2017-07-31")
    extended = found(hansa(*extend, "--until", "2017-09-30", "--reason", "storm", "--author", "ada", "--json"))
    assert extended["points"] == 20
    business_clock.move(hub, datetime(2017, 8, 1, tzinfo=UTC))
    assert end_of_day.run(hub, date(2017, 7, 31)) == 30
    [expiry] = [one for one in found(hansa("member", "show", "card:1", "--json"))["events"] if one["kind"] == "expiry"]
    back = found(hansa("points", "reinstate", expiry["event"], "--points", "12", "--reason", "storm", "--json"))
    assert back["points"] == 12
    assert found(hansa("member", "show", "card:1", "--json"))["available"] == 12
    assert broken_rows(hub) == []


def test_a_contract_says_what_it_changes(hansa: Run, tmp_path: Path) -> None:
    terms = tmp_path / "terms.json"
    terms.write_text('{"maturity": {"days": 14}, "refunds": "debt", "merges": true}')
    shown = found(hansa("partner", "contract", "grocer", "--from", "2017-03-01", "--terms", str(terms), "--json"))
    assert shown[-1]["terms"] == {"maturity": {"days": 14}, "refunds": "debt", "merges": True}
    terms.write_text('{"breakage": "nobody"}')
    assert "breakage is one of" in refusal(
        hansa("partner", "contract", "grocer", "--from", "2017-03-01", "--terms", str(terms))
    )
