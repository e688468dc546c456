"""Suspect events: what a key signed as of a time at which it was not its holder's any more.

With the revocation they are on the list of reviews; then, member by member, the points that they gave are frozen as
far as they are still there. A freeze is a hold that lapses never: nothing moves, nobody can spend, give, exchange or
merge away what it reserves, and it does not expire meanwhile. What is spent already stays spent.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from hub.core.content import content_digest
from hub.core.ledger import Event, Lot, LotKey, Posting, Transfer
from hub.core.point_kinds import is_spendable
from hub.services import accounts, refunds, sales
from hub.services.accounts import Standing, as_json
from hub.services.captures import event_id_of
from hub.services.context import Hub, Moment, Partner
from hub.services.reversals import renewed
from hub.services.sales import Given, Whereabouts
from hub.store import events, holds, lots, posting, suspects
from hub.store.database import Connection
from hub.store.holds import Held

EVENTS_A_TRANSACTION = 200
GIVING = frozenset({"earning", "reversal", "exchange-confirmation", "transfer", "gift", "donation"})
"""Kinds of events whose points are frozen; of the others nothing is a member's that was not so before."""
PATIENCE_S = 60.0
"""How long to wait for transactions that were writing when a key was revoked; the worker looks again in any case."""
LOOK_S = 0.02
SAID: Mapping[str, Any] = {"operator": "hub", "reason": "signed by a key that was revoked as of an earlier time"}


def quarantine(
    hub: Hub, partner_id: str, progress: Callable[[int], None] = lambda left: None, patience_s: float = PATIENCE_S
) -> int:
    """Freeze what suspect events of a partner gave, and list those that were on their way; return how many are new.

    ``progress`` is told how many events are left. It can be run again at any time and goes on where it stopped.
    """
    with hub.database.connect() as connection:
        is_quiet = _wait_for_writers(connection, patience_s)
        listed = suspects.list_all(connection, partner_id)
    while left := hub.database.transact(lambda connection: _freeze_some(hub, connection, partner_id)):
        progress(left)
    with hub.database.connect() as connection:
        if is_quiet and not suspects.left(connection, partner_id):
            suspects.swept(connection, partner_id)
    return listed


def quarantine_all(hub: Hub) -> None:
    """Go on with what was interrupted, of all partners."""
    with hub.database.connect() as connection:
        waiting = suspects.unswept(connection)
    for partner_id in waiting:
        quarantine(hub, partner_id, patience_s=1)


def _wait_for_writers(connection: Connection, patience_s: float) -> bool:
    """Wait for what was being posted when the key was revoked, as later requests are refused; tell whether it ended."""
    at, until = suspects.instant_of_database(connection), time.monotonic() + patience_s
    while not suspects.has_passed(connection, at):
        if time.monotonic() >= until:
            return False
        time.sleep(LOOK_S)
    return True


def _freeze_some(hub: Hub, connection: Connection, partner_id: str) -> int:
    """Freeze what the next events gave; return how many are left, 0 also when others freeze the last of them."""
    moment = hub.moment(connection)
    partner = moment.configuration.partner(partner_id)
    found = suspects.next_to_freeze(connection, partner_id, EVENTS_A_TRANSACTION)
    if not found:
        return 0
    giving = {one.event_id: one for one in found if one.status == "posted" and one.kind in GIVING}
    members = sorted({member_id for one in giving.values() for member_id in _concerned(one)})
    standings = accounts.lock(connection, moment, members)
    posted = _quarantines(connection, moment, partner, giving, standings)
    posting.post_new(connection, Posting(partner_id, moment.now, moment.day, [event for event, _ in posted], []))
    for event, taken in posted:
        holds.add(connection, partner_id, event.event_id, taken, holds.NEVER_LAPSES)
    suspects.frozen(connection, partner_id, [one.event_id for one in found])
    return suspects.left(connection, partner_id)


def _concerned(event: Any) -> Iterator[int]:
    """Yield the members whom an event, or the one that it refers to, may have given points."""
    for member_id, details in (
        (event.member_id, event.details or {}),
        (event.original_member_id, event.original_details or {}),
    ):
        if member_id:
            yield member_id
        yield from (details[name] for name in ("to", "account") if isinstance(details.get(name), int))
        yield from details.get("payers", ())


def _quarantines(
    connection: Connection,
    moment: Moment,
    partner: Partner,
    giving: Mapping[str, Any],
    standings: Mapping[int, Standing],
) -> list[tuple[Event, list[tuple[int, Lot]]]]:
    """Return the quarantine of each event that has something to freeze, with what it takes of which member."""
    there = _there(connection, standings)
    followed = suspects.followed(connection, partner.partner_id, list(giving))
    lines: dict[str, list[tuple[int, Given]]] = {}
    for one in suspects.given(connection, partner.partner_id, list(giving), list(standings)):
        owner = standings[one.member_id].member_id
        lines.setdefault(one.event_id, []).append((owner, Given(Whereabouts([one.key], []), one.points)))
    found = []
    for event_id, event in giving.items():
        own = lines.get(event_id, [])
        if event.kind == "earning" and event_id in followed:
            owner = standings[event.member_id].member_id
            own = [(owner, one) for one in _left_of(connection, partner, event_id)]
        taken = _take(connection, there, own)
        if taken:
            found.append((_event(moment, event, taken), taken))
    return found


def _there(connection: Connection, standings: Mapping[int, Standing]) -> Counter[tuple[int, LotKey]]:
    """Return what is in the lots of members and not frozen yet; what else is held there counts as there."""
    alone = {standing.member_id: standing for standing in standings.values()}
    there = Counter({(owner, lot.key): lot.points for owner, one in alone.items() for lot in one.account.lots})
    there.subtract(suspects.quarantined(connection, list(alone)))
    return there


def _left_of(connection: Connection, partner: Partner, event_id: str) -> list[Given]:
    """Return what is left of a sale that others refer to: less what was refunded, where its confirmation moved it."""
    original = events.first_answers(connection, partner.partner_id, [event_id])[event_id]
    following = events.referring(connection, partner.partner_id, event_id)
    minor = original.amount_minor - sales.refunded(following)
    return refunds.wanted(connection, partner, original, sales.owners(connection, original), following, minor)


def _take(
    connection: Connection, there: Counter[tuple[int, LotKey]], lines: Sequence[tuple[int, Given]]
) -> list[tuple[int, Lot]]:
    taken: list[tuple[int, Lot]] = []
    for owner, (where, points) in lines:
        for key in sales.followed(where.lots, lots.extended(connection, [owner])):
            part = max(0, min(points, there[owner, key]))
            there[owner, key] -= part
            points -= part
            if part:
                taken.append((owner, Lot(key, part)))
    return taken


def _event(moment: Moment, suspect: Any, taken: Sequence[tuple[int, Lot]]) -> Event:
    event_id, points = event_id_of(suspect.event_id, "quarantine"), sum(lot.points for _, lot in taken)
    content = content_digest("quarantine", {"event_id": event_id, "points": points})
    owner = taken[0][0]
    return Event(
        event_id, "quarantine", owner, "posted", points, moment.now, content,
        refers_to=suspect.event_id, details=as_json(SAID),
    )  # fmt: skip


def release(
    connection: Connection, moment: Moment, said: Mapping[str, Any], partner_id: str, event_id: str, *, renew: bool
) -> int:
    """End the freeze of an event and return the points that are free again; 0 where nothing was frozen.

    With ``renew`` points whose last day is over meanwhile get a new life, as if their issuer had given them today.
    """
    name = event_id_of(event_id, "quarantine")
    before = holds.find(connection, partner_id, name)
    if before is None:
        return 0
    standings = accounts.lock(connection, moment, {owner for owner, _ in before.lots})
    # A merge or an extension in between moved what is frozen with everything else.
    frozen = holds.find(connection, partner_id, name)
    assert frozen is not None
    released = event_id_of(name, "release")
    transfers = _renewed(connection, moment, released, frozen, standings) if renew else []
    moved = sum(one.points for one in transfers[::2] if is_spendable(one.kind))
    points = sum(lot.points for _, lot in frozen.lots)
    event = Event(
        released, "release", frozen.lots[0][0], "posted", moved, moment.now,
        content_digest("release", {"event_id": released}), refers_to=name, details=as_json({**said, "points": points}),
    )  # fmt: skip
    holds.end(connection, partner_id, name, holds.VOIDED)
    posting.post_new(connection, Posting(partner_id, moment.now, moment.day, [event], transfers))
    accounts.pay_debts(connection, moment, standings.values())
    return points


def _renewed(
    connection: Connection, moment: Moment, event_id: str, frozen: Held, standings: Mapping[int, Standing]
) -> list[Transfer]:
    """Return the transfers that give what is over a new life; what others hold of a lot stays."""
    transfers: list[Transfer] = []
    for owner, (key, points) in frozen.lots:
        standing = standings[owner]
        there = sum(lot.points for lot in standing.account.lots if lot.key == key)
        part = min(points, there - standing.account.held[key] + points)
        if part > 0 and standing.is_over(key):
            kept, place = renewed(connection, moment, standing.member_id, key), standing.member_id
            transfers += accounts.moved(event_id, len(transfers) + 1, place, key, place, kept, part)
    return transfers
