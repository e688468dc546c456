"""Confirmations: a partner says that a sale stands, and its points can be spent from that instant."""

from __future__ import annotations

from typing import Any

from hub.core import ledger
from hub.core.content import content_digest, instant
from hub.core.errors import Refused
from hub.core.ledger import Event, Evidence, Lot, Posting, Transfer
from hub.core.point_kinds import is_spendable
from hub.services import accounts, captures, refunds
from hub.services.accounts import moved
from hub.services.context import Hub, Moment, Partner
from hub.store import events, lots, posting
from hub.store.database import Connection


def confirm(hub: Hub, partner: Partner, evidence: Evidence, event_id: str) -> dict[str, Any]:
    """Let the points that are left of a pending sale mature; again, the first answer is given again.

    Raises:
        Refused: ``unknown_event``, ``not_reversible`` for what is no sale, or ``not_pending``.
    """

    def work(connection: Connection) -> dict[str, Any]:
        return _confirm(connection, hub.moment(connection), partner, evidence, event_id)

    return hub.database.transact(work)


def _confirm(
    connection: Connection, moment: Moment, partner: Partner, evidence: Evidence, event_id: str
) -> dict[str, Any]:
    original = refunds.sale_of(connection, partner, event_id)
    standing = accounts.lock(connection, moment, [original.member_id])[original.member_id]
    confirmation = captures.event_id_of(event_id, "confirm")
    first = events.first_answers(connection, partner.partner_id, [confirmation]).get(confirmation)
    if first is not None:
        return _answer(event_id, first.points, first.posted_at) | {"duplicate": True}
    if original.matures_on != ledger.WHEN_CONFIRMED:
        raise Refused("not_pending", "The points of this sale do not wait for a confirmation.")
    left = original.amount_minor - refunds.refunded(connection, partner, original)
    grants = refunds.grants_left(partner, original, left)
    keys = refunds.given_by_line(connection, partner, original)
    free = {lot.key: lot.points for lot in standing.account.free()}
    transfers: list[Transfer] = []
    points = 0
    for line, key in keys.items():
        missing = grants[line - 1].points
        for place in (key, *lots.extended(connection, [standing.member_id], key)):
            matures = min(missing, free.get(place, 0))
            if matures:
                transfers += _matured(confirmation, len(transfers) + 1, standing.member_id, Lot(place, matures))
            missing -= matures
        points += grants[line - 1].points - missing if is_spendable(key.kind) else 0
    event = Event(
        confirmation, "confirmation", standing.member_id, "posted", points, moment.now,
        content_digest("confirmation", {"event_id": event_id}),
        evidence_id=evidence.evidence_id, refers_to=event_id,
    )  # fmt: skip
    posting.post_new(connection, Posting(partner.partner_id, moment.now, moment.day, [event], transfers, [evidence]))
    accounts.pay_debts(connection, moment, [standing])
    return _answer(event_id, points, moment.now)


def _matured(event_id: str, line: int, member_id: int, lot: Lot) -> tuple[Transfer, Transfer]:
    """Return the transfers that move points to the lot that differs from theirs by being mature."""
    return moved(
        event_id, line, member_id, lot.key, member_id, lot.key._replace(matures_on=ledger.MATURE_AT_ONCE), lot.points
    )


def _answer(event_id: str, points: int, at: Any) -> dict[str, Any]:
    return {"event_id": event_id, "status": "posted", "points": points, "available_at": instant(at)}
