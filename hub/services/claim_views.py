"""How claims look: to both partners the same, but why something was given is told only to who gave it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hub.core.content import instant
from hub.services import explaining
from hub.services.context import Hub
from hub.store import claims, events
from hub.store.claims import Claim
from hub.store.database import Connection

REPORTED = "It was reported; why it gave what it gave is for {partner} to tell."


def documents(connection: Connection, found: Sequence[Claim]) -> list[dict[str, Any]]:
    """Return claims with their moves, and with the points of those that were granted."""
    moves = claims.moves(connection, found)
    return [_document(connection, one, moves[one.partner_id, one.claim_id]) for one in found]


def found(hub: Hub, caller: str, claim: Claim, event: Any) -> dict[str, Any]:
    """Return an event that may be the claimed purchase, and why it gave what it gave."""
    answer = {
        "event_id": event.event_id,
        "status": event.status,
        "points": event.points,
        "occurred_at": instant(event.occurred_at),
    }
    if event.status == "quarantined":
        return answer | {"why": ["It came too late and waits for the operator, or was rejected."]}
    if not caller:
        return answer | {"why": explaining.explain(hub, f"{claim.at_partner}/{event.event_id}")["why"]}
    if caller == claim.at_partner:
        return answer | {"why": explaining.explain_to(hub, caller, event.event_id)["why"]}
    return answer | {"why": [REPORTED.format(partner=claim.at_partner)]}


def _document(connection: Connection, claim: Claim, moves: Sequence[Any]) -> dict[str, Any]:
    plain = {
        "partner": claim.partner_id,
        "claim_id": claim.claim_id,
        "at": claim.at_partner,
        "occurred_at": instant(claim.occurred_at),
        "amount": {"minor": claim.amount_minor, "currency": claim.currency},
        "reference": claim.reference,
        "reason": claim.reason,
        "state": claim.state,
        "due_on": str(claim.due_on) if claim.due_on else None,
        "outcome": (claim.outcome if claim.state == "open" else "declined") if claim.due_on else None,
        "event_id": claim.event_id,
        "points": _points(connection, claim),
        "moves": [_move(one) for one in moves],
    }
    return {name: value for name, value in plain.items() if value is not None}


def _points(connection: Connection, claim: Claim) -> int | None:
    if claim.event_id is None:
        return None
    return int(events.first_answers(connection, claim.at_partner, [claim.event_id])[claim.event_id].points)


def _move(row: Any) -> dict[str, Any]:
    plain = {
        "state": row.state, "by": row.author, "at": instant(row.at), "text": row.text or None, "sha256": row.sha256,
    }  # fmt: skip
    return {name: value for name, value in plain.items() if value is not None}
