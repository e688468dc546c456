"""What the operator does for points' lives: lots end later, and what has expired is given back."""

from __future__ import annotations

from datetime import date

from tests.hub.model.books import COALITION, Books, Line, Lot, Outcome, Part, Told
from tests.hub.model.owing import put_right
from tests.hub.model.returning import backwards, renewed
from tests.hub.model.terms import AT_ONCE, NEVER, QUALIFYING


def extend(
    books: Books, extension_id: str, issuer: str, first: date, last: date, until: date, country: str | None
) -> Outcome:
    """Let an issuer's lots that end from the first day to the last end later, of all or of one country's members."""
    if not first <= last < until:
        return {"error": "not_allowed"}
    seen = [
        member
        for member, purse in books.purses.items()
        if any(points and lot.issuer == issuer and first <= lot.expires_on <= last for lot, points in purse.items())
        and (country is None or books.countries.get(member) == country)
    ]
    done = [_extend(books, extension_id, member, issuer, first, last, until) for member in seen]
    points = [one for one in done if one is not None]
    return {"members": len(points), "points": sum(points)}


def _extend(
    books: Books, extension_id: str, member: str, issuer: str, first: date, last: date, until: date
) -> int | None:
    put_right(books, member)
    due = [
        (lot, points)
        for lot, points in sorted((+books.purses[member]).items())
        if lot.issuer == issuer and first <= lot.expires_on <= last and books.last_day(member, lot) >= books.today
    ]
    if not due or (extension_id, member) in books.extensions:
        return None
    books.extensions.add((extension_id, member))
    for lot, points in due:
        later = lot._replace(expires_on=until)
        with books.about(member):
            books.put(member, lot, -points)
            books.put(member, later, points)
        books.extended[member].append((lot, later))
        _follow(books, member, lot, later)
    return sum(points for lot, points in due if lot.kind != QUALIFYING)


def _follow(books: Books, member: str, lot: Lot, later: Lot) -> None:
    for hold in books.holds.values():
        if hold.state_at(books.now) == "open":
            hold.parts = [
                part._replace(lot=later) if (part.member, part.lot) == (member, lot) else part for part in hold.parts
            ]


def reinstate(books: Books, reinstatement_id: str, place: int, points: int | None) -> Outcome:
    """Give back what has expired, or the last of it, with a new life."""
    expiry, told = books.expiries[place], books.reinstated.get(reinstatement_id)
    if told is not None and told.content != (place, points):
        return {"error": "event_conflict"}
    member = books.survivor(expiry.member)
    parts = [(Part(expiry.member, lot, there), minor) for lot, there, minor in expiry.parts if lot.kind != QUALIFYING]
    left = sum(part.points for part, _ in parts) - expiry.reinstated
    size = left if points is None else points
    if told is None and not 0 < size <= left:
        return {"error": "exceeds_original"}
    put_right(books, member)
    if told is not None:
        return told.answer | {"duplicate": True}
    answer: Outcome = {"lots": []}
    numbers = [number for number, (lot, *_) in enumerate(expiry.parts, 1) if lot.kind != QUALIFYING]
    for number, part, minor in backwards(parts, expiry.reinstated, size):
        waited = part.lot.matures_on == NEVER
        lot = renewed(books, member, part.lot._replace(matures_on=AT_ONCE) if waited else part.lot)
        with books.about(member, expiry.member):
            books.put(member, lot, part.points)
        _undo(books, reinstatement_id, expiry.owed, numbers[number - 1], member, lot, part.points, minor)
        answer["lots"].append((lot.issuer, lot.kind, part.points, str(lot.expires_on)))
    answer["lots"].reverse()
    expiry.reinstated += size
    put_right(books, member)
    books.reinstated[reinstatement_id] = Told("reinstatement", (place, points), answer)
    return answer


def _undo(
    books: Books, reinstatement_id: str, owed: bool, number: int, member: str, lot: Lot, points: int, minor: int
) -> None:
    """Take points out of breakage, or let their issuer owe for them no longer."""
    if not owed:
        books.broken[lot.issuer] -= points
        books.expired[member][lot] -= points
        return
    books.forgone[member][lot] -= points
    books.uncut.append(
        Line(
            COALITION, reinstatement_id, number, lot.issuer, COALITION, -points, -minor, books.today, "coalition/expiry"
        )
    )
