"""What is answered to each sale of a report: what became of it now or the first time, or why it was refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hub.core.content import CONFLICT, content_digest
from hub.core.errors import Refused
from hub.core.ledger import Event
from hub.services import late_events
from hub.services.context import Moment
from hub.services.sale_terms import available_at


def result(
    reported: Mapping[str, Any], decision: Event | Refused, in_batch: Event | None, stored: Any, moment: Moment
) -> dict[str, Any]:
    """Answer one event: the first answer again, what a rule says, what was posted now, or a conflict.

    ``stored`` is what an earlier request posted under its id; ``in_batch`` the first accepted of this one.
    """
    event_id = reported["event_id"]
    if stored is not None:
        content = content_digest("earning", reported) if isinstance(decision, Refused) else decision.content
        same = content == bytes(stored.content)
        return _posted(stored, stored.posted_at) | {"duplicate": True} if same else _conflict(event_id)
    if isinstance(decision, Refused):
        return _rejected(event_id, decision.code, decision.detail)
    if decision is in_batch:
        return _posted(decision, moment.now)
    if in_batch is None or decision.content != in_batch.content:
        return _conflict(event_id)
    return _posted(in_batch, moment.now) | {"duplicate": True}


def is_late(decision: Event | Refused) -> bool:
    """Tell whether a sale was refused because it came too late, so that a person has to look at it."""
    return isinstance(decision, Refused) and decision.code == late_events.TOO_LATE


def _posted(event: Any, at: datetime) -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "status": "pending" if event.matures_on else "posted",
        "points": event.points,
        **available_at(event.matures_on, at),
        "expires_on": str(event.expires_on),
    }


def _conflict(event_id: str) -> dict[str, Any]:
    return _rejected(event_id, "event_conflict", CONFLICT)


def _rejected(event_id: str, code: str, detail: str) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "status": "rejected",
        "points": 0,
        "error": {"code": code, "detail": detail},
    }
