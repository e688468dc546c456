"""What partners agreed to, by day: rates, prices, and what a contract says; with the arithmetic of the scheme."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, NamedTuple, TypeVar

FIRST_DAY = date(2017, 1, 1)
NEVER = date.max
"""The last day of points that do not end, and the day on which points mature that wait for a confirmation."""
AT_ONCE = date.min
QUALIFYING = "qualifying"
Terms = TypeVar("Terms")
Life = Mapping[str, Any]
"""How long points live: a rule by name, with its numbers."""


class Grant(NamedTuple):
    """Points for each full so many minor units of a sale."""

    points: int
    per_minor: int
    kind: str = "base"
    issuer: str | None = None
    """Who gives them; None for the partner that reports the sale."""
    life: Life | None = None
    """How long they live; None for what the contract says."""
    cap_minor: int | None = None
    """Up to which purchases of a year it gives these points, and half of them, rounded down, above."""
    before: int = 0
    """Of a sale: what its member had bought in the year before it."""

    def of(self, minor: int) -> int:
        below = minor if self.cap_minor is None else max(0, min(minor, self.cap_minor - self.before))
        return self.points * (below // self.per_minor) + self.points // 2 * ((minor - below) // self.per_minor)


@dataclass(frozen=True)
class Contract:
    """What one partner agreed to."""

    life: Life
    by_country: Mapping[str, Life] = field(default_factory=dict)
    """How long points of members live to whom the law of a country applies."""
    pending_days: int | None = 0
    """Days after a sale until its points can be spent; None until the partner confirms it."""
    refunds: str = "within_balance"
    breakage: str = "issuer"

    def life_in(self, country: str | None) -> Life:
        return self.by_country.get(country or "", self.life)

    def matures_on(self, sold_on: date, today: date) -> date:
        """The day from which points of a sale can be spent; what has come by now makes no difference."""
        day = NEVER if self.pending_days is None else sold_on + timedelta(days=self.pending_days)
        return day if day > today else AT_ONCE


@dataclass
class Partner:
    """A partner's terms with the days they start on; of two from the same day the later said counts."""

    contracts: list[tuple[date, Contract]] = field(default_factory=list)
    rates: list[tuple[date, list[Grant]]] = field(default_factory=list)
    prices: list[tuple[date, Fraction]] = field(default_factory=list)
    """Minor units for one point."""


def in_force(said: Sequence[tuple[date, Terms]], day: date) -> Terms:
    """Return what was in force on a day."""
    return [terms for start, terms in sorted(said, key=lambda one: one[0]) if start <= day][-1]


def last_day(life: Life, earned_on: date) -> date:
    """Return the last day of points earned on a day."""
    if life["rule"] == "months_end":
        return month_end(earned_on, life["months"])
    if life["rule"] == "never":
        return NEVER
    return earned_on + timedelta(days=life["days"])


def month_end(day: date, months: int) -> date:
    """The last day of the month so many months on."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, calendar.monthrange(year, month + 1)[1])


def spendable_at(kind: str, partner: str | None) -> bool:
    """Whether points of a kind can be spent at a partner, or at some partner if none is named."""
    named = places(kind)
    return kind != QUALIFYING and (partner is None or not named or partner in named)


def places(kind: str) -> list[str]:
    """The partners to which a kind is restricted; none if it is not."""
    return kind.split("@")[1].split("+") if "@" in kind else []


def shares(value: int, parts: Sequence[int]) -> list[int]:
    """Largest remainder: whole units first, then one more for those that are cut most, the earlier first."""
    exact = [Fraction(value * part, sum(parts)) for part in parts]
    whole = [int(share) for share in exact]
    for place in sorted(range(len(parts)), key=lambda p: (whole[p] - exact[p], p))[: value - sum(whole)]:
        whole[place] += 1
    return whole


def capped(value: int, weights: Sequence[int], caps: Sequence[int]) -> list[int]:
    """Shares by weight of which none is above its cap: whoever would reach it has just that, the others the rest."""
    full = [place for place, weight in enumerate(weights) if value * weight >= caps[place] * sum(weights)]
    if not full or not weights:
        return shares(value, weights)
    others = [place for place in range(len(weights)) if place not in full]
    rest = value - sum(caps[place] for place in full)
    of_others = capped(rest, [weights[place] for place in others], [caps[place] for place in others])
    return [caps[place] if place in full else of_others[others.index(place)] for place in range(len(weights))]
