"""What a contract with a card issuer says about its cards: which purchases earn nothing.

Contracts have dated versions, so this table of merchant category codes (ISO 18245) has them too: a purchase goes by the
version that was in force on its day.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from hub.core.errors import TermsRefused

_CODES = re.compile(r"([0-9]{4})(?:-([0-9]{4}))?")
GAMBLING = ("7800-7802", "7995", "9406")
"""Government-owned lotteries and licensed casinos online, horse races, betting, lotteries outside the United States."""
MONEY_MOVED = ("4829", "6010-6012", "6050-6051", "6538-6540")
"""Money orders, cash at counters and machines, financial institutions, quasi cash, funding of other accounts."""
EXCLUDED_BY_DEFAULT = GAMBLING + MONEY_MOVED
MOST_CODES = 500


class Codes:
    """Merchant category codes, written as ``7995`` or ``7800-7802``."""

    def __init__(self, written: Any, name: str) -> None:
        if not isinstance(written, list | tuple) or len(written) > MOST_CODES:
            raise TermsRefused(f"{name} is a list of at most {MOST_CODES} merchant category codes")
        self._ranges = [_range(one, name) for one in written]

    def __contains__(self, code: object) -> bool:
        return any(first <= code <= last for first, last in self._ranges) if isinstance(code, str) else False


class CardTerms(NamedTuple):
    """The terms of a card issuer."""

    excluded: Codes
    """Categories of merchants whose purchases earn nothing."""

    @classmethod
    def of(cls, terms: Any) -> CardTerms | None:
        """Read the term ``cards`` of a contract; None where there is none, and the partner issues no cards.

        Raises:
            TermsRefused: it makes no sense.
        """
        if terms is None:
            return None
        if not isinstance(terms, Mapping) or set(terms) - {"excluded"}:
            raise TermsRefused("cards is an object with excluded, a list of merchant category codes")
        return cls(Codes(terms.get("excluded", EXCLUDED_BY_DEFAULT), "cards.excluded"))


def _range(written: Any, name: str) -> tuple[str, str]:
    found = _CODES.fullmatch(written) if isinstance(written, str) else None
    if found is None or (found[2] or found[1]) < found[1]:
        raise TermsRefused(f"{name} has codes of four digits, 7995, and ranges of them, 7800-7802")
    return found[1], found[2] or found[1]
