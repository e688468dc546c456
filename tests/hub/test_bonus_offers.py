"""Bonuses of cards: in stages, each year, never twice, and with conditions that the issuer can show to the member."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.core.card_terms import CardTerms
from hub.core.errors import TermsRefused
from hub.services import adjustments, business_clock, members, partners
from hub.services.context import Hub
from tests.support import coalition
from tests.support.cards import LINKED, Issuer, record
from tests.support.network import broken_rows

STAGES = [{"points": 100, "spend_minor": 1_000}, {"points": 400, "spend_minor": 3_000}]
WELCOME = {"name": "welcome", "days": 90, "stages": STAGES}
YEARLY = {"name": "anniv", "every": "year", "points": 70, "spend_minor": 2_000}
NEVER = {"rule": "never"}
NUMBERS = count(1)


@pytest.fixture(scope="module")
def hub(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    made = coalition.build(module_postgres_url, tmp_path_factory.mktemp("data")).hub
    business_clock.move(made, LINKED + timedelta(days=3 * 366))
    yield made
    assert broken_rows(made) == []
    made.database.dispose()


@pytest.fixture(scope="module")
def bank(hub: Hub) -> Issuer:
    return Issuer(hub, {"bonuses": [WELCOME, YEARLY]}, expiry=NEVER)


def card(bank: Issuer) -> tuple[str, str]:
    """A member with a new card, linked at the usual instant."""
    number = next(NUMBERS)
    bank.link(f"card:b{number}", f"PAR-b{number}")
    return f"card:b{number}", f"PAR-b{number}"


def buy(bank: Issuer, token: str, minor: int, day: int, kind: str = "clearing", **more: Any) -> dict[str, Any]:
    """Report one record so many days after the card was linked."""
    at = (LINKED + timedelta(days=day)).isoformat()
    [result] = bank.report(record(kind, token, minor, at, **more))
    assert "error" not in result, result
    return result


def shown(bank: Issuer, member: str) -> dict[str, tuple[int, str]]:
    """What the issuer sees of each bonus: what was spent, and its state."""
    view = members.view(bank.hub, member, bank.partner_id)
    return {one["name"]: (one["spent_minor"], one["state"]) for one in view.get("bonuses", [])}


def test_a_bonus_is_paid_in_stages_each_once(bank: Issuer) -> None:
    member, token = card(bank)
    assert "bonuses" not in buy(bank, token, 999, 0)
    assert buy(bank, token, 1, 1)["bonuses"] == ["welcome:1"]
    assert "bonuses" not in buy(bank, token, 999, 2)
    both = buy(bank, token, 1_001, 89)
    assert both["bonuses"] == ["welcome:2", "anniv.1"]
    assert "bonuses" not in buy(bank, token, 9_000, 91)
    assert bank.points(member) == 9 + 0 + 9 + 10 + 90 + 100 + 400 + 70
    assert buy(bank, token, 500, 95, "refund", refers_to=both["event_id"])["undone"] == ["welcome:2"]
    assert shown(bank, member) == {
        "welcome:1": (2_500, "given"), "welcome:2": (2_500, "undone"), "anniv.4": (0, "open"),
    }  # fmt: skip


def test_a_yearly_bonus_comes_again_each_year_of_the_card(bank: Issuer) -> None:
    member, token = card(bank)
    given_ = [buy(bank, token, 2_000, day).get("bonuses") for day in (100, 364, 365, 370, 730, 300)]
    assert given_ == [["anniv.1"], None, ["anniv.2"], None, ["anniv.3"], None]
    assert bank.points(member) == 6 * 20 + 3 * 70


def test_a_promise_holds_whatever_a_later_contract_says(hub: Hub) -> None:
    bank = Issuer(hub, {"bonuses": [WELCOME, YEARLY]}, expiry=NEVER)
    later = {"cards": {"bonuses": [{**YEARLY, "points": 5}]}, "expiry": NEVER}
    partners.set_contract(hub, bank.partner_id, date(2017, 2, 1), terms=later)
    member, token = card(bank)
    assert buy(bank, token, 2_000, 60)["bonuses"] == ["welcome:1", "anniv.1"]
    assert buy(bank, token, 2_000, 400)["bonuses"] == ["anniv.2"]
    assert bank.points(member) == 2 * 20 + 100 + 70 + 5


def test_the_conditions_are_shown_before_anything_is_bought_and_to_its_issuer_alone(hub: Hub, bank: Issuer) -> None:
    member, _ = card(bank)
    view = members.view(hub, member, bank.partner_id)
    [first, second, yearly] = view["bonuses"]
    assert (first["points"], first["spend_minor"], first["until"]) == (100, 1_000, "2017-04-01T00:00:00Z")
    assert (second["points"], second["spend_minor"], second["state"]) == (400, 3_000, "missed")
    assert (yearly["until"], yearly["state"]) == ("2021-01-01T00:00:00Z", "open")
    assert "bonuses" not in members.view(hub, member, "grocer")
    assert "bonuses" not in members.view(hub, member)


def test_a_retention_bonus_is_given_by_hand(hub: Hub, bank: Issuer) -> None:
    member, _ = card(bank)
    asked = {
        "member": member, "issuer": bank.partner_id, "points": 500, "class": "retention", "kind": "bonus",
        "reason": "Wanted to close the account", "ticket": "T-1", "author": "alice",
    }  # fmt: skip
    assert adjustments.adjust(hub, asked)["status"] == "posted"
    assert bank.points(member) == 500


@pytest.mark.parametrize(
    "change",
    [
        {"stages": STAGES[::-1]}, {"stages": STAGES[:1]}, {"stages": [{}, {}]}, {"stages": 5}, {"days": 0},
        {"every": "year"}, {"points": 5}, {"name": "x:1"}, {"stages": STAGES * 9},
    ],
)  # fmt: skip
def test_bonuses_that_make_no_sense_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(TermsRefused):
        CardTerms.of({"bonuses": [WELCOME | change]})


STEPS = st.lists(
    st.tuples(st.sampled_from(["clearing", "refund"]), st.integers(1, 2_500), st.sampled_from([5, 5, 200, 400])),
    min_size=2, max_size=8,
)  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(steps=STEPS)
def test_bonuses_are_what_a_plain_model_says(hub: Hub, bank: Issuer, steps: list[tuple[str, int, int]]) -> None:
    """By hand: a sum for each bonus; one is given when its sum gets there first, and is gone for ever when undone."""
    member, token = card(bank)
    wanted = {"welcome:1": (1_000, 100), "welcome:2": (3_000, 400), "anniv.1": (2_000, 70), "anniv.2": (2_000, 70)}
    spent, had, lost = dict.fromkeys(wanted, 0), set[str](), set[str]()
    left: dict[str, tuple[int, int, int]] = {}
    for kind, minor, day in steps:
        if kind == "refund" and not left:
            continue
        bought = next(iter(left)) if kind == "refund" else ""
        whole, still, sold_on = left.get(bought, (minor, minor, day))
        minor = min(minor, still)
        counts = [f"anniv.{1 + sold_on // 365}"] + (["welcome:1", "welcome:2"] if sold_on < 90 else [])
        if kind == "refund":
            result = buy(bank, token, minor, 500, kind, refers_to=bought)
            for name in counts:
                spent[name] -= minor
            undone = {name for name in counts if name in had - lost and spent[name] < wanted[name][0]}
            lost |= undone
            assert set(result.get("undone", ())) == undone
            left[bought] = (whole, still - minor, sold_on)
        else:
            result = buy(bank, token, minor, day)
            for name in counts:
                spent[name] += minor
            new = {name for name in counts if name not in had and spent[name] >= wanted[name][0]}
            had |= new
            assert set(result.get("bonuses", ())) == new
            left[result["event_id"]] = (minor, minor, day)
        left = {one: rest for one, rest in left.items() if rest[1]}
    held = sum(wanted[name][1] for name in had - lost)
    assert bank.points(member) == held + sum(still // 100 for _, still, _ in left.values())
