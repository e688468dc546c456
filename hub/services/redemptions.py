"""Redemptions: a member's points are burnt at a partner, priced once, and owed for by those who issued them.

Member leg, partner leg and obligations are one transaction. A declined redemption is recorded too, so that a
retry gets the first answer and never a second decision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hub.core import ledger
from hub.core.burning import burn
from hub.core.content import CONFLICT, content_digest
from hub.core.errors import Refused
from hub.core.ledger import Event, Evidence, Lot, Posting, Transfer
from hub.core.terms import ReimbursementPrice
from hub.services import members
from hub.services.context import Hub, Moment, Partner
from hub.store import events, lots, posting
from hub.store.database import Connection
from settlement import intake
from settlement.core.pricing import split_minor, value_minor
from settlement.intake import Obligation

DECLINED = "The member has too few available points; nothing was changed."


def price_on(partner: Partner, moment: Moment) -> ReimbursementPrice:
    """Return the price a partner is reimbursed at today.

    Raises:
        Refused: ``no_rate``.
    """
    price = partner.prices.on(moment.day)
    if price is None:
        raise Refused("no_rate", f"The partner has no reimbursement price in force on {moment.day}.")
    return price


def valued(price: ReimbursementPrice, taken: Sequence[Lot]) -> tuple[int, list[int]]:
    """Return the value of the taken points and its split over their lots, in minor units."""
    value = value_minor(sum(lot.points for lot in taken), price.numerator, price.denominator)
    return value, split_minor(value, [lot.points for lot in taken])


def answer(redemption_id: str, currency: str, parts: Sequence[tuple[str, int, int]]) -> dict[str, Any]:
    """Return the answer to a posted redemption from (issuer, points, minor units) of each lot."""
    return {
        "redemption_id": redemption_id,
        "status": "posted",
        "points": sum(points for _, points, _ in parts),
        "value": {"minor": sum(minor for _, _, minor in parts), "currency": currency},
        "lots": [{"issuer": issuer, "points": points, "minor": minor} for issuer, points, minor in parts],
    }


def redeem(
    hub: Hub, partner: Partner, evidence: Evidence, asked: Mapping[str, Any], moment: Moment | None = None
) -> dict[str, Any]:
    """Redeem ``points`` of a member at ``partner``, as of ``moment`` or now.

    Returns what was burnt and what it is worth.

    Raises:
        Refused: ``insufficient_points`` (recorded), ``event_conflict``, ``unknown_member`` or ``no_rate``.
    """

    def work(connection: Connection) -> dict[str, Any] | Refused:
        return _redeem(hub, connection, moment or hub.moment(connection), partner, evidence, asked)

    outcome = hub.database.transact(work)
    if isinstance(outcome, Refused):
        raise outcome
    return outcome


def _redeem(
    hub: Hub, connection: Connection, moment: Moment, partner: Partner, evidence: Evidence, asked: Mapping[str, Any]
) -> dict[str, Any] | Refused:
    price = price_on(partner, moment)
    member_id = members.require(hub, connection, asked["member"], moment)
    taken = burn(lots.lock_spendable(connection, member_id, moment.day), asked["points"])
    value, parts = valued(price, taken or [])
    event = Event(
        asked["redemption_id"],
        "redemption",
        member_id,
        "rejected" if taken is None else "posted",
        asked["points"],
        moment.now,
        content_digest("redemption", asked),
        None if taken is None else value,
        price.currency,
        price.version,
        error_code="insufficient_points" if taken is None else None,
        evidence_id=evidence.evidence_id,
    )
    entry = Posting(partner.partner_id, moment.now, moment.day, [event], _transfers(partner, event, taken), [evidence])
    if not posting.post(connection, entry):
        return _first_answer(connection, partner.partner_id, event)
    if taken is None:
        return _declined(event.event_id)
    intake.record(connection, _obligations(partner, event, moment, price, taken, parts))
    issuers = [lot.key.issuer for lot in taken]
    return answer(
        event.event_id,
        price.currency,
        list(zip(issuers, [lot.points for lot in taken], parts, strict=True)),
    )


def _transfers(partner: Partner, event: Event, taken: Sequence[Lot] | None) -> list[Transfer]:
    credit = ledger.redeemed(partner.partner_id)
    return [
        Transfer(event.event_id, line, event.member_id, ledger.AVAILABLE, credit, *lot.key, lot.points)
        for line, lot in enumerate(taken or [], 1)
    ]


def _obligations(
    partner: Partner,
    event: Event,
    moment: Moment,
    price: ReimbursementPrice,
    taken: Sequence[Lot],
    parts: Sequence[int],
) -> list[Obligation]:
    return [
        Obligation(
            partner_id=partner.partner_id,
            event_id=event.event_id,
            line=line,
            issuer=lot.key.issuer,
            redeemer=partner.partner_id,
            points=lot.points,
            amount_minor=minor,
            currency=price.currency,
            price_version=price.version,
            price_numerator=price.numerator,
            price_denominator=price.denominator,
            business_date=moment.day,
        )
        for line, (lot, minor) in enumerate(zip(taken, parts, strict=True), 1)
    ]


def _first_answer(connection: Connection, partner_id: str, event: Event) -> dict[str, Any] | Refused:
    """Answer a replay: the first answer again, or a conflict."""
    first = events.first_answers(connection, partner_id, [event.event_id])[event.event_id]
    if bytes(first.content) != event.content:
        return Refused("event_conflict", CONFLICT)
    if first.status == "rejected":
        return _declined(event.event_id, duplicate=True)
    parts = events.burnt_lots(connection, partner_id, event.event_id)
    return answer(event.event_id, first.currency, parts) | {"duplicate": True}


def _declined(redemption_id: str, **members: Any) -> Refused:
    return Refused("insufficient_points", DECLINED, redemption_id=redemption_id, **members)
