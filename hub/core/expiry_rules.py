"""What a contract says about the life of points: a table of plain functions, one a rule.

Terms are ``{"rule": <name in RULES>, ...}``. Beside the usual rule they may carry ``"jurisdictions"``, which maps
ISO 3166-1 alpha-2 codes to the rule for members who live there, because some laws forbid what others allow.
To add a rule: write one function that reads its terms and add one line to ``RULES``.

A rule gives the last day on which points earned on a day can be spent. A day beyond the calendar is no day at all:
such points never expire.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

from hub.core.errors import TermsRefused
from hub.core.expiry import end_of_month_plus
from hub.core.fields import check_fields, whole
from hub.core.ledger import NEVER_EXPIRES

COUNTS = ("any", "earning")
"""Which activity keeps points alive: every event of the member, or only earning."""
MAX_DAYS, MAX_MONTHS, MAX_YEARS = 36_600, 1_200, 100
_A_LEAP_YEAR = 2000
_COUNTRY = re.compile("[A-Z]{2}")


@dataclass(frozen=True, slots=True)
class Idle:
    """Points end ``days`` after the member's last activity of the sort that ``counts``."""

    days: int
    counts: str


@dataclass(frozen=True, slots=True)
class Life:
    """One compiled rule: the last day of points earned on a day, and the idleness that ends them, if any does."""

    last_day: Callable[[date], date]
    meaning: str
    """What the last day is, in words."""
    idle: Idle | None = None


@dataclass(frozen=True, slots=True)
class Expiry:
    """The rules of a contract: the usual one, and those that replace it in some jurisdictions."""

    usual: Life
    by_jurisdiction: Mapping[str, Life]

    def on(self, earned_on: date, jurisdiction: str | None) -> date:
        """Return the last day of points earned on ``earned_on``; ``NEVER_EXPIRES`` if they have none."""
        return self._life(jurisdiction).last_day(earned_on)

    def idle(self, jurisdiction: str | None) -> Idle | None:
        """Return the idleness that ends points, or None where their end is settled when they are earned."""
        return self._life(jurisdiction).idle

    def meaning(self, jurisdiction: str | None) -> str:
        """Return what the last day is, in words."""
        replaced = jurisdiction is not None and jurisdiction in self.by_jurisdiction
        return self._life(jurisdiction).meaning + (f", as {jurisdiction} has it" if replaced else "")

    @property
    def counts_idleness(self) -> bool:
        """Whether the points of some member end by idleness."""
        return any(life.idle for life in (self.usual, *self.by_jurisdiction.values()))

    def _life(self, jurisdiction: str | None) -> Life:
        return self.usual if jurisdiction is None else self.by_jurisdiction.get(jurisdiction, self.usual)


def compile_expiry(terms: Mapping[str, Any]) -> Expiry:
    """Turn the terms of a contract version into the rules that say when its points end.

    Raises:
        TermsRefused: there is no such rule or jurisdiction, or the fields do not fit the rule.
    """
    if not isinstance(terms, Mapping):
        raise TermsRefused("an expiry is written as an object with the field rule")
    usual = {name: value for name, value in terms.items() if name != "jurisdictions"}
    replaced = terms.get("jurisdictions", {})
    if not isinstance(replaced, Mapping) or not all(_COUNTRY.fullmatch(str(code)) for code in replaced):
        raise TermsRefused('jurisdictions map a country, two letters such as "DE" (ISO 3166-1), to its expiry rule')
    lives = {code: _compile_one(rule) for code, rule in replaced.items()}
    return Expiry(_compile_one(usual), MappingProxyType(lives))


def _compile_one(terms: Any) -> Life:
    name = terms.get("rule") if isinstance(terms, Mapping) else None
    if not isinstance(name, str) or name not in RULES:
        raise TermsRefused(f"there is no expiry rule {name!r}; there are: {', '.join(sorted(RULES))}")
    return RULES[name](terms)


def _months_end(terms: Mapping[str, Any]) -> Life:
    """Points end with the month that lies ``months`` after the one they were earned in."""
    check_fields(terms, "the expiry rule months_end", ("rule", "months"))
    months = whole(terms["months"], "months", 0, MAX_MONTHS)
    meaning = f"the end of the month {months} months after the one they were given in"
    return Life(lambda earned_on: _end_of_month(earned_on, months), meaning)


def _fixed_date(terms: Mapping[str, Any]) -> Life:
    """Points end on the first such date that comes after the day ``years`` years from their earning."""
    check_fields(terms, "the expiry rule fixed_date", ("rule", "month", "day", "years"))
    month = whole(terms["month"], "month", 1, 12)
    day = whole(terms["day"], f"day of month {month}", 1, calendar.monthrange(_A_LEAP_YEAR, month)[1])
    years = whole(terms["years"], "years", 0, MAX_YEARS)
    return Life(
        lambda earned_on: _date_after(earned_on, years, month, day),
        f"the first {day} {calendar.month_name[month]} that comes {years} years after they were given, or later",
    )


def _days(terms: Mapping[str, Any]) -> Life:
    """Points end ``days`` days after they were earned."""
    check_fields(terms, "the expiry rule days", ("rule", "days"))
    days = whole(terms["days"], "days", 1, MAX_DAYS)
    return Life(lambda earned_on: _plus_days(earned_on, days), f"{days} days after they were given")


def _inactivity(terms: Mapping[str, Any]) -> Life:
    """Points end ``days`` days after the last activity; earning them is one."""
    check_fields(terms, "the expiry rule inactivity", ("rule", "days", "counts"))
    days = whole(terms["days"], "days", 1, MAX_DAYS)
    if terms["counts"] not in COUNTS:
        raise TermsRefused(f"counts must be one of: {', '.join(COUNTS)}")
    activity = "earning" if terms["counts"] == "earning" else "activity"
    return Life(
        lambda earned_on: _plus_days(earned_on, days),
        f"{days} days after the member's last {activity}",
        Idle(days, terms["counts"]),
    )


def _never(terms: Mapping[str, Any]) -> Life:
    """Points do not end."""
    check_fields(terms, "the expiry rule never", ("rule",))
    return Life(lambda earned_on: NEVER_EXPIRES, "none, since these points do not expire")


RULES: Mapping[str, Callable[[Mapping[str, Any]], Life]] = MappingProxyType(
    {
        "months_end": _months_end,
        "fixed_date": _fixed_date,
        "days": _days,
        "inactivity": _inactivity,
        "never": _never,
    }
)


def _end_of_month(day: date, months: int) -> date:
    beyond = day.year * 12 + day.month + months > date.max.year * 12 + date.max.month
    return NEVER_EXPIRES if beyond else end_of_month_plus(day, months)


def _plus_days(day: date, days: int) -> date:
    return date.fromordinal(min(day.toordinal() + days, date.max.toordinal()))


def _date_after(earned_on: date, years: int, month: int, day: int) -> date:
    year = earned_on.year + years
    if year <= date.max.year and _date_in(year, month, day) <= _date_in(year, earned_on.month, earned_on.day):
        year += 1
    return NEVER_EXPIRES if year > date.max.year else _date_in(year, month, day)


def _date_in(year: int, month: int, day: int) -> date:
    """Return that date of ``year``; 29 February is the 28th in years that have none."""
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))
