"""Rules by category, with what they count: the arithmetic on both sides of a cap, and terms that make no sense."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core.errors import TermsRefused
from hub.core.periods import anniversary, is_period, name_of, year_number
from hub.core.rules import Sale, caps_of, compile_grants, explain_rules

CAP: dict[str, Any] = {"name": "air", "minor": 1_000, "period": "year", "then": 1}
RULE: dict[str, Any] = {"rule": "category", "points": 3, "per_minor": 100, "categories": ["3000-3299", "4511"]}
DAYS = st.dates(date(2000, 1, 1), date(2100, 12, 31))


def points_of(terms: list[dict[str, Any]]) -> Callable[[Sale], int]:
    """Return what gives the points of a sale by terms that give points of one kind."""
    grants = compile_grants(terms)
    return lambda sale: grants(sale)[0].points


@pytest.mark.parametrize(
    ("cap", "before", "minor", "points"),
    [
        (CAP, 0, 1_000, 30), (CAP, 0, 1_001, 30), (CAP, 0, 1_100, 31), (CAP, 950, 150, 1), (CAP, 1_000, 250, 2),
        (CAP, 5_000, 250, 2), ({**CAP, "then": 0}, 900, 900, 3),
        ({**CAP, "rounding": "period"}, 950, 150, 3 + 1), ({**CAP, "rounding": "period"}, 50, 49, 0),
        ({**CAP, "rounding": "period"}, 50, 50, 3),
    ],
)  # fmt: skip
def test_a_cap_divides_a_sale(cap: dict[str, Any], before: int, minor: int, points: int) -> None:
    rule = points_of([{**RULE, "cap": cap}])
    assert rule(Sale(minor, "3055", spent={"air": before})) == points
    assert rule(Sale(minor, "5411", spent={"air": before})) == rule(Sale(minor)) == 0
    [told] = explain_rules([{**RULE, "cap": cap}], Sale(minor, "3055", spent={"air": before}))
    assert told.arithmetic.endswith(f" {points}")


@given(st.lists(st.integers(0, 700), max_size=12))
def test_a_rounded_period_gives_what_its_total_does(amounts: list[int]) -> None:
    rule, spent, points = points_of([{**RULE, "cap": {**CAP, "rounding": "period"}}]), 0, 0
    for minor in amounts:
        points += rule(Sale(minor, "4511", spent={"air": spent}))
        spent += minor
    assert points == rule(Sale(spent, "4511"))


@pytest.mark.parametrize(
    "change",
    [
        {"cap": 5}, {"cap": {}}, {"cap": {**CAP, "name": "a-b"}}, {"cap": {**CAP, "name": "x" * 17}},
        {"cap": {**CAP, "period": "week"}}, {"cap": {**CAP, "period": "statement-29"}},
        {"cap": {**CAP, "period": None}},
        {"cap": {**CAP, "minor": 0}}, {"cap": {**CAP, "minor": True}}, {"cap": {**CAP, "then": -1}},
        {"cap": {**CAP, "rounding": "year"}}, {"cap": {**CAP, "shared": "all"}}, {"cap": {**CAP, "more": 1}},
        {"cap": {**CAP, "shared": "household", "period": "member_year"}}, {"rounding": {"name": "a"}},
        {"rounding": 5}, {"rounding": {"name": "a", "period": "month"}, "cap": CAP}, {"other_than": []},
        {"categories": ["45"]}, {"categories": ["3299-3000"]}, {"points": 0}, {"per_minor": 1.5},
    ],
)  # fmt: skip
def test_terms_that_make_no_sense_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(TermsRefused):
        compile_grants([{**RULE, **change}])


def test_two_caps_of_one_name_are_refused() -> None:
    with pytest.raises(TermsRefused):
        caps_of(
            [{**RULE, "cap": CAP}, {**RULE, "categories": ["5411"], "rounding": {"name": "air", "period": "month"}}]
        )


@given(day=DAYS, closes_on=st.integers(1, 28))
def test_a_statement_ends_with_its_day(day: date, closes_on: int) -> None:
    period = f"statement-{closes_on}"
    ends = date.fromisoformat(name_of(period, day))
    assert ends.day == closes_on
    assert 0 <= (ends - day).days < 31
    assert name_of(period, ends) == str(ends) != name_of(period, ends + timedelta(days=1))


@given(joined_on=DAYS, day=DAYS)
def test_a_members_year_begins_on_its_day(joined_on: date, day: date) -> None:
    begins = date.fromisoformat(name_of("member_year", day, joined_on))
    assert 0 <= (day - begins).days < 366
    assert begins == anniversary(joined_on, joined_on.year + year_number(joined_on, day) - 1)
    assert (begins.month, begins.day) in ((joined_on.month, joined_on.day), (3, 1))


@pytest.mark.parametrize("word", ["statement-0", "statement-025", "Month", "", 5, None, ["month"]])
def test_what_is_no_period_is_told(word: object) -> None:
    assert not is_period(word)
