"""Dated terms: which contract and which rate of a partner were in force on a day.

Versions are only ever added. The one in force on a day is the latest ``valid_from`` not after it; of two with
the same day, the higher version. What was posted keeps the version it was posted with.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from hub.core.card_terms import CardTerms
from hub.core.errors import TermsRefused
from hub.core.expiry_rules import Expiry, compile_expiry
from hub.core.ledger import MATURE_AT_ONCE, WHEN_CONFIRMED
from hub.core.rules import Counted, Grants, caps_of, compile_grants


class Maturity(NamedTuple):
    """When points can be spent: ``days`` after the sale, or when the partner confirms it."""

    days: int = 0
    confirmed: bool = False

    def on(self, sold_on: date) -> date:
        """Return the day from whose first instant (UTC) the points of a sale can be spent."""
        if self.confirmed:
            return WHEN_CONFIRMED
        return sold_on + timedelta(days=self.days) if self.days else MATURE_AT_ONCE


REFUND_POLICIES = ("within_balance", "debt", "issuer_bears")
"""Where points that a refund wants back are spent already: take what there is; the member owes; the issuer bears."""
BREAKAGE_OWNERS = ("issuer", "coalition")
"""Who keeps the value of points that expire: the issuer owes nothing more, or owes it to the coalition."""
_CURRENCY = re.compile(r"[A-Z]{3}")
MAX_PENDING_DAYS = MAX_LATE_DAYS = 3_660
MONEY = "settlement"
"""The term that holds what was agreed about money."""


@dataclass(frozen=True, slots=True)
class Contract:
    """What a partner agreed to: life and maturity of its points, returns, breakage, whether it enrols members."""

    version: int
    valid_from: date
    life_months: int
    enrols_unknown: bool
    terms: Mapping[str, Any]
    """As they were agreed: any of ``expiry``, ``maturity``, ``refunds``, ``breakage``, ``merges``, ``late_days``,
    ``cards``, and ``settlement``, which is for settlement to read."""
    expiry: Expiry = field(compare=False)
    maturity: Maturity
    refunds: str
    breakage: str
    merges: bool
    """Whether the partner may merge members' accounts, as a service desk does."""
    late_days: int | None
    """Days after which a report of a sale or a refund waits for the operator; None for no limit."""
    cards: CardTerms | None = field(default=None, compare=False)
    """What applies to purchases with the partner's cards; None where it issues none."""

    @classmethod
    def of(
        cls, version: int, valid_from: date, life_months: int, enrols_unknown: bool, terms: Mapping[str, Any]
    ) -> Contract:
        """Read the terms; what they leave out is usual: end of month plus ``life_months``, mature at once.

        Raises:
            TermsRefused: a term is unknown or makes no sense.
        """
        unknown = set(terms) - {"expiry", "maturity", "refunds", "breakage", "merges", "late_days", "cards", MONEY}
        if unknown:
            raise TermsRefused(f"a contract has no terms {', '.join(sorted(unknown))}")
        return cls(
            version,
            valid_from,
            life_months,
            enrols_unknown,
            terms,
            compile_expiry(terms.get("expiry", {"rule": "months_end", "months": life_months})),
            _maturity(terms.get("maturity", {})),
            _one_of(terms.get("refunds", REFUND_POLICIES[0]), "refunds", REFUND_POLICIES),
            _one_of(terms.get("breakage", BREAKAGE_OWNERS[0]), "breakage", BREAKAGE_OWNERS),
            _flag(terms.get("merges", False), "merges"),
            _late_days(terms.get("late_days")),
            CardTerms.of(terms.get("cards")),
        )


def _maturity(terms: Any) -> Maturity:
    if terms in ({}, {"confirmed": True}):
        return Maturity(confirmed=bool(terms))
    days = terms.get("days") if isinstance(terms, Mapping) and len(terms) == 1 else None
    if type(days) is not int or not 0 <= days <= MAX_PENDING_DAYS:
        raise TermsRefused(f'maturity is {{"days": 0 to {MAX_PENDING_DAYS}}} or {{"confirmed": true}}')
    return Maturity(days)


def _one_of(value: Any, name: str, words: tuple[str, ...]) -> str:
    if value not in words:
        raise TermsRefused(f"{name} is one of {', '.join(words)}")
    return str(value)


def _flag(value: Any, name: str) -> bool:
    if type(value) is not bool:
        raise TermsRefused(f"{name} is true or false")
    return value


def _late_days(days: Any) -> int | None:
    if days is not None and (type(days) is not int or not 0 <= days <= MAX_LATE_DAYS):
        raise TermsRefused(f"late_days is a number of days from 0 to {MAX_LATE_DAYS}, or null for no limit")
    return days


@dataclass(frozen=True, slots=True)
class EarningRate:
    """What a sale earns, from ``valid_from`` on."""

    version: int
    valid_from: date
    currency: str
    terms: list[dict[str, Any]]
    grants: Grants = field(compare=False)
    """The points of a sale by kind, issuer and life."""
    caps: tuple[Counted, ...] = field(default=(), compare=False)
    """What is counted over purchases in a period."""

    @classmethod
    def of(cls, version: int, valid_from: date, currency: str, terms: list[dict[str, Any]]) -> EarningRate:
        """Compile ``terms`` once for the life of this version."""
        return cls(version, valid_from, currency, terms, compile_grants(terms), caps_of(terms))


@dataclass(frozen=True, slots=True)
class ReimbursementPrice:
    """What a redeeming partner is paid for one point: ``numerator / denominator`` minor units."""

    version: int
    valid_from: date
    currency: str
    numerator: int
    denominator: int

    @classmethod
    def of(cls, version: int, valid_from: date, currency: str, terms: Mapping[str, Any]) -> ReimbursementPrice:
        """Check the fraction: both whole numbers from 1 to 1,000,000, at most 1,000 minor units a point.

        Raises:
            TermsRefused: the fraction is out of range.
        """
        numerator, denominator = terms.get("numerator"), terms.get("denominator")
        for part in (numerator, denominator):
            if type(part) is not int or not 1 <= part <= 1_000_000:
                raise TermsRefused("a price is a fraction of two whole numbers from 1 to 1,000,000")
        assert isinstance(numerator, int)
        assert isinstance(denominator, int)
        if numerator > 1_000 * denominator:
            raise TermsRefused("a point cannot be worth more than 1,000 minor units")
        return cls(version, valid_from, currency, numerator, denominator)


@dataclass(frozen=True, slots=True)
class CurrencyRate:
    """What purchases in ``currency`` are converted at: ``numerator / denominator`` minor units of ``into`` for each."""

    version: int
    valid_from: date
    currency: str
    into: str
    numerator: int
    denominator: int

    @classmethod
    def of(cls, version: int, valid_from: date, currency: str, terms: Mapping[str, Any]) -> CurrencyRate:
        """Check the fraction, both whole numbers from 1 to 1,000,000,000, and the other currency.

        Raises:
            TermsRefused: something is missing, unknown or out of range.
        """
        if not isinstance(terms, Mapping) or set(terms) != {"into", "numerator", "denominator"}:
            raise TermsRefused("a rate of a currency has into, numerator and denominator")
        into, parts = terms["into"], (terms["numerator"], terms["denominator"])
        if not isinstance(into, str) or not _CURRENCY.fullmatch(into) or into == currency:
            raise TermsRefused("a currency is converted into another one, three capital letters")
        if any(type(part) is not int or not 1 <= part <= 1_000_000_000 for part in parts):
            raise TermsRefused("a rate of a currency is a fraction of two whole numbers from 1 to 1,000,000,000")
        return cls(version, valid_from, currency, into, *parts)


class Dated(Protocol):
    """What has versions that start on a day."""

    @property
    def version(self) -> int:
        """Its number, from 1."""

    @property
    def valid_from(self) -> date:
        """Its first day."""


Version = TypeVar("Version", bound=Dated)


class Timeline(Generic[Version]):
    """Versions of one kind of terms, ordered by the day they start."""

    def __init__(self, versions: Iterable[Version]) -> None:
        self.versions: list[Version] = sorted(versions, key=lambda one: (one.valid_from, one.version))
        self._starts: list[date] = [one.valid_from for one in self.versions]

    def on(self, day: date) -> Version | None:
        """Return the version in force on ``day``, or None before the first."""
        position = bisect_right(self._starts, day)
        return self.versions[position - 1] if position else None
