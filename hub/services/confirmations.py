"""Confirmations: a partner says that a sale stands, and its points can be spent from that instant."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hub.core import ledger
from hub.core.content import content_digest, instant
from hub.core.errors import Refused
from hub.core.ledger import Event, Evidence, Posting, Transfer
from hub.core.point_kinds import is_spendable
from hub.services import accounts, captures, sales
from hub.services.accounts import Standing, moved
from hub.services.context import Hub, Moment, Partner
from hub.services.sales import Given
from hub.store import events, posting
from hub.store.database import Connection


def confirm(hub: Hub, partner: Partner, evidence: Evidence, event_id: str) -> dict[str, Any]:
    """Let the points that are left of a pending sale mature; again, the first answer is given again.

    What was refunded is not there any more, and what has expired unconfirmed has expired.

    Raises:
        Refused: ``unknown_event``, ``not_reversible`` for what is no sale, or ``not_pending``.
    """

    def work(connection: Connection) -> dict[str, Any]:
        moment = hub.moment(connection)
        current = moment.configuration.partner(partner.partner_id)
        return _confirm(connection, moment, current, evidence, event_id)

    return hub.database.transact(work)


def _confirm(
    connection: Connection, moment: Moment, partner: Partner, evidence: Evidence, event_id: str
) -> dict[str, Any]:
    original = sales.sale_of(connection, partner, event_id)
    standing = accounts.lock(connection, moment, [original.member_id])[original.member_id]
    confirmation = captures.event_id_of(event_id, "confirm")
    first = events.first_answers(connection, partner.partner_id, [confirmation]).get(confirmation)
    if first is not None:
        return _answer(event_id, first.points, first.posted_at) | {"duplicate": True}
    sales.refuse_quarantined(connection, original)
    if original.matures_on != ledger.WHEN_CONFIRMED:
        raise Refused("not_pending", "The points of this sale do not wait for a confirmation.")
    transfers = _matured(confirmation, standing, _given(connection, partner, original))
    points = sum(one.points for one in transfers[::2] if is_spendable(one.kind))
    event = Event(
        confirmation, "confirmation", standing.member_id, "posted", points, moment.now,
        content_digest("confirmation", {"event_id": event_id}),
        evidence_id=evidence.evidence_id, refers_to=event_id,
    )  # fmt: skip
    posting.post_new(connection, Posting(partner.partner_id, moment.now, moment.day, [event], transfers, [evidence]))
    accounts.pay_debts(connection, moment, [standing])
    return _answer(event_id, points, moment.now)


def _given(connection: Connection, partner: Partner, original: Any) -> list[Given]:
    """Return what each line of a sale gave for what is not refunded of it."""
    members = sales.owners(connection, original)
    where = sales.whereabouts(connection, partner, original, members, confirmed=False)
    following = events.referring(connection, partner.partner_id, original.event_id)
    left = original.amount_minor - sales.refunded(following)
    grants = sales.grants_of(partner, original, left)
    return [Given(places, grants[line - 1].points) for line, places in where.items()]


def _matured(event_id: str, standing: Standing, given: list[Given]) -> list[Transfer]:
    """Return the transfers that let what is there mature, lot by lot."""
    free = Counter({lot.key: lot.points for lot in standing.account.free() if not standing.is_over(lot.key)})
    transfers: list[Transfer] = []
    for where, points in given:
        for key in where.lots:
            part = min(points, free[key])
            if part:
                target, line = key._replace(matures_on=ledger.MATURE_AT_ONCE), len(transfers) + 1
                transfers += moved(event_id, line, standing.member_id, key, standing.member_id, target, part)
            free[key] -= part
            points -= part
    return transfers


def _answer(event_id: str, points: int, at: Any) -> dict[str, Any]:
    return {"event_id": event_id, "status": "posted", "points": points, "available_at": instant(at)}
