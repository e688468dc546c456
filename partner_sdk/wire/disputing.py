"""The schemas of disputes: opening one about lines of a statement, taking it further, and looking at it."""

from typing import Any

from marshmallow import ValidationError

from partner_sdk.wire import values
from partner_sdk.wire.fields import Choice, Day, Moment, Part, Series, Text, Whole, WireSchema

REASONS = (
    "not_ours", "duplicate", "wrong_amount", "wrong_price", "wrong_party", "returned", "fraud", "other",
)  # fmt: skip
"""Why a line is disputed; `other` needs a text."""
STATES = (
    "opened", "escalated", "arbitration", "rejected", "rejected_again", "accepted", "decided", "lapsed", "withdrawn",
)  # fmt: skip
MAX_LINES = 100
MAX_NAMES = 100


def dispute(**kwargs: Any) -> Text:
    """An id that a client chose for a dispute."""
    return Text(r"[A-Za-z0-9._~:-]{1,64}", "1 to 64 characters of A-Z a-z 0-9 . _ ~ : - are expected", **kwargs)


class EvidenceSchema(WireSchema):
    """Names of the partner's own events and receipts, and a note."""

    events = Series(values.identifier(), 0, MAX_NAMES)
    receipts = Series(values.identifier(), 0, MAX_NAMES)
    note = values.sentence()


class EscalationRequest(WireSchema):
    """POST /v1/disputes/{dispute_id}/escalate: why the rejection is wrong."""

    reason = Choice(*REASONS, required=True)
    text = values.sentence()
    evidence = Part(EvidenceSchema)

    def check_whole(self, loaded: dict[str, Any]) -> None:
        """Refuse the reason `other` without a text."""
        if loaded["reason"] == "other" and not loaded.get("text"):
            raise ValidationError("the reason other needs a text")


class DisputedLineSchema(WireSchema):
    """A line of the statement, and how much of it is disputed."""

    partner = values.party(required=True)
    event_id = values.recorded_event(required=True)
    line = Whole(0, 2**31 - 1, required=True)
    minor = Whole(1, values.MAX_MINOR, required=True)


class DisputeRequest(EscalationRequest):
    """POST /v1/disputes, under an id that the client chooses."""

    dispute_id = dispute(required=True)
    cycle = values.cycle(required=True)
    lines = Series(Part(DisputedLineSchema), 1, MAX_LINES, required=True)


class ShownLineSchema(DisputedLineSchema):
    """A disputed line with what was accepted of it."""

    accepted_minor = values.total(required=True)


class DisputeMoveSchema(WireSchema):
    """A move of a dispute: into which state, when, what was said, and what it accepted."""

    state = Choice(*STATES, required=True)
    at = Moment(required=True)
    reason = Choice(*REASONS)
    text = values.sentence()
    evidence = Part(EvidenceSchema)
    accepted_minor = values.total()


class StatedDisputeSchema(WireSchema):
    """A dispute as a statement has it; `partner` is the one that disputes."""

    partner = values.partner(required=True)
    dispute_id = dispute(required=True)
    cycle = values.cycle(required=True)
    currency = values.currency(required=True)
    state = Choice(*STATES, required=True)
    disputed_minor = values.total(required=True)
    accepted_minor = values.total(required=True)
    due_on = Day()
    lines = Series(Part(ShownLineSchema), 1, MAX_LINES, required=True)


class DisputeAnswer(StatedDisputeSchema):
    """One dispute with all its moves."""

    moves = Series(Part(DisputeMoveSchema), 1, 10, required=True)


class WithheldSchema(WireSchema):
    """What of the dues in a currency waits for disputes; below zero for who does not receive it yet."""

    currency = values.currency(required=True)
    minor = values.signed_total(required=True)
