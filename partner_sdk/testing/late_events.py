"""Late events at the local hub: quarantined by the terms, until a test releases or rejects them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from partner_sdk.testing.books import CONFLICT, Books
from partner_sdk.wire.sandbox_members import quarantined, result

Asked = Mapping[str, Any]


@dataclass(slots=True)
class Review:
    """A late event; `state` is open, released or rejected."""

    kind: str
    reported: Asked
    state: str = "open"
    reason: str = ""


def is_late(books: Books, reported: Asked) -> bool:
    """Whether an event is too late, unless it was released; or waits already."""
    review, days = books.reviews.get(reported["event_id"]), books.terms.late_days
    if review is not None:
        return bool(review.state != "released")
    return days is not None and bool(reported["occurred_at"] < books.now - timedelta(days=days))


def quarantine(books: Books, kind: str, reported: Asked) -> dict[str, Any]:
    """The result of a late event, which waits from now on."""
    event_id = reported["event_id"]
    known = books.reviews.get(event_id)
    if known is None:
        books.reviews[event_id] = Review(kind, reported)
        return quarantined(event_id)
    if (known.kind, known.reported) != (kind, reported):
        return result(event_id, "rejected", "event_conflict", CONFLICT)
    if known.state == "rejected":
        return result(event_id, "rejected", "review_rejected", known.reason)
    return quarantined(event_id) | {"duplicate": True}
