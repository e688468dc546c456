"""A member's account in the local hub: lots, what holds reserve of them, and what is owed."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from partner_sdk.testing.terms import AT_ONCE


class LotKey(NamedTuple):
    """What the points of a lot share; the order of the fields is the order in which lots are spent."""

    expires_on: date
    issuer: str
    matures_on: date = AT_ONCE


class Lot(NamedTuple):
    """Points of one lot of a member."""

    key: LotKey
    points: int
    owner: "Account"


@dataclass(slots=True)
class Hold:
    """What is reserved, at which worth, until when, and how that ended."""

    lots: list[Lot]
    minors: list[int]
    lapses_at: datetime
    state: str = "open"

    def state_at(self, now: datetime) -> str:
        """What is open has lapsed from its instant on."""
        return "lapsed" if self.state == "open" and self.lapses_at <= now else self.state


@dataclass(slots=True, eq=False)
class Account:
    """One member, by all of its identifiers."""

    lots: Counter[LotKey] = field(default_factory=Counter)
    holds: list[Hold] = field(default_factory=list)
    debts: Counter[str] = field(default_factory=Counter)
    charity: bool = False

    def held(self, now: datetime) -> Counter[LotKey]:
        """The points of each lot that open holds reserve."""
        reserved: Counter[LotKey] = Counter()
        for hold in self.holds:
            if hold.state_at(now) == "open":
                for lot in hold.lots:
                    if lot.owner is self:
                        reserved[lot.key] += lot.points
        return reserved

    def free(self, now: datetime) -> list[Lot]:
        """What is not reserved, in the order in which it is spent; also what is pending or has expired."""
        left = self.lots - self.held(now)
        return [Lot(key, left[key], self) for key in sorted(left)]

    def spendable(self, now: datetime) -> list[Lot]:
        """What can be spent now."""
        day = now.date()
        return [lot for lot in self.free(now) if lot.key.matures_on <= day <= lot.key.expires_on]

    def pending(self, now: datetime) -> list[Lot]:
        """What can be spent later."""
        day = now.date()
        return [lot for lot in self.free(now) if lot.key.matures_on > day <= lot.key.expires_on]

    def settle(self, now: datetime) -> None:
        """Let what can be spent pay what is owed, each issuer's own points first."""
        for issuer, owed in sorted(self.debts.items()):
            paid = first_of(own_first(self.spendable(now), issuer), owed)
            burn(paid)
            self.debts[issuer] -= points_of(paid)
        self.debts = +self.debts


def burn(lots: Iterable[Lot]) -> None:
    """Take points out of their owners' lots."""
    for lot in lots:
        lot.owner.lots[lot.key] -= lot.points
        lot.owner.lots = +lot.owner.lots


def points_of(lots: Iterable[Lot]) -> int:
    """The points of all lots together."""
    return sum(lot.points for lot in lots)


def first_of(lots: Iterable[Lot], points: int) -> list[Lot]:
    """The first lots, up to so many points of them."""
    taken: list[Lot] = []
    for lot in lots:
        part = min(lot.points, points)
        points -= part
        if part:
            taken.append(lot._replace(points=part))
    return taken


def own_first(lots: Iterable[Lot], issuer: str) -> list[Lot]:
    """Lots in the order in which an issuer takes them back."""
    return sorted(lots, key=lambda lot: (lot.key.issuer != issuer, lot.key))
