"""Accounts become one and part again, and several members put their points into a pool."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tests.hub.model.books import Books, Lot, Merge, Outcome, Place, Pool
from tests.hub.model.owing import put_right
from tests.hub.model.terms import QUALIFYING


def merge(books: Books, partner: str, event_id: str, member: str, into: str) -> Outcome:
    """Let one member be another from now on, with all it has, owes and holds."""
    content = (member, into)
    if not {member, into} <= books.known:
        return {"error": "unknown_member"}
    survivor = books.survivor(into)
    told = books.first(partner, event_id, "merge", content)
    if told is not None and "error" in told:
        return told
    if told is None and member in books.merged:
        return {"error": "already_merged"}
    if told is None and member == survivor:
        return {"error": "same_member"}
    put_right(books, member)
    put_right(books, into)
    if told is not None:
        return told
    brought: list[tuple[Lot | str, int]] = [*sorted((+books.purses[member]).items())]
    brought += sorted((+books.debts[member]).items())
    place, holds = _leave_pool(books, member, survivor), _move_holds(books, member, survivor)
    books.merges[partner, event_id] = Merge(member, survivor, brought, holds, len(books.moves), place)
    books.merged[member] = survivor
    _move(books, member, survivor, brought)
    books.merges[partner, event_id].since = len(books.moves)
    put_right(books, survivor)
    return books.tell(partner, event_id, "merge", content, _sums(brought))


def unmerge(books: Books, partner: str, event_id: str) -> Outcome:
    """Let a merged member be itself again, with its own and what followed from its events, as far as it is there."""
    merged = books.merges.get((partner, event_id))
    if merged is None:
        return {"error": "unknown_event"}
    member, into, undone = merged.member, merged.into, f"{event_id}/undo"
    told = books.first(partner, undone, "unmerge", None)
    if told is None and into in books.merged:
        return {"error": "merged_since"}
    put_right(books, into)
    if told is not None:
        return told
    free = books.free(into)
    del books.merged[member]
    due = _due(books, merged)
    reserved = _return_holds(books, merged)
    back = _given_back(books, into, due, free, reserved)
    owed = [
        (issuer, min(points, books.debts[into][issuer])) for issuer, points in due.items() if isinstance(issuer, str)
    ]
    back += sorted((issuer, points) for issuer, points in owed if points > 0)
    _rejoin_pool(books, merged)
    _move(books, into, member, back, member)
    put_right(books, member)
    put_right(books, into)
    return books.tell(partner, undone, "unmerge", None, _sums(back))


def _due(books: Books, merged: Merge) -> Counter[Lot | str]:
    """What is the member's: what it brought, and what its events moved since, or those of members it had become."""
    theirs, due = {*books.family(merged.member)}, Counter[Lot | str](dict(merged.brought))
    for move in books.moves[merged.since :]:
        if move.member == merged.into and theirs & move.meant:
            due[move.what] += move.points
    return due


def _given_back(
    books: Books, into: str, due: Counter[Lot | str], free: Counter[Lot], reserved: Counter[Lot]
) -> list[tuple[Lot | str, int]]:
    """What of it is there: all that is held for the member, and as much as is free where it was or was extended to."""
    free, back, counted = Counter(free), Counter(reserved), Counter(reserved)
    for lot, points in sorted((lot, points) for lot, points in due.items() if isinstance(lot, Lot)):
        missing = points
        for there in (counted, free):
            for place in books.followed([into], [lot]):
                taken = max(0, min(missing, there[place]))
                there[place] -= taken
                missing -= taken
                back[place] += taken if there is free else 0
    return [*sorted((+back).items())]


def _move(
    books: Books, giver: str, taker: str, moving: Sequence[tuple[Lot | str, int]], member: str | None = None
) -> None:
    with books.about(member or giver):
        for what, points in moving:
            for whose, part in ((giver, -points), (taker, points)):
                if isinstance(what, Lot):
                    books.put(whose, what, part)
                else:
                    books.charge(whose, what, part)


def _sums(moved: Sequence[tuple[Lot | str, int]]) -> Outcome:
    lots = [(what, points) for what, points in moved if isinstance(what, Lot)]
    qualifying = sum(points for lot, points in lots if lot.kind == QUALIFYING)
    return {
        "points": sum(points for _, points in lots) - qualifying,
        "qualifying": qualifying,
        "debt": sum(points for what, points in moved if isinstance(what, str)),
    }


def _move_holds(books: Books, member: str, to: str) -> list[tuple[tuple[str, str], int]]:
    moved = []
    for key, hold in books.holds.items():
        for place, part in enumerate(hold.parts):
            if hold.state_at(books.now) == "open" and part.member == member:
                hold.parts[place] = part._replace(member=to)
                moved.append((key, place))
    return moved


def _return_holds(books: Books, merged: Merge) -> Counter[Lot]:
    """Give the member those of its holds back that are still open; return what they reserve."""
    reserved: Counter[Lot] = Counter()
    for key, place in merged.holds:
        hold = books.holds[key]
        part = hold.parts[place]
        if hold.state_at(books.now) == "open" and part.member == merged.into:
            hold.parts[place] = part._replace(member=merged.member)
            reserved[part.lot] += part.points
    return reserved


def _leave_pool(books: Books, member: str, into: str) -> tuple[Pool, Place, bool] | None:
    """Let the survivor take the member's place, unless it is in a pool itself."""
    pool = books.pool_of(member)
    if pool is None:
        return None
    place, taken = books.pools[pool].pop(member), books.pool_of(into) is None
    if taken:
        books.pools[pool][into] = place
    return pool, place, taken


def _rejoin_pool(books: Books, merged: Merge) -> None:
    """Give the member its place back, unless the survivor took it and has it no longer."""
    if merged.place is None:
        return
    pool, place, taken = merged.place
    if taken and merged.into not in books.pools[pool]:
        return
    if taken:
        del books.pools[pool][merged.into]
    books.pools[pool][merged.member] = place


def set_pool(books: Books, partner: str, event_id: str, pool_id: str, members: list[dict[str, Any]]) -> Outcome:
    """Let a pool consist of just these members."""
    told, pool = books.first(partner, event_id, "pool", (pool_id, members)), (partner, pool_id)
    if told is not None:
        return told
    if not {one["member"] for one in members} <= books.known:
        return {"error": "unknown_member"}
    joining = [(books.survivor(one["member"]), Place(one["share"], one["may_spend"])) for one in members]
    accounts, leaving = [account for account, _ in joining], books.pools[pool]
    if len(set(accounts)) < len(accounts):
        return {"error": "same_member"}
    if any(books.pool_of(account) not in {None, pool} for account in accounts):
        return {"error": "in_another_pool"}
    for account in {*accounts, *leaving}:
        put_right(books, account)
    books.pools[pool] = dict(joining)
    return books.tell(partner, event_id, "pool", (pool_id, members), {"members": len(members)})
