"""Events that come later than their partner's contract allows: quarantined, until a person has looked at them.

What is quarantined is nowhere in the ledger; its evidence is kept, and the partner is told. The operator then lets it
be posted or rejects it (`hub.services.reviews`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from hub.core.content import CONFLICT, content_digest
from hub.core.errors import Refused
from hub.core.ledger import Evidence
from hub.services.context import Moment, Partner
from hub.store import reviews
from hub.store.database import Connection
from hub.store.reviews import Review
from partner_sdk.wire.sandbox_members import quarantined, result

TOO_LATE = "too_late"
Reported = Mapping[str, Any]


class Ages(NamedTuple):
    """What decides whether reports of a partner are too late: its limit today, and what was decided on them before."""

    earliest: datetime | None
    """What happened before is too late; None if nothing is."""
    states: Mapping[str, str]

    def check(self, reported: Reported) -> None:
        """Refuse (``too_late``) what is over the limit, unless the operator has released it; and what waits already."""
        state = self.states.get(reported["event_id"])
        is_late = self.earliest is not None and reported["occurred_at"] < self.earliest
        if state in (reviews.OPEN, reviews.REJECTED) or (is_late and state is None):
            raise Refused(TOO_LATE, "It came later than the contract allows.")


def ages(connection: Connection, moment: Moment, partner: Partner, event_ids: Iterable[str]) -> Ages:
    """Return what decides on these reports; partners whose contracts never had a limit cost no query."""
    limited = any(contract.late_days is not None for contract in partner.contracts.versions)
    contract = partner.contracts.on(moment.day)
    days = contract.late_days if contract else None
    earliest = None if days is None else moment.now - timedelta(days=days)
    return Ages(earliest, reviews.states(connection, partner.partner_id, event_ids) if limited else {})


def quarantine(
    connection: Connection, moment: Moment, partner: Partner, kind: str, reported: Reported, evidence: Evidence
) -> dict[str, Any]:
    """Quarantine a late report and return its result; again, the same as ``duplicate``.

    The evidence is stored by now.
    """
    event_id, content = reported["event_id"], content_digest(kind, reported)
    late = Review(
        partner.partner_id, event_id, kind, content, evidence.evidence_id, reported["occurred_at"], moment.now
    )  # fmt: skip
    if reviews.add(connection, late):
        return quarantined(event_id)
    known = reviews.find(connection, partner.partner_id, event_id, [reviews.LATE])
    assert known is not None
    if (known.kind, bytes(known.content)) != (kind, content):
        return result(event_id, "rejected", "event_conflict", CONFLICT)
    if known.state == reviews.REJECTED:
        return result(event_id, "rejected", "review_rejected", known.decision_reason or "")
    return quarantined(event_id) | {"duplicate": True}
