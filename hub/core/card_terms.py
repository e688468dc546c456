"""What a contract with a card issuer says about its cards: which purchases earn nothing, and which bonuses there are.

Contracts have dated versions, so this table of merchant category codes (ISO 18245) has them too: a purchase goes by the
version that was in force on its day, a bonus by that of the day on which the card was linked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from hub.core.errors import TermsRefused
from hub.core.ledger import MAX_MINOR, MAX_POINTS

_CODES = re.compile(r"([0-9]{4})(?:-([0-9]{4}))?")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,11}")
GAMBLING = ("7800-7802", "7995", "9406")
"""Government-owned lotteries and licensed casinos online, horse races, betting, lotteries outside the United States."""
MONEY_MOVED = ("4829", "6010-6012", "6050-6051", "6538-6540")
"""Money orders, cash at counters and machines, financial institutions, quasi cash, funding of other accounts."""
EXCLUDED_BY_DEFAULT = GAMBLING + MONEY_MOVED
_STAGE = {"points", "spend_minor"}
_FORMS = [{"name", when, *what} for when in ("days", "every") for what in (_STAGE, {"stages"})]
MOST_CODES, MOST_BONUSES, MOST_DAYS = 500, 10, 3_660


class Codes:
    """Merchant category codes, written as ``7995`` or ``7800-7802``."""

    def __init__(self, written: Any, name: str) -> None:
        if not isinstance(written, list | tuple) or len(written) > MOST_CODES:
            raise TermsRefused(f"{name} is a list of at most {MOST_CODES} merchant category codes")
        self._ranges = [_range(one, name) for one in written]

    def __contains__(self, code: object) -> bool:
        return any(first <= code <= last for first, last in self._ranges) if isinstance(code, str) else False


class Bonus(NamedTuple):
    """Points for so much net spending, in days after the first card was linked or in each year from then on."""

    name: str
    points: int
    spend_minor: int
    days: int | None
    """None for one that can be had each year."""

    def of_year(self, number: int) -> Bonus:
        """Return a yearly bonus as the one of a year, which is given once like any other."""
        return self._replace(name=f"{self.name}.{number}")


class CardTerms(NamedTuple):
    """The terms of a card issuer."""

    excluded: Codes
    """Categories of merchants whose purchases earn nothing."""
    bonuses: tuple[Bonus, ...]
    closed_early_days: int
    """Bonuses come back when the account is closed within so many days after the first card was linked."""

    @classmethod
    def of(cls, terms: Any) -> CardTerms | None:
        """Read the term ``cards`` of a contract; None where there is none, and the partner issues no cards.

        Raises:
            TermsRefused: it makes no sense.
        """
        if terms is None:
            return None
        if not isinstance(terms, Mapping) or set(terms) - {"excluded", "bonuses", "closed_early_days"}:
            raise TermsRefused("cards is an object with any of excluded, bonuses and closed_early_days")
        excluded = Codes(terms.get("excluded", EXCLUDED_BY_DEFAULT), "cards.excluded")
        return cls(excluded, _bonuses(terms.get("bonuses", [])), _days(terms.get("closed_early_days", 0), least=0))


def _bonuses(terms: Any) -> tuple[Bonus, ...]:
    if not isinstance(terms, list) or len(terms) > MOST_BONUSES:
        raise TermsRefused(f"cards.bonuses is a list of at most {MOST_BONUSES} bonuses")
    read = [_bonus(one) for one in terms]
    if len({term["name"] for term in terms}) < len(terms):
        raise TermsRefused("two bonuses have the same name")
    found = tuple(stage for stages in read for stage in stages)
    if len(found) > MOST_BONUSES:
        raise TermsRefused(f"cards.bonuses have at most {MOST_BONUSES} stages together")
    return found


def _bonus(term: Any) -> list[Bonus]:
    """Read a bonus: one stage, or several that are each given when so much was spent in all."""
    if not isinstance(term, Mapping) or set(term) not in _FORMS:
        raise TermsRefused('a bonus has a name; days, or every "year"; points and spend_minor, or stages of them')
    name, every = term["name"], term.get("every", "year")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise TermsRefused("the name of a bonus is 1 to 12 characters of a-z 0-9 -, a letter first")
    if every != "year":
        raise TermsRefused("a bonus that can be had again is one every year")
    days = _days(term["days"], least=1) if "days" in term else None
    if "stages" not in term:
        return [_stage(name, term, days)]
    stages = term["stages"]
    if not isinstance(stages, list) or not 2 <= len(stages) <= MOST_BONUSES:
        raise TermsRefused(f"a bonus has 2 to {MOST_BONUSES} stages")
    found = []
    for number, stage in enumerate(stages, 1):
        if not isinstance(stage, Mapping) or set(stage) != _STAGE:
            raise TermsRefused("a stage of a bonus is an object with points and spend_minor")
        found.append(_stage(f"{name}:{number}", stage, days))
    if any(later.spend_minor <= one.spend_minor for one, later in pairwise(found)):
        raise TermsRefused("each stage of a bonus asks for more than the one before")
    return found


def _stage(name: str, term: Mapping[str, Any], days: int | None) -> Bonus:
    points, spend_minor = term["points"], term["spend_minor"]
    for value, most in ((points, MAX_POINTS), (spend_minor, MAX_MINOR)):
        if type(value) is not int or not 1 <= value <= most:
            raise TermsRefused(f"points and spend_minor of a bonus are whole numbers from 1 to {most}")
    return Bonus(name, points, spend_minor, days)


def _days(days: Any, least: int) -> int:
    if type(days) is not int or not least <= days <= MOST_DAYS:
        raise TermsRefused(f"days are a whole number from {least} to {MOST_DAYS}")
    return days


def _range(written: Any, name: str) -> tuple[str, str]:
    found = _CODES.fullmatch(written) if isinstance(written, str) else None
    if found is None or (found[2] or found[1]) < found[1]:
        raise TermsRefused(f"{name} has codes of four digits, 7995, and ranges of them, 7800-7802")
    return found[1], found[2] or found[1]
