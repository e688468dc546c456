"""Dated terms: which contract and which rate of a partner were in force on a day.

Versions are only ever added. The one in force on a day is the latest ``valid_from`` not after it; of two with
the same day, the higher version. What was posted keeps the version it was posted with.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Generic, TypeVar

from hub.core.errors import TermsRefused
from hub.core.rules import Rule, compile_rules


@dataclass(frozen=True, slots=True)
class Contract:
    """What a partner agreed to: how long its points live, and whether its reports may enrol members."""

    version: int
    valid_from: date
    life_months: int
    enrols_unknown: bool


@dataclass(frozen=True, slots=True)
class EarningRate:
    """What a sale earns, from ``valid_from`` on."""

    version: int
    valid_from: date
    currency: str
    terms: list[dict[str, Any]]
    points: Rule = field(compare=False)

    @classmethod
    def of(cls, version: int, valid_from: date, currency: str, terms: list[dict[str, Any]]) -> EarningRate:
        """Compile ``terms`` once for the life of this version."""
        return cls(version, valid_from, currency, terms, compile_rules(terms))


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


Version = TypeVar("Version", Contract, EarningRate, ReimbursementPrice)


class Timeline(Generic[Version]):
    """Versions of one kind of terms, ordered by the day they start."""

    def __init__(self, versions: Iterable[Version]) -> None:
        self.versions: list[Version] = sorted(versions, key=lambda one: (one.valid_from, one.version))
        self._starts: list[date] = [one.valid_from for one in self.versions]

    def on(self, day: date) -> Version | None:
        """Return the version in force on ``day``, or None before the first."""
        position = bisect_right(self._starts, day)
        return self.versions[position - 1] if position else None
