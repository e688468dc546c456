"""Reversals: a redemption is taken back, whole or in parts, and its points return to the lots they came from.

What was taken last returns first, with its original expiry; where that day is over meanwhile, the points get a new
life under their issuer's contract, as if they had been given today. What their issuers owed for them is taken back
by negative lines in the open cycle, in proportion line by line, so that all parts together take back exactly all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hub.core import ledger
from hub.core.content import CONFLICT, content_digest
from hub.core.errors import Refused
from hub.core.expiry import end_of_month_plus
from hub.core.ledger import Event, Evidence, LotKey, Posting, Transfer
from hub.services import accounts, captures, reimbursement
from hub.services.accounts import Standing, as_json
from hub.services.context import Hub, Moment, Partner
from hub.services.corrections import Part, corrections, parts_of
from hub.services.reporting import Reporter, by_partner
from hub.store import events, members, posting
from hub.store.database import Connection

REVERSIBLE = ("redemption", "capture")
GRACE_MONTHS = 6
"""Months after this one that points live which come back expired, where their issuer has no contract to say it."""


def reverse(
    hub: Hub, partner: Partner, evidence: Evidence, redemption_id: str, asked: Mapping[str, Any]
) -> dict[str, Any]:
    """Reverse a redemption or captured hold: so many ``points`` of it, or all that is left.

    ``reversal_id`` tells one partial reversal from another; the only one of a redemption needs none.

    Raises:
        Refused: ``unknown_event``, ``not_reversible``, ``exceeds_original`` or ``event_conflict``.
    """

    def work(connection: Connection) -> dict[str, Any]:
        reporter = by_partner(partner, evidence)
        return reverse_for(connection, hub.moment(connection), partner, reporter, redemption_id, asked)

    return hub.database.transact(work)


def reverse_for(
    connection: Connection,
    moment: Moment,
    partner: Partner,
    reporter: Reporter,
    redemption_id: str,
    asked: Mapping[str, Any],
) -> dict[str, Any]:
    """Reverse a redemption of a partner's, which asks for that itself or has the operator do it; see `reverse`."""
    original = _original(connection, partner, redemption_id)
    reversal_id = asked.get("reversal_id") or captures.event_id_of(redemption_id, "reverse")
    content = content_digest("reversal", {"redemption_id": redemption_id, **asked, "reversal_id": reversal_id})
    owners = _owners(original)
    transfers = events.transfers_of(connection, partner.partner_id, original.event_id, list(owners))
    locked = accounts.lock(connection, moment, owners.values())
    standings = {payer: locked[owner] for payer, owner in owners.items()}
    first = events.first_answers(connection, partner.partner_id, [reversal_id]).get(reversal_id)
    if first is not None:
        return _first_answer(connection, partner, first, content, redemption_id)
    before = returned_before(connection, partner, original)
    points = asked.get("points", original.points - before)
    if not 0 < points <= original.points - before:
        raise Refused("exceeds_original", f"{original.points - before} points of the redemption are left.")
    parts = parts_of(events.owed_lines(connection, partner.partner_id, original.event_id), before, points)
    event = Event(
        reversal_id, "reversal", original.member_id, "posted", points, moment.now, content,
        sum(part.minor for part in parts), original.currency, original.rate_version,
        evidence_id=reporter.evidence_id, refers_to=original.event_id, returned_before=before,
        details=as_json(dict(reporter.said)) if reporter.said else None,
    )  # fmt: skip
    back = back_to_lots(connection, moment, partner, reversal_id, parts, transfers, standings)
    posting.post_new(connection, Posting(partner.partner_id, moment.now, moment.day, [event], back, reporter.evidences))
    reimbursement.record(connection, moment, corrections(moment, partner.partner_id, event, parts))
    accounts.pay_debts(connection, moment, standings.values())
    return _answer(redemption_id, reversal_id, original.currency, [(p.owed.issuer, p.points, p.minor) for p in parts])


def _original(connection: Connection, partner: Partner, redemption_id: str) -> Any:
    """Return the event that burnt the points.

    Raises:
        Refused: ``unknown_event`` or ``not_reversible``.
    """
    captured = captures.event_id_of(redemption_id, "capture")
    found = events.first_answers(connection, partner.partner_id, [redemption_id, captured])
    original = found.get(captured) or found.get(redemption_id)
    if original is None or original.status == "rejected":
        raise Refused("unknown_event", "There is no redemption with this id.")
    if original.kind not in REVERSIBLE:
        raise Refused("not_reversible", f"This id is of a {original.kind}; only what was redeemed can be reversed.")
    return original


def _owners(original: Any) -> dict[int, int]:
    """Return to whom the points of each member that paid for a redemption go back.

    What its own member paid through the one it was merged into is its own, merged or not by now.
    """
    details = original.details or {}
    payers = details.get("payers") or [original.member_id]
    return {payer: original.member_id if payer == details.get("account") else payer for payer in payers}


def returned_before(connection: Connection, partner: Partner, original: Any) -> int:
    """Return the points of a redemption that earlier reversals gave back; under its members' locks."""
    earlier = events.referring(connection, partner.partner_id, original.event_id)
    return sum(one.points for one in earlier if one.kind == "reversal")


def back_to_lots(
    connection: Connection,
    moment: Moment,
    partner: Partner,
    event_id: str,
    parts: Sequence[Part],
    burnt: Sequence[Transfer],
    standings: Mapping[int, Standing],
) -> list[Transfer]:
    """Return the transfers that bring points from a redeemer to the lots they were burnt from, or to new ones.

    ``standings`` are by the members that the points were burnt of.
    """
    by_line = {one.line: one for one in burnt}
    debit = ledger.redeemed(partner.partner_id)
    back = []
    for part in parts:
        taken = by_line[part.owed.line]
        standing = standings[taken.member_id]
        key = LotKey(taken.expires_on, taken.issuer, taken.kind, taken.matures_on)
        kept = renewed(connection, moment, standing.member_id, key) if standing.is_over(key) else key
        back.append(
            Transfer(
                event_id, part.owed.line, standing.member_id, debit, ledger.AVAILABLE, *kept, part.points
            )
        )  # fmt: skip
    return back


def renewed(connection: Connection, moment: Moment, member_id: int, key: LotKey) -> LotKey:
    """Return the lot for points whose last day is over: with the life that their issuer's contract gives today."""
    issuer = moment.configuration.partners.get(key.issuer)
    contract = issuer.contracts.on(moment.day) if issuer else None
    if contract is None:
        return key._replace(expires_on=end_of_month_plus(moment.day, GRACE_MONTHS))
    return key._replace(expires_on=contract.expiry.on(moment.day, members.jurisdiction(connection, member_id)))


def _first_answer(
    connection: Connection, partner: Partner, first: Any, content: bytes, redemption_id: str
) -> dict[str, Any]:
    if bytes(first.content) != content:
        raise Refused("event_conflict", CONFLICT)
    lines = events.burnt_lots(connection, partner.partner_id, first.event_id)
    parts = [(issuer, -points, -minor) for issuer, points, minor in reversed(lines)]
    return _answer(redemption_id, first.event_id, first.currency, parts) | {"duplicate": True}


def _answer(
    redemption_id: str, reversal_id: str, currency: str, parts: Sequence[tuple[str, int, int]]
) -> dict[str, Any]:
    return {
        "redemption_id": redemption_id,
        "reversal_id": reversal_id,
        "status": "posted",
        "points": sum(points for _, points, _ in parts),
        "value": {"minor": sum(minor for *_, minor in parts), "currency": currency},
        "lots": [{"issuer": issuer, "points": points, "minor": minor} for issuer, points, minor in parts],
    }
