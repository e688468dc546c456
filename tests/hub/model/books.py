"""The model's books: who has which lots, what is held, owed, settled and said before."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any, NamedTuple

from tests.hub.model.terms import AT_ONCE, QUALIFYING, Contract, Grant, Partner, in_force, places, shares, spendable_at

START = datetime(2017, 2, 9, 12, tzinfo=UTC)
CONFLICT = {"error": "event_conflict"}
COALITION = "coalition"

Outcome = dict[str, Any]
Pool = tuple[str, str]
"""A partner, and its name for a pool."""


class Lot(NamedTuple):
    """What all points of one lot share, in the order in which they are burnt."""

    expires_on: date
    issuer: str
    kind: str = "base"
    matures_on: date = AT_ONCE


class Part(NamedTuple):
    """Points of a lot of a member."""

    member: str
    lot: Lot
    points: int


class Move(NamedTuple):
    """Points put into a lot of a member, or owed by it to an issuer (below zero: taken out, or paid)."""

    member: str
    what: Lot | str
    points: int
    meant: frozenset[str]
    """Whose event it was: whom it named, was for, or followed from."""


class Line(NamedTuple):
    """One obligation: the issuer owes the redeemer, or below zero gets back what it owed for the event ``origin``."""

    reporter: str
    event_id: str
    line: int
    issuer: str
    redeemer: str
    points: int
    minor: int
    on: date
    origin: str = ""


class Told(NamedTuple):
    """What an id was first used for, and what was answered."""

    kind: str
    content: Any
    answer: Outcome


class Where(NamedTuple):
    """Where the points of a grant are, the first place first, and where they waited until they were confirmed."""

    lots: list[Lot]
    before: list[Lot]


@dataclass
class Sold:
    """A sale, with the grants of its day and the lot that each of them went to."""

    member: str
    day: date
    minor: int
    items: list[dict[str, Any]]
    grants: list[Grant]
    lots: list[Lot]
    by_card: bool = False
    confirmed: bool = False
    refunded: int = 0
    returned: list[dict[str, Any]] = field(default_factory=list)
    """The items that are back."""
    part_of: str = ""
    """The purchase of which this stands again after a chargeback."""
    above: int = 0
    """What of that purchase lies below this part."""
    withheld: int = 0
    """Points that had not been found when this part was charged back."""

    @property
    def gives(self) -> bool:
        """Whether it gave any points."""
        return any(self.given(number) for number in range(len(self.grants)))

    @property
    def left(self) -> int:
        """What of it was not refunded."""
        return self.minor - self.refunded

    def given(self, number: int) -> int:
        """What a grant is worth, as far as the sale was not refunded; what is withheld is so from the first on."""
        whole = [grant.of(self.above + self.left) - grant.of(self.above) for grant in self.grants]
        spendable = [points * (grant.kind != QUALIFYING) for points, grant in zip(whole, self.grants, strict=True)]
        return whole[number] - min(spendable[number], max(0, self.withheld - sum(spendable[:number])))


class Back(NamedTuple):
    """What was charged back of one part of a purchase."""

    event_id: str
    """The part."""
    minor: int
    below: int
    """What was left of the part."""
    found: int
    """Points that were taken, or that the member owed from then on."""


@dataclass
class ChargedBack:
    """What a chargeback took back, the newest part of the purchase first, until it stands again."""

    backs: list[Back]
    again: bool = False


@dataclass
class Hold:
    """What is reserved, at which price, until when."""

    member: str
    """Who was named."""
    parts: list[Part]
    price: Fraction
    lapses_at: datetime
    state: str = "open"

    def state_at(self, now: datetime) -> str:
        return "lapsed" if self.state == "open" and self.lapses_at <= now else self.state


@dataclass
class Burnt:
    """What a redemption or a capture took, with what it was worth, and how much of it was reversed."""

    member: str
    """Who was named."""
    account: str
    """Whose account the named member had at that time."""
    parts: list[tuple[Part, int]]
    reversed: int = 0


@dataclass
class Expired:
    """What of a member's ended on one day, with what is owed for each part, and how much of it was given back."""

    member: str
    parts: list[tuple[Lot, int, int]]
    owed: bool
    event_id: str = ""
    """The hub's own name for it."""
    reinstated: int = 0


class Place(NamedTuple):
    """What a member of a pool pays of each redemption, by weight, and whether it may spend."""

    share: int
    may_spend: bool


@dataclass
class Merge:
    """One member became another, and brought what is moved."""

    member: str
    into: str
    brought: list[tuple[Lot | str, int]]
    holds: list[tuple[tuple[str, str], int]]
    """Hold and place of the part in it."""
    since: int
    """How many moves there had been."""
    place: tuple[Pool, Place, bool] | None
    """The member's place in a pool, and whether it was taken by the survivor."""


@dataclass
class Exchange:
    """An exchange between points and a partner's own currency."""

    member: str
    direction: str
    points: int
    answer: Outcome
    state: str = "open"
    came: Lot | None = None
    """The lot that points came into."""
    burnt: list[tuple[Part, int]] = field(default_factory=list)
    """What went out, with what it was worth."""


@dataclass
class Books:
    """All there is."""

    now: datetime = START
    partners: dict[str, Partner] = field(default_factory=dict)
    countries: dict[str, str] = field(default_factory=dict)
    """The law that applies to a member, where one is known."""
    known: set[str] = field(default_factory=set)
    """Members that somebody has named in a report."""
    numbers: dict[str, int] = field(default_factory=dict)
    """By member: the number by which the hub knows it, which decides who comes first in a pool."""
    purses: dict[str, Counter[Lot]] = field(default_factory=lambda: defaultdict(Counter))
    """By member: what is in each lot, held or not."""
    debts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """By member: what it owes to each issuer."""
    active: dict[str, date] = field(default_factory=dict)
    """By member: the last day on which it did anything."""
    earned: dict[str, date] = field(default_factory=dict)
    """By member: the last day on which it earned."""
    bought: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    """By partner, member and year: net purchases, where a rate counts them."""
    merged: dict[str, str] = field(default_factory=dict)
    """By member: into whom it was merged."""
    merges: dict[tuple[str, str], Merge] = field(default_factory=dict)
    moves: list[Move] = field(default_factory=list)
    meant: frozenset[str] = frozenset()
    """Whose event is being told."""
    pools: dict[Pool, dict[str, Place]] = field(default_factory=lambda: defaultdict(dict))
    extended: dict[str, list[tuple[Lot, Lot]]] = field(default_factory=lambda: defaultdict(list))
    """By member: which of its lots became which."""
    extensions: set[tuple[str, str]] = field(default_factory=set)
    """The extensions that a member has had."""
    adjusted: dict[str, Told] = field(default_factory=dict)
    """By id: what the operator adjusted by hand."""
    told: dict[tuple[str, str], Told] = field(default_factory=dict)
    sales: dict[tuple[str, str], Sold] = field(default_factory=dict)
    charged: dict[tuple[str, str], ChargedBack] = field(default_factory=dict)
    holds: dict[tuple[str, str], Hold] = field(default_factory=dict)
    burnt: dict[tuple[str, str], Burnt] = field(default_factory=dict)
    exchanges: dict[tuple[str, str], Exchange] = field(default_factory=dict)
    quotes_taken: set[tuple[str, str]] = field(default_factory=set)
    expiries: list[Expired] = field(default_factory=list)
    reinstated: dict[str, Told] = field(default_factory=dict)
    uncut: list[Line] = field(default_factory=list)
    """What is owed and in no cycle yet."""
    cycles: dict[str, list[Line]] = field(default_factory=dict)
    issued: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    settled: Counter[str] = field(default_factory=Counter)
    expired: dict[str, Counter[Lot]] = field(default_factory=lambda: defaultdict(Counter))
    """By member: what of a lot its issuer kept when it expired, and refunds did not count yet."""
    forgone: dict[str, Counter[Lot]] = field(default_factory=lambda: defaultdict(Counter))
    """The same of what went to the coalition."""

    @property
    def today(self) -> date:
        return self.now.date()

    @property
    def lines(self) -> list[Line]:
        """All that was ever owed."""
        return self.uncut + [line for lines in self.cycles.values() for line in lines]

    def price(self, partner: str) -> Fraction:
        return in_force(self.partners[partner].prices, self.today)

    def contract(self, partner: str, day: date | None = None) -> Contract:
        return in_force(self.partners[partner].contracts, day or self.today)

    # what a member has

    def held(self, member: str) -> Counter[Lot]:
        """What open holds reserve; a hold counts for nothing from the instant on which it lapses."""
        sums: Counter[Lot] = Counter()
        for hold in self.holds.values():
            for part in hold.parts:
                if hold.state_at(self.now) == "open" and part.member == member:
                    sums[part.lot] += part.points
        return sums

    def free(self, member: str) -> Counter[Lot]:
        return self.purses[member] - self.held(member)

    def last_day(self, member: str, lot: Lot) -> date:
        """The lot's own, or later where its issuer counts from the member's last activity."""
        life = self.contract(lot.issuer).life_in(self.country(member))
        days = self.earned if life.get("counts") == "earning" else self.active
        active = [days[one] for one in self.family(member) if one in days]
        if life["rule"] != "inactivity" or not active:
            return lot.expires_on
        return max(lot.expires_on, max(active) + timedelta(days=life["days"]))

    def alive(self, member: str) -> Counter[Lot]:
        free = self.free(member).items()
        return Counter({lot: points for lot, points in free if self.last_day(member, lot) >= self.today})

    def spendable(self, member: str, partner: str | None = None) -> Counter[Lot]:
        """What can be spent today at a partner, or at some partner, if debts are left aside."""
        return Counter(
            {
                lot: points
                for lot, points in self.alive(member).items()
                if lot.matures_on <= self.today and spendable_at(lot.kind, partner)
            }
        )

    # whose points are whose

    def survivor(self, member: str) -> str:
        """Who has what a member had."""
        return self.lineage(member)[-1]

    def lineage(self, member: str) -> list[str]:
        """A member and all into whom it was merged, one into the next."""
        return [member, *(self.lineage(self.merged[member]) if member in self.merged else ())]

    def family(self, member: str) -> list[str]:
        """A member and all that have become it."""
        return [member, *(one for one in self.merged if self.survivor(one) == member)]

    def country(self, member: str) -> str | None:
        """Whose law applies to a member, or to its survivor."""
        return self.countries.get(self.survivor(member))

    def followed(self, members: Iterable[str], lots: list[Lot]) -> list[Lot]:
        """These lots and all that they were extended to while they were these members'."""
        extended, found = [one for member in members for one in self.extended[member]], list(lots)
        for lot in found:
            found += [later for earlier, later in dict.fromkeys(extended) if earlier == lot and later not in found]
        return found

    def pool_of(self, member: str) -> Pool | None:
        """The pool that a member is in."""
        return next((pool for pool, members in self.pools.items() if member in members), None)

    def ended(self, where: str, members: Iterable[str], lot: Lot) -> int:
        """What has expired of a lot, and was not given back under the name of another lot of the kind."""
        sums: Counter[Lot] = Counter()
        for member in members:
            sums.update(getattr(self, where)[member])
        of_kind = sum(points for one, points in sums.items() if (one.issuer, one.kind) == (lot.issuer, lot.kind))
        return max(0, min(of_kind, sums[lot]))

    # how points move

    @contextmanager
    def about(self, *members: str) -> Iterator[None]:
        """Let what moves meanwhile be an event of these members."""
        before, self.meant = self.meant, frozenset(members)
        yield
        self.meant = before

    def put(self, member: str, lot: Lot, points: int) -> None:
        """Put points into a lot of a member, or below zero take them out."""
        self.purses[member][lot] += points
        self.moves.append(Move(member, lot, points, self.meant))

    def charge(self, member: str, issuer: str, points: int) -> None:
        """Let a member owe points to an issuer, or below zero owe them no longer."""
        self.debts[member][issuer] += points
        self.moves.append(Move(member, issuer, points, self.meant))

    def owe(
        self,
        reporter: str,
        event_id: str,
        redeemer: str,
        lots: list[tuple[int, str, int]],
        price: Fraction,
        origin: str = "",
    ) -> Outcome:
        """Let issuers owe for (line, issuer, points): worth their price together, rounded half to even, then split."""
        sizes = [points for *_, points in lots]
        value = round(sum(sizes) * price)
        minors = shares(value, sizes)
        for (number, issuer, points), minor in zip(lots, minors, strict=True):
            self.uncut.append(Line(reporter, event_id, number, issuer, redeemer, points, minor, self.today, origin))
        return {"minor": value, "lots": [(lot[1], lot[2], minor) for lot, minor in zip(lots, minors, strict=True)]}

    def give_back(self, member: str, lot: Lot, points: int) -> int:
        """Let points of a lot go home to their issuer."""
        self.put(member, lot, -points)
        self.issued[lot.issuer] -= points
        return points

    def lend(self, member: str, issuer: str, points: int) -> None:
        """Let a member owe points to their issuer, which has them back by that."""
        self.charge(member, issuer, points)
        self.issued[issuer] -= points

    # doing a thing once

    def first(self, partner: str, event_id: str, kind: str, content: Any) -> Outcome | None:
        """The first answer again, a conflict, or None if the id is new."""
        told = self.told.get((partner, event_id))
        if told is None:
            return None
        same = (told.kind, told.content) == (kind, content)
        return told.answer | {"duplicate": True} if same else CONFLICT

    def tell(self, partner: str, event_id: str, kind: str, content: Any, answer: Outcome) -> Outcome:
        self.told[partner, event_id] = Told(kind, content, answer)
        return answer


def in_order(lots: Counter[Lot]) -> list[tuple[Lot, int]]:
    """What is burnt first: what is restricted to few partners, then what expires first, ties by issuer."""
    return sorted(lots.items(), key=lambda one: (not places(one[0].kind), one[0]))


def take(lots: Counter[Lot], points: int) -> list[tuple[Lot, int]]:
    """Take so many points in burning order, or all there are."""
    return first_of(in_order(lots), points)


def first_of(lots: Iterable[tuple[Lot, int]], points: int) -> list[tuple[Lot, int]]:
    """Take the first points of lots that are in order already."""
    taken: list[tuple[Lot, int]] = []
    for lot, there in lots:
        part = min(there, points - sum(points for _, points in taken))
        if part > 0:
            taken.append((lot, part))
    return taken
