"""Members' points and the lines that follow from them, in plain dictionaries: what the hub should come to.

It knows the plan and nothing of the hub. Each command is told what a partner asked and answers what the hub should
say; lines are kept in the order in which they were made, which is the order of commits.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from tests.settlement.year.arithmetic import between, half_up, month_end, shared_out
from tests.settlement.year.plan import Business, Plan

FUND, COALITION, OPERATOR = "@fund", "coalition", "@operator"
FUND_LINES = 65_536
Key = tuple[str, str, int]
"""Partner, event and number of a line."""
Lot = tuple[date, str, str]
"""Last day, issuer, kind: what is burnt first comes first."""


class Line(NamedTuple):
    """`issuer` owes `redeemer`; `correction` tells whether it goes back to an earlier event."""

    partner: str
    event: str
    number: int
    issuer: str
    redeemer: str
    points: int
    minor: int
    currency: str
    price: Fraction
    day: date
    kind: str = "reimbursement"
    points_of: str = ""
    correction: bool = False


class Sale(NamedTuple):
    """What is left to be refunded of a sale, where its points went, and the lines by which they were paid for."""

    partner: str
    event: str
    member: str
    minor: int
    sold_on: date
    lots: tuple[tuple[Lot, int], ...]
    paid: tuple[Line, ...]


class Redemption(NamedTuple):
    """What was burnt, lot by lot, with the lines that were owed for it by the number of the lot."""

    partner: str
    event: str
    member: str
    lots: tuple[tuple[Lot, int], ...]
    owed: dict[int, list[Line]]


class LedgerModel:
    """All members' points and all lines so far."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.wallets: defaultdict[str, Counter[Lot]] = defaultdict(Counter)
        self.lines: list[Line] = []
        self.sales: dict[str, Sale] = {}
        self.redemptions: dict[str, Redemption] = {}
        self._refunded: Counter[str] = Counter()
        self._back: Counter[tuple[str, int]] = Counter()
        self._disputed: dict[Key, Line] = {}
        self._moved: Counter[Key] = Counter()
        self._corrected: Counter[Key] = Counter()
        self._moved_back: Counter[Key] = Counter()
        self.given_back = 0
        """How often corrections and disputes of a line were too much together."""

    def business(self, name: str) -> Business:
        """A partner of the plan."""
        return self.plan.businesses[name]

    def balance(self, member: str) -> int:
        """All points of a member; none is ever held or pending here."""
        return self.wallets[member].total()

    def sale_lines(self, partner: str, event: str, minor: int, day: date) -> list[Line]:
        """What a sale makes its partner owe the fund."""
        business = self.business(partner)
        terms = business.terms(day)
        if not terms.issue_share:
            return []
        found = []
        for number, (kind, points) in enumerate(business.points(minor), 1):
            price = terms.issue_price(kind) * terms.issue_share if points else Fraction(0)
            line = Line(partner, event, number + FUND_LINES, partner, FUND, points, round(points * price),
                        business.currency, price, day, "issue")  # fmt: skip
            found += [line] if points else []
        return found

    def earn(self, partner: str, event: str, member: str, minor: int, sold_on: date, day: date) -> None:
        """A sale of `sold_on` is posted on `day`."""
        business, lots = self.business(partner), []
        for kind, points in business.points(minor):
            lot = (month_end(sold_on, business.life_months), partner, kind)
            self.wallets[member][lot] += points
            lots.append((lot, points))
        paid = self.sale_lines(partner, event, minor, day)
        self.lines += paid
        self.sales[event] = Sale(partner, event, member, minor, sold_on, tuple(lots), tuple(paid))

    def burnt(self, member: str, points: int) -> list[tuple[Lot, int]]:
        """Which lots pay; nothing where there are too few."""
        taken, missing = [], points
        for lot, there in sorted(self.wallets[member].items()):
            part = min(there, missing)
            taken += [(lot, part)] if part > 0 else []
            missing -= part
        return [] if missing else taken

    def redemption_lines(self, partner: str, event: str, lots: Sequence[tuple[Lot, int]], day: date) -> list[Line]:
        """What is owed when these lots are burnt at a partner."""
        business = self.business(partner)
        price = business.terms(day).price
        value = round(sum(points for _, points in lots) * price)
        parts = shared_out(value, [points for _, points in lots])
        wholes = [
            Line(partner, event, number, lot[1], partner, points, minor, business.currency, price, day)
            for number, ((lot, points), minor) in enumerate(zip(lots, parts, strict=True), 1)
        ]
        return [line for whole in wholes for line in self._parted(whole)]

    def redeem(self, partner: str, event: str, member: str, lots: Sequence[tuple[Lot, int]], day: date) -> None:
        """Burn lots at a partner."""
        lines = self.redemption_lines(partner, event, lots, day)
        owed: defaultdict[int, list[Line]] = defaultdict(list)
        for line in lines:
            owed[line.number % FUND_LINES].append(line)
        self._take(member, lots)
        self.lines += lines
        self.redemptions[event] = Redemption(partner, event, member, tuple(lots), dict(owed))

    def reverse(self, redemption: str, event: str, points: int, day: date) -> None:
        """Give back so many points of a redemption, those that were taken last first."""
        one, missing = self.redemptions[redemption], points
        for number, (lot, taken) in reversed(list(enumerate(one.lots, 1))):
            start = self._back[redemption, number]
            part = min(taken - start, missing)
            if part <= 0:
                continue
            self._back[redemption, number] += part
            missing -= part
            kept = lot if lot[0] >= day else (month_end(day, self.business(lot[1]).life_months), *lot[1:])
            self.wallets[one.member][kept] += part
            for line in one.owed[number]:
                self._undo(line, event, taken, start, part, day)

    def left_to_reverse(self, redemption: str) -> int:
        """Points of a redemption that no reversal gave back."""
        lots = self.redemptions[redemption].lots
        return sum(points - self._back[redemption, number] for number, (_, points) in enumerate(lots, 1))

    def left_to_refund(self, sale: str) -> int:
        """Minor units of a sale that no refund gave back."""
        return self.sales[sale].minor - self._refunded[sale]

    def wanted(self, sale: str, minor: int) -> list[tuple[Lot, int]]:
        """What a refund wants back of each lot."""
        one, left = self.sales[sale], self.left_to_refund(sale)
        business = self.business(one.partner)
        then, now = business.points(left), business.points(left - minor)
        return [(lot, more - less) for (lot, _), (_, more), (_, less) in zip(one.lots, then, now, strict=True)]

    def is_there(self, sale: str, minor: int, day: date) -> bool:
        """Whether all that a refund wants back is still in its lots, or its issuer bears what is not."""
        one, wanted = self.sales[sale], self.wanted(sale, minor)
        if any(lot[0] < day for lot, _ in wanted):
            return False
        bears = self.business(one.partner).refunds == "issuer_bears"
        return bears or all(self.wallets[one.member][lot] >= points for lot, points in wanted)

    def refund(self, sale: str, event: str, minor: int, day: date) -> int:
        """Take back what a refund wants, as far as it is there; return the points taken.

        What was paid for them comes back from the sale's last line first, whatever the kind of the points.
        """
        one = self.sales[sale]
        found = [(lot, min(points, self.wallets[one.member][lot])) for lot, points in self.wanted(sale, minor)]
        self._refunded[sale] += minor
        self._take(one.member, found)
        missing = sum(points for _, points in found)
        for line in reversed(one.paid):
            start = self._back[sale, line.number]
            part = min(line.points - start, missing)
            self._back[sale, line.number] += part
            missing -= part
            if part:
                self._undo(line, event, line.points, start, part, day)
        return sum(points for _, points in found)

    def expire(self, day: date) -> int:
        """End what ends on a day, and say who owes for it; return the points."""
        total = 0
        for member, wallet in sorted(self.wallets.items()):
            due = sorted((lot, points) for lot, points in wallet.items() if lot[0] <= day and points)
            self._take(member, due)
            total += sum(points for _, points in due)
            for issuer in sorted({lot[1] for lot, _ in due}):
                own = [(lot, points) for lot, points in due if lot[1] == issuer]
                self.lines += self._expired(issuer, f"expiry-{day}-{member}", own, day)
        return total

    def adjust(self, line: Line, partner: str, minor: int, event: str, day: date) -> None:
        """A dispute of a partner about a line is won for so much.

        What corrections took back of the line before is not given back a second time.
        """
        sign = -1 if partner == line.issuer else 1
        self.lines.append(
            line._replace(
                partner=OPERATOR, event=event, points=0, minor=sign * minor, day=day, kind="adjustment", correction=True
            )
        )

        self._disputed[line[:3]] = line
        self._moved[line[:3]] += sign * minor
        self._level(line[:3], day)

    def _level(self, key: Key, day: date) -> None:
        """Move the other way what corrections and disputes of a line give back together beyond what it came to."""
        if key not in self._disputed:
            return
        line, moved = self._disputed[key], self._moved[key]
        over = max(0, abs(moved) + self._corrected[key] - line.minor) * (-1 if moved > 0 else 1)
        more = (over if moved else 0) - self._moved_back[key]
        self._moved_back[key] += more
        self.given_back += bool(more)
        self.lines += [line._replace(partner=OPERATOR, event="given back", points=0, minor=more, day=day,
                                     kind="adjustment", correction=True)] if more else []  # fmt: skip

    def _expired(self, issuer: str, event: str, lots: Sequence[tuple[Lot, int]], day: date) -> list[Line]:
        business = self.business(issuer)
        terms, to_coalition = business.terms(day), business.breakage == COALITION
        owner = COALITION if to_coalition else issuer
        if not terms.issue_share:
            return self._owed_to_coalition(business, event, lots, day) if to_coalition else []
        found = []
        for number, (lot, points) in enumerate(lots, 1):
            price = terms.issue_price(lot[2])
            whole = Line(COALITION, event, number, issuer, owner, points, round(points * price), business.currency,
                         price, day, "breakage")  # fmt: skip
            found += self._parted(whole)
        return found

    def _owed_to_coalition(
        self, business: Business, event: str, lots: Sequence[tuple[Lot, int]], day: date
    ) -> list[Line]:
        price = business.terms(day).price
        parts = shared_out(round(sum(points for _, points in lots) * price), [points for _, points in lots])
        return [
            Line(COALITION, event, number, business.name, COALITION, points, minor, business.currency, price, day)
            for number, ((_, points), minor) in enumerate(zip(lots, parts, strict=True), 1)
        ]

    def _parted(self, whole: Line) -> list[Line]:
        """What fund and issuer owe together."""
        share = self.business(whole.issuer).terms(whole.day).issue_share
        if not share:
            return [whole]
        minor = half_up(whole.minor * share)
        fund = whole._replace(
            number=whole.number + FUND_LINES, issuer=FUND, minor=minor, points_of=whole.issuer
        )  # fmt: skip
        if share == 1 or (whole.redeemer == whole.issuer and whole.kind == "breakage"):
            return [fund]
        rest = whole._replace(minor=whole.minor - minor)
        return [rest, fund._replace(points=0)] if minor else [rest]

    def _undo(self, line: Line, event: str, points: int, start: int, part: int, day: date) -> None:
        """Take back the part of a line that belongs to so many of its points."""
        minor = between(line.minor, points, start, start + part)
        back = line._replace(event=event, points=-part if line.points else 0, minor=-minor, day=day, correction=True)
        self.lines += [back] if back.points or back.minor else []
        self._corrected[line[:3]] += minor
        self._level(line[:3], day)

    def _take(self, member: str, lots: Iterable[tuple[Lot, int]]) -> None:
        self.wallets[member].subtract(dict(lots))
        self.wallets[member] = +self.wallets[member]
