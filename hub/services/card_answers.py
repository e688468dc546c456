"""What is answered to a record of a card, read from the event that it became, so that a replay is answered the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.core.content import CONFLICT, content_digest
from hub.core.errors import Refused
from hub.services.sale_terms import available_at
from hub.services.taking_back import Sums

Record = Mapping[str, Any]


def digest(record: Record) -> bytes:
    """Return the digest by which a replay of a record is told from a conflict."""
    return content_digest("card-record", record)


def rejected(record: Record, refusal: Refused) -> dict[str, Any]:
    """Answer a record that a rule forbids."""
    error = {"code": refusal.code, "detail": refusal.detail}
    return {"event_id": record["event_id"], "status": "rejected", "points": 0, "error": error}


def again(record: Record, stored: Any) -> dict[str, Any]:
    """Answer a record whose id is taken: as the first time, or as a conflict."""
    if bytes(stored.content) != digest(record):
        return rejected(record, Refused("event_conflict", CONFLICT))
    return posted(stored, stored.details, stored.posted_at) | {"duplicate": True}


def posted(event: Any, details: Mapping[str, Any], at: Any) -> dict[str, Any]:
    """Answer a record by its event, posted ``at``."""
    answer = {"event_id": event.event_id, "status": "posted", "points": 0, "recorded": event.kind}
    answer |= {name: details[name] for name in ("expected", "unmatched_minor", "bonuses", "undone") if name in details}
    if event.kind == "earning":
        # What stands again goes back into the lot of its purchase, which may have matured since.
        waits_until = event.matures_on if event.matures_on and event.matures_on > at.date() else None
        status = "pending" if waits_until else "posted"
        answer |= {"status": status, "points": event.points, **available_at(waits_until, at)}
        answer["expires_on"] = str(event.expires_on)
    elif "given" in details:
        answer["points"] = details["given"]
    elif "matched_by" in details:
        sums = Sums(*(details[name] for name in Sums._fields))
        answer |= {"points": sum(sums), **sums._asdict(), "matched_by": details["matched_by"]}
        answer["purchases"] = [purchase for purchase, _ in details["parts"]]
    return answer
