"""Debts: what a member owes since a refund found its points spent is paid by whatever it has next."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from tests.hub.model.books import COALITION, Books, Lot, take
from tests.hub.model.terms import spendable_at


class Payment(NamedTuple):
    """What pays a debt: points of the issuer itself, and of others, which are redeemed with it."""

    issuer: str
    own: list[tuple[Lot, int]]
    foreign: list[tuple[Lot, int]]

    @property
    def points(self) -> int:
        return sum(points for _, points in self.own + self.foreign)


def payments(books: Books, member: str) -> list[Payment]:
    """What a member's points pay of its debts, issuer by issuer, as far as they go."""
    left, found = books.spendable(member), []
    for issuer, owed in sorted((+books.debts[member]).items()):
        payment = Payment(issuer, *reclaimed(left, issuer, owed))
        left -= Counter(dict(payment.own + payment.foreign))
        found += [payment] if payment.points else []
    return found


def reclaimed(lots: Counter[Lot], issuer: str, points: int) -> tuple[list[tuple[Lot, int]], list[tuple[Lot, int]]]:
    """What an issuer gets back: of its own first, then of others, as far as they can be spent with it."""
    usable = Counter({lot: there for lot, there in lots.items() if spendable_at(lot.kind, issuer)})
    own = take(Counter({lot: there for lot, there in usable.items() if lot.issuer == issuer}), points)
    missing = points - sum(part for _, part in own)
    return own, take(Counter({lot: there for lot, there in usable.items() if lot.issuer != issuer}), missing)


def put_right(books: Books, member: str) -> None:
    """Whoever takes points from a member lets it pay its debts first; of one that was merged, its survivor."""
    member = books.survivor(member)
    with books.about(member):
        for issuer, own, foreign in payments(books, member):
            for lot, points in own:
                books.give_back(member, lot, points)
            redeem_with(books, COALITION, "repayment", issuer, member, foreign, after=len(own))
            points = sum(points for _, points in own + foreign)
            books.charge(member, issuer, -points)
            books.issued[issuer] += points


def redeem_with(
    books: Books, reporter: str, event_id: str, issuer: str, member: str, lots: list[tuple[Lot, int]], after: int
) -> None:
    """Let points of others be redeemed with an issuer that wants its own back."""
    for lot, points in lots:
        books.put(member, lot, -points)
    lines = [(after + number, lot.issuer, points) for number, (lot, points) in enumerate(lots, 1)]
    books.owe(reporter, event_id, issuer, lines, books.price(issuer))


def spendable(books: Books, member: str, partner: str | None = None) -> Counter[Lot]:
    """What a member can spend after its debts are paid."""
    lots = books.spendable(member, partner)
    for _, own, foreign in payments(books, member):
        lots -= Counter(dict(own + foreign))
    return lots


def debts(books: Books, member: str) -> Counter[str]:
    """What a member owes after it paid what it can."""
    return books.debts[member] - Counter({payment.issuer: payment.points for payment in payments(books, member)})
