"""The schema of an explanation: how an event came to its points, in sentences."""

from partner_sdk.wire import values
from partner_sdk.wire.fields import Choice, Moment, Series, WireSchema

SECTIONS = ("why", "moved", "owed", "later")


def _sentences() -> Series:
    return Series(values.sentence(), 0, 100_000, required=True)


class ExplanationAnswer(WireSchema):
    """Rule versions and arithmetic (`why`), points moved, what is owed, and what came of it `later`."""

    event_id = values.recorded_event(required=True)
    kind = values.label(required=True)
    status = Choice("posted", "rejected", "quarantined", required=True)
    points = values.total(required=True)
    occurred_at = Moment(required=True)
    posted_at = Moment(required=True)
    reported = values.sentence(required=True)
    why = _sentences()
    moved = _sentences()
    owed = _sentences()
    later = _sentences()
