"""What members give to each other, and what the operator adjusts: points change hands."""

from __future__ import annotations

from collections import Counter

from tests.hub.model import owing
from tests.hub.model.books import Books, Lot, Outcome, Told, take
from tests.hub.model.owing import put_right
from tests.hub.model.terms import QUALIFYING, last_day


def give(books: Books, partner: str, transfer_id: str, member: str, to: str, points: int) -> Outcome:
    """Move points from one member to another; each keeps its lot. A refusal leaves everything as it was."""
    content = (member, to, points)
    if not {member, to} <= books.known:
        return {"error": "unknown_member"}
    giver, taker = books.survivor(member), books.survivor(to)
    told = books.first(partner, transfer_id, "transfer", content)
    refusal = told if told is not None and "error" in told else None
    if told is None:
        refusal = _refusal(books, giver, taker, points)
    if refusal:
        return refusal
    put_right(books, giver)
    put_right(books, taker)
    if told is not None:
        return told
    taken = take(books.spendable(giver), points)
    with books.about(member, to):
        for lot, part in taken:
            books.put(giver, lot, -part)
            books.put(taker, lot, part)
    books.active[giver] = books.active[taker] = books.today
    put_right(books, taker)
    lots = [(lot.issuer, lot.kind, part, str(lot.expires_on)) for lot, part in taken]
    return books.tell(partner, transfer_id, "transfer", content, {"points": points, "lots": lots})


def _refusal(books: Books, giver: str, taker: str, points: int) -> Outcome | None:
    if giver == taker:
        return {"error": "same_member"}
    if +owing.debts(books, giver):
        return {"error": "member_in_debt"}
    return {"error": "insufficient_points"} if owing.spendable(books, giver).total() < points else None


def adjust(books: Books, adjustment_id: str, member: str, issuer: str, points: int) -> Outcome:
    """Give points of an issuer, or take away what is free of them, pending or not."""
    content = (member, issuer, points)
    if member not in books.known:
        return {"error": "unknown_member"}
    account = books.survivor(member)
    told = books.adjusted.get(adjustment_id)
    if told is not None and told.content != content:
        return {"error": "event_conflict"}
    taken = [] if points > 0 else take(_free(books, account, issuer), -points)
    if told is None and points < 0 and sum(part for _, part in taken) < -points:
        return {"error": "insufficient_points"}
    put_right(books, account)
    if told is not None:
        return told.answer | {"duplicate": True}
    lots = taken if points < 0 else [(_given(books, account, issuer), points)]
    for lot, part in lots:
        with books.about(account):
            books.put(account, lot, part if points > 0 else -part)
        books.issued[issuer] += part if points > 0 else -part
    put_right(books, account)
    answer: Outcome = {"lots": [(lot.kind, part, str(lot.expires_on)) for lot, part in lots]}
    books.adjusted[adjustment_id] = Told("adjustment", content, answer)
    return answer


def _given(books: Books, member: str, issuer: str) -> Lot:
    return Lot(last_day(books.contract(issuer).life_in(books.country(member)), books.today), issuer)


def _free(books: Books, member: str, issuer: str) -> Counter[Lot]:
    """What is left of an issuer's own that can be spent some day, once debts are paid."""
    pending = {lot: there for lot, there in books.alive(member).items() if lot.matures_on > books.today}
    left = owing.spendable(books, member)
    left.update(pending)
    return Counter({lot: there for lot, there in left.items() if lot.issuer == issuer and lot.kind != QUALIFYING})
