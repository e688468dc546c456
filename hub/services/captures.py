"""What becomes of a hold: captured in whole or part, or voided; one outcome only, whatever races.

Both lock the members whose lots are reserved before they look at the hold's state. A hold that has lapsed counts
for nothing from its instant on, so neither finds it open any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from hub.core.content import CONFLICT, content_digest
from hub.core.errors import Refused
from hub.core.ledger import Event, Evidence, Lot, Posting, Transfer
from hub.core.sharing import split
from hub.services import accounts, redemptions, reimbursement
from hub.services.accounts import Standing, as_json
from hub.services.context import Hub, Moment, Partner
from hub.services.reporting import Reporter, by_partner
from hub.services.spending import Taken
from hub.store import events, holds, posting
from hub.store.database import Connection
from hub.store.holds import Held
from settlement.intake import Obligation


def event_id_of(redemption_id: str, outcome: str) -> str:
    """Return the id of the event that ends a hold; the slash keeps it apart from all ids that partners choose."""
    return f"{redemption_id}/{outcome}"


def capture(
    hub: Hub, partner: Partner, evidence: Evidence, redemption_id: str, asked: Mapping[str, Any]
) -> dict[str, Any]:
    """Burn a hold's lots, or so many ``points`` of them in burning order, at the price of the hold.

    What is not captured is released. Returns what was burnt, what it is worth and what was ``released``.

    Raises:
        Refused: ``unknown_event``, ``hold_closed``, ``exceeds_original`` or ``event_conflict``.
    """

    def work(connection: Connection) -> dict[str, Any]:
        moment = hub.moment(connection)
        # As it is now, and not when the request came in: the hold may have been priced under newer terms.
        current = moment.configuration.partner(partner.partner_id)
        return _capture(connection, moment, current, evidence, redemption_id, asked)

    return hub.database.transact(work)


def void(hub: Hub, partner: Partner, evidence: Evidence, redemption_id: str) -> dict[str, Any]:
    """Release a hold's lots; what has expired meanwhile has expired.

    Raises:
        Refused: ``unknown_event``, ``hold_closed`` or ``event_conflict``.
    """

    def work(connection: Connection) -> dict[str, Any]:
        return void_for(connection, hub.moment(connection), partner, by_partner(partner, evidence), redemption_id)

    return hub.database.transact(work)


def void_for(
    connection: Connection, moment: Moment, partner: Partner, reporter: Reporter, redemption_id: str
) -> dict[str, Any]:
    """Release a hold of a partner's, which asks for that itself or has the operator do it; see `void`."""
    hold, event, _, payers = _find(connection, moment, partner, redemption_id)
    content = content_digest("void", {"redemption_id": redemption_id})
    voided = event_id_of(redemption_id, "void")
    answer = {"redemption_id": redemption_id, "status": "voided", "points": event.points}
    if _done_before(connection, partner, voided, content):
        return answer | {"duplicate": True}
    _expect_open(hold, moment)
    entry = Event(
        voided, "void", event.member_id, "posted", event.points, moment.now, content,
        evidence_id=reporter.evidence_id, refers_to=redemption_id,
        details=as_json(dict(reporter.said)) if reporter.said else None,
    )  # fmt: skip
    entries = Posting(partner.partner_id, moment.now, moment.day, [entry], [], reporter.evidences)
    posting.post_new(connection, entries)
    holds.end(connection, partner.partner_id, redemption_id, holds.VOIDED)
    reserved = reimbursement.release(connection, moment, [(partner.partner_id, redemption_id)])
    reimbursement.give_back(connection, moment, reserved)
    accounts.pay_debts(connection, moment, payers)
    return answer


def _capture(
    connection: Connection,
    moment: Moment,
    partner: Partner,
    evidence: Evidence,
    redemption_id: str,
    asked: Mapping[str, Any],
) -> dict[str, Any]:
    found = _find(connection, moment, partner, redemption_id)
    hold, event, _, payers = found
    captured = event_id_of(redemption_id, "capture")
    points = asked.get("points", event.points)
    if _done_before(connection, partner, captured, _content(redemption_id, points)):
        parts = events.burnt_lots(connection, partner.partner_id, captured)
        return _answer(event, parts) | {"duplicate": True}
    _expect_open(hold, moment)
    if points > event.points:
        raise Refused("exceeds_original", f"The hold is of {event.points} points.")
    done = burn(moment, partner, evidence, found, points)
    holds.end(connection, partner.partner_id, redemption_id, holds.CAPTURED)
    entry = Posting(partner.partner_id, moment.now, moment.day, [done.event], done.transfers, [evidence])
    posting.post_new(connection, entry)
    reserved = reimbursement.release(connection, moment, [(partner.partner_id, redemption_id)])
    reimbursement.record(connection, moment, done.owed, reserved=reserved)
    accounts.pay_debts(connection, moment, payers)
    return done.answer


def _content(redemption_id: str, points: int) -> bytes:
    return content_digest("capture", {"redemption_id": redemption_id, "points": points})


class Capture(NamedTuple):
    """What a capture writes, and its answer."""

    event: Event
    transfers: Sequence[Transfer]
    owed: Sequence[Obligation]
    answer: dict[str, Any]


class Found(NamedTuple):
    """A hold under the locks of its members."""

    hold: Held
    event: Any
    account: int
    """The member of the event, or the one that it was merged into."""
    payers: Sequence[Standing]


def burn(moment: Moment, partner: Partner, evidence: Evidence, found: Found, points: int) -> Capture:
    """Return what burns so many points of an open hold, no more than it is of, at the hold's price."""
    hold, held = found.hold, found.event
    taken = _part_of(hold.lots, points)
    price = reimbursement.price_of(partner, held.rate_version)
    parts = redemptions.priced(taken, price)
    event = Event(
        event_id_of(held.event_id, "capture"), "capture", held.member_id, "posted", points, moment.now,
        _content(held.event_id, points), sum(minor for *_, minor in parts), price.currency, price.version,
        evidence_id=evidence.evidence_id, refers_to=held.event_id,
        details=redemptions.details_of(held.member_id, found.account, taken),
    )  # fmt: skip
    reporter, lines = partner.partner_id, redemptions.burnt(taken)
    return Capture(
        event,
        redemptions.transfers_of(partner, event.event_id, taken),
        reimbursement.obligations(moment, reporter, event, reporter, price, lines),
        _answer(held, parts),
    )


def _find(connection: Connection, moment: Moment, partner: Partner, redemption_id: str) -> Found:
    """Lock the members of a hold and return it with its event.

    Raises:
        Refused: ``unknown_event``.
    """
    hold = holds.find(connection, partner.partner_id, redemption_id)
    event = events.first_answers(connection, partner.partner_id, [redemption_id]).get(redemption_id)
    if hold is None or event is None or event.kind != "hold":
        raise Refused("unknown_event", "There is no hold with this id; a redemption without hold is final.")
    standings = accounts.lock(connection, moment, [event.member_id, *(member_id for member_id, _ in hold.lots)])
    locked = holds.find(connection, partner.partner_id, redemption_id)
    assert locked is not None
    return Found(locked, event, standings[event.member_id].member_id, list(standings.values()))


def _expect_open(hold: Held, moment: Moment) -> None:
    state = hold.state_at(moment.now)
    if state != holds.OPEN:
        raise Refused("hold_closed", f"The hold is {state}.", state=state)


def _done_before(connection: Connection, partner: Partner, event_id: str, content: bytes) -> bool:
    first = events.first_answers(connection, partner.partner_id, [event_id]).get(event_id)
    if first is not None and bytes(first.content) != content:
        raise Refused("event_conflict", CONFLICT)
    return first is not None


def _part_of(lots: Taken, points: int) -> Taken:
    """Return so many points of reserved lots: each payer's in proportion, in the order in which they were reserved."""
    reserved: dict[int, list[Lot]] = {}
    for member_id, lot in lots:
        reserved.setdefault(member_id, []).append(lot)
    sums = [sum(lot.points for lot in own) for own in reserved.values()]
    parts = split(points, sums, sums)
    return [
        (member_id, lot)
        for (member_id, own), part in zip(reserved.items(), parts, strict=True)
        for lot in _first_of(own, part)
    ]


def _first_of(lots: Sequence[Lot], points: int) -> list[Lot]:
    taken: list[Lot] = []
    for lot in lots:
        part = min(lot.points, points)
        points -= part
        if part:
            taken.append(Lot(lot.key, part))
    return taken


def _answer(hold: Any, parts: list[tuple[str, int, int]]) -> dict[str, Any]:
    answer = redemptions.answer(hold.event_id, hold.currency, parts)
    return answer | {"released": hold.points - answer["points"]}
