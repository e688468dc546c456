"""Refunds of sales and reversals of redemptions."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.hub.model.books import Books, Burnt, Line, Lot, Outcome, Part, Sold, Where
from tests.hub.model.owing import put_right, reclaimed
from tests.hub.model.selling import no_sale, where_of
from tests.hub.model.terms import QUALIFYING, last_day

WAYS = ("taken", "owed", "borne", "expired")
"""Where points come from that a refund wants back: lots, the member's debt, the issuer; or they had expired."""


def refund(books: Books, partner: str, asked: dict[str, Any]) -> Outcome:
    """Take back what a sale gave for what is returned of it.

    What a card's issuer says of a purchase with it, only that can take back.
    """
    if first := books.first(partner, asked["event_id"], "refund", asked):
        return first
    sold = books.sales.get((partner, asked["refunds"]))
    if sold is None:
        return no_sale(books, partner, asked["refunds"])
    if sold.by_card:
        return {"error": "not_reversible"}
    if fault := _fault(books, sold, asked):
        return {"error": fault}
    minor = _returned(sold, asked)
    sums = take_back(books, partner, asked["refunds"], asked["event_id"], minor)
    sold.returned += asked.get("items", [])
    return books.tell(partner, asked["event_id"], "refund", asked, {"minor": minor, "points": sums.total(), **sums})


def take_back(books: Books, partner: str, sale_id: str, event_id: str, minor: int) -> Counter[str]:
    """Take back so much of a sale, by the rate it had and from where its points are; return how much by which way."""
    sold = books.sales[partner, sale_id]
    put_right(books, books.survivor(sold.member))
    given = [sold.given(number) for number in range(len(sold.grants))]
    sold.refunded += minor
    if any(grant.cap_minor for grant in sold.grants):
        books.bought[partner, books.survivor(sold.member), sold.day.year] -= minor
    wanted = [(number, points - sold.given(number)) for number, points in enumerate(given)]
    taking = _Taking(books, partner, sold)
    with books.about(taking.member, sold.member):
        taking.take([(where_of(books, sold, number), points) for number, points in wanted if points])
    books.owe(partner, event_id, partner, taking.foreign, books.price(partner), f"{partner}/{sale_id}")
    return taking.sums


class _Taking:
    """Takes points back: each grant of a sale its own, then what is missing as the contract of the sale's day says."""

    def __init__(self, books: Books, partner: str, sold: Sold) -> None:
        self.books, self.partner, self.member = books, partner, books.survivor(sold.member)
        self.owners = books.lineage(sold.member)
        self.policy = books.contract(partner, sold.day).refunds
        self.sums: Counter[str] = Counter(dict.fromkeys(WAYS, 0))
        self.foreign: list[tuple[int, str, int]] = []
        """What others owe for, with the number of the movement."""
        self.moves = 0

    def take(self, wanted: list[tuple[Where, int]]) -> None:
        missing = [points - self._own(where, points) for where, points in wanted]
        for (where, _), points in zip(wanted, missing, strict=True):
            if where.lots[0].kind != QUALIFYING:
                self._missing(where.lots[0].issuer, points)

    def _own(self, where: Where, points: int) -> int:
        """What is there of a grant's own, or has expired; of points that are never spent no account is given."""
        found, counts = 0, where.lots[0].kind != QUALIFYING
        for lot in where.lots + [lot for lot in where.before if self._is_over(lot)]:
            part = self._home(lot, min(points - found, self.books.free(self.member)[lot]))
            self.sums["expired" if self._is_over(lot) else "taken"] += part * counts
            found += part
        for lot in (where.lots + where.before) * counts:
            part = self._expired(lot, points - found)
            self.sums["expired"] += part
            found += part
        return found

    def _is_over(self, lot: Lot) -> bool:
        return self.books.last_day(self.member, lot) < self.books.today

    def _home(self, lot: Lot, points: int) -> int:
        self.moves += points > 0
        return self.books.give_back(self.member, lot, points)

    def _expired(self, lot: Lot, points: int) -> int:
        """From breakage back to the issuer; what the coalition got stays there."""
        back = min(points, self.books.ended("expired", self.owners, lot))
        self.moves += back > 0
        self.books.expired[self.member][lot] -= back
        self.books.broken[lot.issuer] -= back
        self.books.issued[lot.issuer] -= back
        counted = min(points - back, self.books.ended("forgone", self.owners, lot))
        self.books.forgone[self.member][lot] -= counted
        return back + counted

    def _missing(self, issuer: str, points: int) -> None:
        others = self._others(issuer, points) if self.policy != "issuer_bears" else 0
        missing = points - others
        if self.policy == "debt" and missing:
            self.moves += 1
            self.books.lend(self.member, issuer, missing)
        self.sums.update({"taken": others, "owed" if self.policy == "debt" else "borne": missing})

    def _others(self, issuer: str, points: int) -> int:
        """Other points of the issuer; then, where it is the shop itself, those of others at its price."""
        own, foreign = reclaimed(self.books.spendable(self.member), issuer, points)
        for lot, there in own:
            self._home(lot, there)
        if issuer != self.partner:
            foreign = []
        for lot, there in foreign:
            self.moves += 1
            self.books.put(self.member, lot, -there)
            self.foreign.append((self.moves, lot.issuer, there))
        return sum(there for _, there in own + foreign)


def _returned(sold: Sold, asked: dict[str, Any]) -> int:
    if "amount" in asked:
        return int(asked["amount"]["minor"])
    if "items" in asked:
        return sum(item["minor"] for item in asked["items"])
    return sold.minor - sold.refunded


def _fault(books: Books, sold: Sold, asked: dict[str, Any]) -> str | None:
    items, minor, left = asked.get("items", []), _returned(sold, asked), sold.minor - sold.refunded
    if datetime.fromisoformat(asked["occurred_at"]) > books.now + timedelta(minutes=5):
        return "occurred_in_future"
    if items and minor != sum(item["minor"] for item in items):
        return "refund_mismatch"
    nothing_left = sold.refunded and not left and not items and "amount" not in asked
    if nothing_left or minor > left or (sold.items and not _were_sold(sold, items)):
        return "exceeds_original"
    return None


def _were_sold(sold: Sold, items: list[dict[str, Any]]) -> bool:
    """Whether no more of an item comes back than was sold, all returns together."""
    for measure in ("quantity", "minor"):
        sums: Counter[str] = Counter()
        for item in sold.items:
            sums[item["sku"]] += item[measure]
        for item in sold.returned + items:
            sums[item["sku"]] -= item[measure]
        if min(sums.values(), default=0) < 0:
            return False
    return True


def reverse(
    books: Books, partner: str, redemption_id: str, points: int | None = None, reversal_id: str | None = None
) -> Outcome:
    """Give back what a redemption took, the last of it first, with what was owed for it."""
    captured = f"{redemption_id}/capture"
    original = captured if (partner, captured) in books.burnt else redemption_id
    burnt = books.burnt.get((partner, original))
    if burnt is None:
        return no_sale(books, partner, redemption_id)
    reversal_id = reversal_id or f"{redemption_id}/reverse"
    told = books.first(partner, reversal_id, "reversal", (redemption_id, points))
    left = sum(part.points for part, _ in burnt.parts) - burnt.reversed
    size = left if points is None else points
    if told is None and not 0 < size <= left:
        return {"error": "exceeds_original"}
    if told is not None and "error" in told:
        return told
    _put_right(books, burnt)
    if told is not None:
        return told
    lots = []
    for number, part, minor in backwards(burnt.parts, burnt.reversed, size):
        member = _owner(books, burnt, part)
        with books.about(burnt.member):
            books.put(member, kept(books, member, part.lot), part.points)
        issuer, origin = part.lot.issuer, f"{partner}/{original}"
        books.uncut.append(
            Line(partner, reversal_id, number, issuer, partner, -part.points, -minor, books.today, origin)
        )
        lots.append((issuer, part.points, minor))
    burnt.reversed += size
    _put_right(books, burnt)
    answer = {"minor": sum(minor for *_, minor in lots), "lots": lots}
    return books.tell(partner, reversal_id, "reversal", (redemption_id, points), answer)


def backwards(parts: list[tuple[Part, int]], before: int, points: int) -> list[tuple[int, Part, int]]:
    """Number, points and minor units of each line that is given back, each in proportion to what is back of it."""
    found, later = [], 0
    for number, (part, minor) in reversed(list(enumerate(parts, 1))):
        start, end = (max(0, min(part.points, back - later)) for back in (before, before + points))
        if end > start:
            of_all = [round(Fraction(minor * back, part.points)) for back in (start, end)]
            found.append((number, part._replace(points=end - start), of_all[1] - of_all[0]))
        later += part.points
    return found


def _owner(books: Books, burnt: Burnt, part: Part) -> str:
    """Who gets a part back: who had paid it; what the named member paid while it was merged is its own still."""
    return books.survivor(burnt.member if part.member == burnt.account else part.member)


def kept(books: Books, member: str, lot: Lot) -> Lot:
    """The lot itself; where its day is over, a new one."""
    return lot if books.last_day(member, lot) >= books.today else renewed(books, member, lot)


def renewed(books: Books, member: str, lot: Lot) -> Lot:
    """A lot with the life that its issuer's contract gives today."""
    life = books.contract(lot.issuer).life_in(books.country(member))
    return lot._replace(expires_on=last_day(life, books.today))


def _put_right(books: Books, burnt: Burnt) -> None:
    for member in {_owner(books, burnt, part) for part, _ in burnt.parts}:
        put_right(books, member)
