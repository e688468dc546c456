"""The end of a day, when points expire, and the close of a cycle, when they are settled."""

from __future__ import annotations

from itertools import groupby

from tests.hub.model.books import COALITION, Books, Expired, Lot
from tests.hub.model.owing import put_right
from tests.hub.model.terms import QUALIFYING


def end_day(books: Books) -> int:
    """Expire what ends today or before and is not held; return the points that could have been spent."""
    return sum(
        _end_day_of(books, member)
        for member, purse in books.purses.items()
        if any(points and lot.expires_on <= books.today for lot, points in purse.items())
    )


def _end_day_of(books: Books, member: str) -> int:
    put_right(books, member)
    due = [one for one in books.free(member).items() if books.last_day(member, one[0]) <= books.today]
    with books.about(member):
        for lot, points in due:
            books.put(member, lot, -points)
    kept = sorted((lot, points, 0) for lot, points in due if not _is_coalitions(books, lot))
    for lot, points, _ in kept:
        books.broken[lot.issuer] += points
        books.expired[member][lot] += points
    books.expiries += [Expired(member, kept, owed=False)] if kept else []
    others = sorted((one for one in due if _is_coalitions(books, one[0])), key=lambda one: (one[0].issuer, one[0]))
    for issuer, lots in groupby(others, key=lambda one: one[0].issuer):
        lines = list(lots)
        books.forgone[member].update(dict(lines))
        owed = [(number, issuer, points) for number, (_, points) in enumerate(lines, 1)]
        lots_owed = books.owe(COALITION, "expiry", COALITION, owed, books.price(issuer))["lots"]
        parts = [(*line, minor) for line, (*_, minor) in zip(lines, lots_owed, strict=True)]
        books.expiries.append(Expired(member, parts, owed=True))
    return sum(points for lot, points in due if lot.kind != QUALIFYING)


def _is_coalitions(books: Books, lot: Lot) -> bool:
    """Whether the issuer owes the coalition for what expires."""
    return books.contract(lot.issuer).breakage == "coalition" and lot.kind != QUALIFYING


def close(books: Books, cycle: str) -> bool:
    """Put every obligation up to the month's end that is in no cycle yet into this one; False if it is too late."""
    if books.cycles and cycle <= max(books.cycles):
        return False
    books.cycles[cycle] = [line for line in books.uncut if f"{line.on:%Y-%m}" <= cycle]
    books.uncut = [line for line in books.uncut if f"{line.on:%Y-%m}" > cycle]
    for line in books.cycles[cycle]:
        books.settled[line.issuer] += line.points
    return True
