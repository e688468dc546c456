"""The life of points: every rule against a plain model, at the edges of the calendar, and terms that make no sense."""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core.errors import TermsRefused
from hub.core.expiry_rules import RULES, Idle, compile_expiry
from hub.core.ledger import NEVER_EXPIRES

DAYS = st.dates(date(2000, 1, 1), date(2200, 12, 31))
Terms = dict[str, Any]
MONTHS_END: Terms = {"rule": "months_end", "months": 6}
NEW_YEARS_EVE: Terms = {"rule": "fixed_date", "month": 12, "day": 31, "years": 1}
LEAP_DAY: Terms = {"rule": "fixed_date", "month": 2, "day": 29, "years": 1}
ONE_YEAR: Terms = {"rule": "days", "days": 365}
IDLE: Terms = {"rule": "inactivity", "days": 30, "counts": "earning"}
NEVER: Terms = {"rule": "never"}
EVERY = [MONTHS_END, NEW_YEARS_EVE, ONE_YEAR, IDLE, NEVER]
GERMAN = MONTHS_END | {"jurisdictions": {"DE": NEVER, "FR": IDLE}}


def changed(terms: Terms, **fields: Any) -> Terms:
    return terms | fields


@pytest.mark.parametrize(
    ("terms", "earned_on", "last_day"),
    [
        (MONTHS_END, date(2017, 8, 31), date(2018, 2, 28)),
        (NEW_YEARS_EVE, date(2017, 1, 1), date(2018, 12, 31)),
        (NEW_YEARS_EVE, date(2017, 12, 30), date(2018, 12, 31)),
        (NEW_YEARS_EVE, date(2017, 12, 31), date(2019, 12, 31)),
        (NEW_YEARS_EVE | {"years": 0}, date(2017, 12, 30), date(2017, 12, 31)),
        (NEW_YEARS_EVE | {"years": 0}, date(2017, 12, 31), date(2018, 12, 31)),
        (LEAP_DAY, date(2017, 5, 1), date(2019, 2, 28)),
        (LEAP_DAY, date(2019, 2, 28), date(2020, 2, 29)),
        (LEAP_DAY, date(2020, 2, 29), date(2022, 2, 28)),
        (LEAP_DAY, date(2022, 5, 1), date(2024, 2, 29)),
        (ONE_YEAR, date(2017, 3, 1), date(2018, 3, 1)),
        (ONE_YEAR, date(2019, 3, 1), date(2020, 2, 29)),
        (IDLE, date(2017, 1, 1), date(2017, 1, 31)),
        (NEVER, date(2017, 1, 1), NEVER_EXPIRES),
    ],
)
def test_known_days(terms: Terms, earned_on: date, last_day: date) -> None:
    assert compile_expiry(terms).on(earned_on, None) == last_day


@given(DAYS, st.integers(1, 12), st.integers(1, 31), st.integers(0, 3))
def test_a_fixed_date_is_the_first_one_found_by_walking(earned_on: date, month: int, day: int, years: int) -> None:
    day = min(day, calendar.monthrange(2000, month)[1])
    walked = shifted(earned_on, years) + timedelta(days=1)
    while (walked.month, walked.day) != (month, min(day, calendar.monthrange(walked.year, month)[1])):
        walked += timedelta(days=1)
    terms = {"rule": "fixed_date", "month": month, "day": day, "years": years}
    assert compile_expiry(terms).on(earned_on, None) == walked


def shifted(day: date, years: int) -> date:
    if (day.month, day.day) == (2, 29) and not calendar.isleap(day.year + years):
        return date(day.year + years, 2, 28)
    return day.replace(year=day.year + years)


@given(DAYS, st.integers(1, 36_600), st.sampled_from(["days", "inactivity"]))
def test_days_are_counted_from_the_earning(earned_on: date, days: int, rule: str) -> None:
    terms = {"rule": rule, "days": days} | ({"counts": "any"} if rule == "inactivity" else {})
    assert compile_expiry(terms).on(earned_on, None) == earned_on + timedelta(days=days)


@given(st.sampled_from(EVERY), st.dates(date(1900, 1, 1), date.max), st.dates(date(1900, 1, 1), date.max))
def test_whoever_earns_later_never_expires_earlier(terms: Terms, one: date, other: date) -> None:
    expiry = compile_expiry(terms)
    assert expiry.on(min(one, other), None) <= expiry.on(max(one, other), None)


@pytest.mark.parametrize("earned_on", [date(9999, 12, 31), date(9999, 12, 1), date(9999, 6, 30), date(9950, 1, 1)])
@pytest.mark.parametrize(
    "terms",
    [
        MONTHS_END | {"months": 1200},
        NEW_YEARS_EVE | {"years": 100},
        ONE_YEAR | {"days": 36_600},
        IDLE | {"days": 36_600},
    ],
)
def test_beyond_the_calendar_is_never(terms: Terms, earned_on: date) -> None:
    assert compile_expiry(terms).on(earned_on, None) == NEVER_EXPIRES


def test_the_last_days_of_the_calendar_are_still_days() -> None:
    assert compile_expiry(MONTHS_END).on(date(9999, 5, 3), None) == date(9999, 11, 30)
    assert compile_expiry(LEAP_DAY | {"years": 0}).on(date(9999, 2, 27), None) == date(9999, 2, 28)
    assert compile_expiry(LEAP_DAY | {"years": 0}).on(date(9999, 2, 28), None) == NEVER_EXPIRES


def test_a_jurisdiction_replaces_the_usual_rule() -> None:
    expiry, earned_on = compile_expiry(GERMAN), date(2017, 1, 15)
    found = [expiry.on(earned_on, where) for where in (None, "US", "DE", "FR")]
    assert found == [date(2017, 7, 31), date(2017, 7, 31), NEVER_EXPIRES, date(2017, 2, 14)]


def test_only_inactivity_is_idle() -> None:
    assert [compile_expiry(terms).idle(None) for terms in EVERY] == [None, None, None, Idle(30, "earning"), None]
    assert [compile_expiry(GERMAN).idle(where) for where in (None, "DE", "FR")] == [None, None, Idle(30, "earning")]


@pytest.mark.parametrize(
    "terms",
    [
        *({}, [], None, {"rule": "magic"}, {"rule": ["days"]}, {"months": 6}),
        *(changed(MONTHS_END, months=value) for value in (-1, 1201, True, 6.0, "6", None)),
        *(changed(ONE_YEAR, days=value) for value in (0, 36_601, True, 1.5, "1")),
        *(changed(IDLE, days=0), changed(IDLE, counts="burning"), changed(IDLE, counts=["any"])),
        {"rule": "inactivity", "days": 1},
        *(changed(NEW_YEARS_EVE, month=value) for value in (0, 13, "1")),
        *(changed(NEW_YEARS_EVE, day=value) for value in (0, 32)),
        *(changed(NEW_YEARS_EVE, month=2, day=30), changed(NEW_YEARS_EVE, month=4, day=31)),
        *(changed(NEW_YEARS_EVE, years=value) for value in (-1, 101)),
        *(changed(MONTHS_END, jurisdictions=value) for value in (["DE"], None, "DE")),
        *(changed(MONTHS_END, jurisdictions={code: NEVER}) for code in ("de", "DEU", "", 1)),
        *(changed(MONTHS_END, jurisdictions={"DE": rule}) for rule in (None, ["never"], {"rule": ""}, "never")),
        changed(MONTHS_END, jurisdictions={"DE": changed(NEVER, jurisdictions={})}),
    ],
)
def test_terms_that_make_no_sense(terms: Any) -> None:
    with pytest.raises(TermsRefused):
        compile_expiry(terms)


@pytest.mark.parametrize("terms", EVERY)
def test_every_rule_refuses_unknown_fields(terms: Terms) -> None:
    with pytest.raises(TermsRefused, match="surprise"):
        compile_expiry(terms | {"surprise": 1})


def test_every_rule_is_tried_here() -> None:
    assert {terms["rule"] for terms in EVERY} == set(RULES)
