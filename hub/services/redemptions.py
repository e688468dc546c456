"""Redemptions: a member's points are burnt at a partner, priced once, and owed for by those who issued them.

Member leg, partner leg and obligations are one transaction. With ``hold`` the lots are only reserved, at today's
price, and `hub.services.captures` burns them later. A declined redemption is recorded too, so that a retry gets
the first answer and never a second decision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from hub.core import ledger
from hub.core.content import CONFLICT, content_digest, instant
from hub.core.errors import Refused
from hub.core.ledger import Event, Evidence, Posting, Transfer
from hub.core.terms import ReimbursementPrice
from hub.services import members, reimbursement, spending
from hub.services.accounts import as_json
from hub.services.context import Hub, Moment, Partner
from hub.services.reimbursement import Burnt
from hub.services.spending import Purse, Taken
from hub.store import events, holds, posting
from hub.store.database import Connection
from settlement.limits import Promised

DECLINED = "The member has too few available points; nothing was changed."


class Wish(NamedTuple):
    """What a partner asks for a member."""

    partner: Partner
    evidence: Evidence
    asked: Mapping[str, Any]


def answer(redemption_id: str, currency: str, parts: Sequence[tuple[str, int, int]]) -> dict[str, Any]:
    """Return the answer to a posted redemption from (issuer, points, minor units) of each lot."""
    return {
        "redemption_id": redemption_id,
        "status": "posted",
        "points": sum(points for _, points, _ in parts),
        "value": {"minor": sum(minor for _, _, minor in parts), "currency": currency},
        "lots": [{"issuer": issuer, "points": points, "minor": minor} for issuer, points, minor in parts],
    }


def priced(taken: Taken, price: ReimbursementPrice) -> list[tuple[str, int, int]]:
    """Return (issuer, points, minor units) of each lot that is taken."""
    _, minors = reimbursement.valued(price, [lot.points for _, lot in taken])
    return [(lot.key.issuer, lot.points, minor) for (_, lot), minor in zip(taken, minors, strict=True)]


def redeem(
    hub: Hub, partner: Partner, evidence: Evidence, asked: Mapping[str, Any], moment: Moment | None = None
) -> dict[str, Any]:
    """Redeem or hold ``points`` of a member at ``partner``, as of ``moment`` or now.

    Returns what was burnt, or reserved until ``held_until``, and what it is worth.

    Raises:
        Refused: ``insufficient_points`` (recorded), ``member_in_debt``, ``not_in_pool``, ``event_conflict``,
            ``unknown_member``, ``no_rate`` or ``credit_limit_reached``.
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
    member_id = members.require(hub, connection, asked["member"], moment)
    content = content_digest("redemption", asked)
    try:
        price = reimbursement.price_on(partner, moment)
        purse = spending.lock(connection, moment, member_id, asked)
    except Refused as refusal:
        # What is refused today may have been done before: then the first answer stands.
        return first_answer(connection, partner.partner_id, asked["redemption_id"], content) or refusal
    order = moment.scheme.burn_order
    taken = purse.take(partner.partner_id, asked["points"], order)
    event = event_of(moment, Wish(partner, evidence, asked), content, price, member_id, purse, taken)
    held = "hold" in asked
    transfers = [] if held else transfers_of(partner, event.event_id, taken or [])
    entry = Posting(partner.partner_id, moment.now, moment.day, [event], transfers, [evidence])
    if not posting.post(connection, entry):
        stored = first_answer(connection, partner.partner_id, event.event_id, content)
        assert stored is not None
        return stored
    if taken is None:
        return declined(event.event_id)
    parts = priced(taken, price)
    if held:
        until = moment.now + timedelta(seconds=asked["hold"])
        holds.add(connection, partner.partner_id, event.event_id, taken, until)
        reimbursement.reserve(connection, moment, [promised(moment, partner, event, price, taken, until)])
        return held_answer(event.event_id, price.currency, parts, until)
    reporter = partner.partner_id
    reimbursement.owe(connection, moment, reporter, event, reporter, price, burnt(taken), authorise=True)
    return answer(event.event_id, price.currency, parts)


def promised(
    moment: Moment, partner: Partner, event: Event, price: ReimbursementPrice, taken: Taken, until: datetime
) -> Promised:
    """Return what a hold at a partner will be owed when it is captured."""
    reporter = partner.partner_id
    owed = reimbursement.obligations(moment, reporter, event, reporter, price, burnt(taken))
    return Promised((reporter, event.event_id), owed, until)


def event_of(
    moment: Moment,
    wish: Wish,
    content: bytes,
    price: ReimbursementPrice,
    member_id: int,
    purse: Purse,
    taken: Taken | None,
) -> Event:
    """Return the event of a redemption or a hold, or of one that is declined where nothing is ``taken``."""
    partner, evidence, asked = wish
    value, _ = reimbursement.valued(price, [lot.points for _, lot in taken or []])
    details = (
        as_json({"available": sum(purse.available(partner.partner_id))})
        if taken is None
        else details_of(member_id, purse.account, taken, asked.get("hold"))
    )
    return Event(
        asked["redemption_id"],
        "hold" if "hold" in asked else "redemption",
        member_id,
        "rejected" if taken is None else "posted",
        asked["points"],
        moment.now,
        content,
        None if taken is None else value,
        price.currency,
        price.version,
        error_code="insufficient_points" if taken is None else None,
        evidence_id=evidence.evidence_id,
        scheme_rule=moment.scheme.burn_order,
        details=details,
    )


def details_of(member_id: int, account: int, taken: Taken, hold_s: int | None = None) -> str | None:
    """Return an event's details: the members who pay, unless that is its own alone, and the seconds of a hold.

    Where its member was merged into another, ``account`` says which of them pays for it: what that paid comes back
    to the member, even when the merge has been undone.
    """
    payers = sorted({payer for payer, _ in taken})
    details: dict[str, Any] = {} if payers in ([], [member_id]) else {"payers": payers}
    if account != member_id:
        details["account"] = account
    if hold_s is not None:
        details["hold_s"] = hold_s
    return as_json(details) if details else None


def transfers_of(partner: Partner, event_id: str, taken: Taken) -> list[Transfer]:
    """Return the transfers that burn lots at a partner."""
    credit = ledger.redeemed(partner.partner_id)
    return [
        Transfer(event_id, line, member_id, ledger.AVAILABLE, credit, *lot.key, lot.points)
        for line, (member_id, lot) in enumerate(taken, 1)
    ]


def burnt(taken: Taken) -> list[Burnt]:
    """Return the lines that are owed for when these lots are burnt."""
    return [Burnt(line, lot.key.issuer, lot.points) for line, (_, lot) in enumerate(taken, 1)]


def first_answer(
    connection: Connection, partner_id: str, redemption_id: str, content: bytes
) -> dict[str, Any] | Refused | None:
    """Answer a replay: the first answer again, a conflict, or None if the id is new."""
    first = events.first_answers(connection, partner_id, [redemption_id]).get(redemption_id)
    if first is None:
        return None
    if bytes(first.content) != content:
        return Refused("event_conflict", CONFLICT)
    if first.status == "rejected":
        return declined(redemption_id, duplicate=True)
    if first.kind == "hold":
        return _first_hold(connection, partner_id, first)
    parts = events.burnt_lots(connection, partner_id, redemption_id)
    return answer(redemption_id, first.currency, parts) | {"duplicate": True}


def _first_hold(connection: Connection, partner_id: str, first: Any) -> dict[str, Any]:
    hold = holds.find(connection, partner_id, first.event_id)
    assert hold is not None
    minors = reimbursement.shares(first.amount_minor, [lot.points for _, lot in hold.lots])
    parts = [(lot.key.issuer, lot.points, minor) for (_, lot), minor in zip(hold.lots, minors, strict=True)]
    return held_answer(first.event_id, first.currency, parts, hold.lapses_at) | {"duplicate": True}


def held_answer(redemption_id: str, currency: str, parts: Sequence[tuple[str, int, int]], until: Any) -> dict[str, Any]:
    """Return the answer to a hold, from the parts as for `answer`."""
    return answer(redemption_id, currency, parts) | {"status": "pending", "held_until": instant(until)}


def declined(redemption_id: str, **members: Any) -> Refused:
    """Return the answer to a redemption that was declined."""
    return Refused("insufficient_points", DECLINED, redemption_id=redemption_id, **members)
