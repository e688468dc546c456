"""Merging two accounts of one person, for a reason, and undoing it; neither loses a point.

The merged member's lots, debts and open holds go to the survivor as they are, issuer, kind and days kept. From then
on its identifiers mean the survivor, also for the refund of an old purchase. Undoing gives the member back what was
its own and what followed from its own events meanwhile, as far as it is still there: what was spent in between
counts as the survivor's first. Merges of merges are undone in reverse order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from hub.core import ledger
from hub.core.content import CONFLICT, content_digest
from hub.core.errors import Refused
from hub.core.ledger import Event, LotKey, Posting, Transfer
from hub.core.point_kinds import is_spendable
from hub.services import accounts, captures, members
from hub.services.accounts import as_json, moved
from hub.services.context import Hub, Moment
from hub.services.reporting import Reporter
from hub.services.sales import followed
from hub.store import accounts as account_rows
from hub.store import events, lots, merges, pools, posting
from hub.store.accounts import Account
from hub.store.database import Connection
from hub.store.pools import PoolMember


class Moving(NamedTuple):
    """What goes from one member to another: parts of lots, and debts by issuer."""

    giver: int
    taker: int
    lots: Sequence[tuple[LotKey, int]]
    debts: Sequence[tuple[str, int]]

    @property
    def points(self) -> int:
        """The points that could be spent, some day."""
        return sum(points for key, points in self.lots if is_spendable(key.kind))


def merge(hub: Hub, reporter: Reporter, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Merge ``member`` into another one (``into``) for a ``reason``, under ``event_id``; return what went over.

    Raises:
        Refused: ``unknown_member``, ``same_member``, ``already_merged`` or ``event_conflict``.
    """
    return hub.database.transact(lambda connection: _merge(hub, connection, hub.moment(connection), reporter, asked))


def undo(hub: Hub, reporter: Reporter, event_id: str) -> dict[str, Any]:
    """Undo the merge ``event_id`` of a reporter; return what went back.

    Raises:
        Refused: ``unknown_event``, ``not_reversible``, or ``merged_since`` while the survivor is itself merged.
    """
    return hub.database.transact(lambda connection: _undo(connection, hub.moment(connection), reporter, event_id))


def _merge(
    hub: Hub, connection: Connection, moment: Moment, reporter: Reporter, asked: Mapping[str, Any]
) -> dict[str, Any]:
    event_id = asked["event_id"]
    member_id, into_id = (members.require(hub, connection, asked[name], moment) for name in ("member", "into"))
    into = accounts.lock(connection, moment, [member_id, into_id])[into_id].member_id
    content = content_digest("merge", asked)
    first = events.first_answers(connection, reporter.partner_id, [event_id]).get(event_id)
    if first is not None:
        return _first_answer(first, content)
    if merges.find(connection, member_id) is not None:
        raise Refused("already_merged", "The member was merged already; it is another member now.")
    if member_id == into:
        raise Refused("same_member", "Both identifiers are of one member.")
    account = account_rows.read(connection, member_id, moment.now)
    moving = Moving(member_id, into, [(lot.key, lot.points) for lot in account.lots], sorted(account.debts.items()))
    at = merges.snapshot(connection)
    details = {
        **reporter.said, "reason": asked["reason"], "into": into, "snapshot": at,
        "holds": merges.move_holds(connection, member_id, into),
        **_leave_pool(connection, member_id, into), **_sums(moving),
    }  # fmt: skip
    event = Event(
        event_id, "merge", member_id, "posted", moving.points, moment.now, content,
        evidence_id=reporter.evidence_id, details=as_json(details),
    )  # fmt: skip
    _post(connection, moment, reporter, event, moving)
    merges.add(connection, member_id, into, reporter.partner_id, event_id)
    accounts.lock(connection, moment, [into])
    return _answer(event_id, details)


def _undo(connection: Connection, moment: Moment, reporter: Reporter, event_id: str) -> dict[str, Any]:
    merged = events.first_answers(connection, reporter.partner_id, [event_id]).get(event_id)
    if merged is None or merged.kind != "merge":
        raise Refused("unknown_event", "There is no merge with this id.")
    member_id, into = merged.member_id, merged.details["into"]
    account_rows.lock_rows(connection, [member_id, into])
    undone = captures.event_id_of(event_id, "undo")
    first = events.first_answers(connection, reporter.partner_id, [undone]).get(undone)
    if first is not None:
        return _answer(undone, first.details) | {"duplicate": True}
    if merges.find(connection, into) is not None:
        raise Refused("merged_since", "The member into which it was merged is merged itself; undo that first.")
    accounts.lock(connection, moment, [into])
    members_back = merges.remove(connection, member_id)
    account = account_rows.read(connection, into, moment.now)
    held = merges.return_holds(connection, member_id, into, [tuple(one) for one in merged.details["holds"]])
    moving = _given_back(connection, account, merged, members_back, held)
    _rejoin_pool(connection, merged.details, member_id, into)
    details = {**reporter.said, **_sums(moving)}
    event = Event(
        undone, "unmerge", member_id, "posted", moving.points, moment.now,
        content_digest("unmerge", {"event_id": event_id}),
        evidence_id=reporter.evidence_id, refers_to=event_id, details=as_json(details),
    )  # fmt: skip
    _post(connection, moment, reporter, event, moving)
    accounts.lock(connection, moment, [member_id, into])
    return _answer(undone, details)


def _given_back(
    connection: Connection,
    account: Account,
    merged: Any,
    members_back: Iterable[int],
    held: Iterable[tuple[LotKey, int]],
) -> Moving:
    """Return what a member gets back: its own and what followed, as far as it is there, and all that it holds."""
    since = merges.since(
        connection, account.member_id, members_back, (merged.partner_id, merged.event_id), merged.details["snapshot"]
    )
    reserved: Counter[LotKey] = Counter()
    there = Counter({lot.key: lot.points for lot in account.lots})
    for key, points in held:
        # What is frozen may be held for somebody else too, so that more is reserved than there is.
        reserved[key] = min(reserved[key] + points, there[key])
    free = Counter({key: max(0, points - account.held.get(key, 0)) for key, points in there.items()})
    back = reserved + _free_of(since.lots, reserved, free, lots.extended(connection, [account.member_id]))
    debts = [(issuer, min(due, account.debts.get(issuer, 0))) for issuer, due in since.debts.items()]
    return Moving(
        account.member_id,
        merged.member_id,
        sorted(back.items()),
        [(issuer, points) for issuer, points in debts if points > 0],
    )


def _free_of(
    theirs: Mapping[LotKey, int],
    reserved: Mapping[LotKey, int],
    free: Mapping[LotKey, int],
    extended: Mapping[LotKey, Sequence[LotKey]],
) -> Counter[LotKey]:
    """Return what is free of a member's own beside what it holds, in its lots and in those they were extended into."""
    counted, left, found = Counter(reserved), Counter(free), Counter[LotKey]()
    for key, missing in theirs.items():
        places = followed([key], extended)
        for there in (counted, left):
            for place in places:
                part = max(0, min(missing, there[place]))
                there[place] -= part
                missing -= part
                found[place] += part if there is left else 0
    return +found


def _post(connection: Connection, moment: Moment, reporter: Reporter, event: Event, moving: Moving) -> None:
    transfers: list[Transfer] = []
    for key, points in moving.lots:
        line = len(transfers) + 1
        transfers += moved(event.event_id, line, moving.giver, key, moving.taker, key, points)
    for issuer, points in moving.debts:
        transfers += _debt_moved(event.event_id, len(transfers) + 1, moving, issuer, points)
    entry = Posting(reporter.partner_id, moment.now, moment.day, [event], transfers, reporter.evidences)
    posting.post_new(connection, entry)


def _debt_moved(event_id: str, line: int, moving: Moving, issuer: str, points: int) -> tuple[Transfer, Transfer]:
    """Return the two transfers by which one member owes no longer and another does."""
    key = LotKey(ledger.NEVER_EXPIRES, issuer, ledger.BASE, ledger.MATURE_AT_ONCE)
    return (
        Transfer(event_id, line, moving.taker, ledger.DEBT, ledger.TRANSIT, *key, points),
        Transfer(event_id, line + 1, moving.giver, ledger.TRANSIT, ledger.DEBT, *key, points),
    )


def _leave_pool(connection: Connection, member_id: int, into: int) -> dict[str, Any]:
    """Let the survivor take the member's place in its pool, unless it is in one; return what was left."""
    places = pools.places(connection, [member_id, into])
    if member_id not in places:
        return {}
    place = places[member_id]
    pools.leave(connection, [member_id])
    if into not in places:
        pools.join(connection, place.partner_id, place.pool_id, [PoolMember(into, place.share, place.may_spend)])
    return {"pool": [*place, into not in places]}


def _rejoin_pool(connection: Connection, details: Mapping[str, Any], member_id: int, into: int) -> None:
    """Give the member its place in the pool back, if the survivor took it and still has it."""
    if "pool" not in details:
        return
    partner_id, pool_id, share, may_spend, taken = details["pool"]
    place = pools.places(connection, [into]).get(into)
    if taken and (place is None or (place.partner_id, place.pool_id) != (partner_id, pool_id)):
        return
    if taken:
        pools.leave(connection, [into])
    pools.join(connection, partner_id, pool_id, [PoolMember(member_id, share, may_spend)])


def _sums(moving: Moving) -> dict[str, int]:
    return {
        "points": moving.points,
        "qualifying": sum(points for key, points in moving.lots if not is_spendable(key.kind)),
        "debt": sum(points for _, points in moving.debts),
    }


def _first_answer(first: Any, content: bytes) -> dict[str, Any]:
    if bytes(first.content) != content:
        raise Refused("event_conflict", CONFLICT)
    return _answer(first.event_id, first.details) | {"duplicate": True}


def _answer(event_id: str, details: Mapping[str, Any]) -> dict[str, Any]:
    sums = {name: details[name] for name in ("points", "qualifying", "debt")}
    return {"event_id": event_id, "status": "posted", **sums}
