"""Redemptions and holds: points are burnt at a price, now or when the partner captures them."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

from tests.hub.model.books import Books, Burnt, Hold, Outcome, Part, first_of, take
from tests.hub.model.owing import put_right
from tests.hub.model.terms import capped, shares


def redeem(
    books: Books,
    partner: str,
    redemption_id: str,
    member: str,
    points: int,
    hold: int | None = None,
    pool: bool | None = None,
) -> Outcome:
    """Burn points, or hold them for so many seconds; too few are a refusal that is remembered."""
    content = (member, points, hold, pool)
    if member not in books.known:
        return {"error": "unknown_member"}
    payers = _payers(books, member, bool(pool))
    for payer in payers:
        put_right(books, payer)
    if first := books.first(partner, redemption_id, "redemption", content):
        return first
    if not payers:
        return {"error": "not_in_pool"}
    if any(+books.debts[payer] for payer in payers):
        return {"error": "member_in_debt"}
    answer = _decide(books, partner, redemption_id, member, payers, points, hold)
    return books.tell(partner, redemption_id, "redemption", content, answer)


def _payers(books: Books, member: str, pooled: bool) -> dict[str, int]:
    """Who pays in which share: the member alone, or all of the pool that it may spend from."""
    account = books.survivor(member)
    if not pooled:
        return {account: 1}
    pool = books.pool_of(account)
    if pool is None or not books.pools[pool][account].may_spend:
        return {}
    return {one: books.pools[pool][one].share for one in sorted(books.pools[pool], key=lambda one: books.numbers[one])}


def _decide(
    books: Books,
    partner: str,
    redemption_id: str,
    member: str,
    payers: dict[str, int],
    points: int,
    hold: int | None,
) -> Outcome:
    price, spendable = books.price(partner), [books.spendable(payer, partner) for payer in payers]
    caps = [lots.total() for lots in spendable]
    if sum(caps) < points:
        return {"error": "insufficient_points"}
    parts = [
        Part(payer, *taken)
        for payer, lots, share in zip(payers, spendable, capped(points, list(payers.values()), caps), strict=True)
        for taken in take(lots, share)
    ]
    if hold is None:
        return burn(books, partner, redemption_id, member, parts, price)
    lapses_at = books.now + timedelta(seconds=hold)
    books.holds[partner, redemption_id] = Hold(member, parts, price, lapses_at)
    return valued(parts, price) | {"held_until": lapses_at}


def burn(books: Books, partner: str, event_id: str, member: str, parts: list[Part], price: Fraction) -> Outcome:
    """Take parts of lots and let those who issued them owe for them."""
    with books.about(member):
        for part in parts:
            books.put(part.member, part.lot, -part.points)
            books.active[part.member] = books.today
    lines = [(number, part.lot.issuer, part.points) for number, part in enumerate(parts, 1)]
    answer = books.owe(partner, event_id, partner, lines, price)
    minors = [minor for *_, minor in answer["lots"]]
    books.burnt[partner, event_id] = Burnt(member, books.survivor(member), list(zip(parts, minors, strict=True)))
    return answer


def valued(parts: list[Part], price: Fraction) -> Outcome:
    """What parts of lots would be worth."""
    value = round(sum(part.points for part in parts) * price)
    minors = shares(value, [part.points for part in parts])
    return {
        "minor": value,
        "lots": [(part.lot.issuer, part.points, minor) for part, minor in zip(parts, minors, strict=True)],
    }


def capture(books: Books, partner: str, redemption_id: str, points: int | None) -> Outcome:
    """Burn what is held or the first of it, at the price of the hold; the rest is free again."""
    hold, captured = books.holds.get((partner, redemption_id)), f"{redemption_id}/capture"
    if hold is None or (partner, redemption_id) in books.exchanges:
        return {"error": "unknown_event"}
    whole = sum(part.points for part in hold.parts)
    points = whole if points is None else points
    told = books.first(partner, captured, "capture", points)
    if refusal := _refusal(books, hold, told, points > whole):
        return refusal
    put_right_all(books, hold)
    if told is not None:
        return told
    hold.state = "captured"
    answer = burn(books, partner, captured, hold.member, _parts_of(hold.parts, points), hold.price)
    put_right_all(books, hold)
    return books.tell(partner, captured, "capture", points, answer | {"released": whole - points})


def void(books: Books, partner: str, redemption_id: str) -> Outcome:
    """Free what is held."""
    hold, voided = books.holds.get((partner, redemption_id)), f"{redemption_id}/void"
    if hold is None or (partner, redemption_id) in books.exchanges:
        return {"error": "unknown_event"}
    told = books.first(partner, voided, "void", None)
    if refusal := _refusal(books, hold, told, exceeds=False):
        return refusal
    put_right_all(books, hold)
    if told is not None:
        return told
    hold.state = "voided"
    put_right_all(books, hold)
    return books.tell(partner, voided, "void", None, {"points": sum(part.points for part in hold.parts)})


def _refusal(books: Books, hold: Hold, told: Outcome | None, exceeds: bool) -> Outcome | None:
    if told is not None:
        return told if "error" in told else None
    if hold.state_at(books.now) != "open":
        return {"error": "hold_closed"}
    return {"error": "exceeds_original"} if exceeds else None


def put_right_all(books: Books, hold: Hold) -> None:
    for member in {books.survivor(hold.member), *(part.member for part in hold.parts)}:
        put_right(books, member)


def _parts_of(parts: list[Part], points: int) -> list[Part]:
    """So many points of what is held: of each payer's in proportion, the first of them."""
    payers = list(dict.fromkeys(part.member for part in parts))
    of_payer = [[(part.lot, part.points) for part in parts if part.member == payer] for payer in payers]
    sums = [sum(there for _, there in lots) for lots in of_payer]
    return [
        Part(payer, *taken)
        for payer, lots, share in zip(payers, of_payer, capped(points, sums, sums), strict=True)
        for taken in first_of(lots, share)
    ]
