"""The schemas of what an issuer reports of its cards: purchases, what comes back of them, and what earns nothing."""

from typing import Any

from marshmallow import ValidationError

from partner_sdk.wire import values
from partner_sdk.wire.cards import token
from partner_sdk.wire.fields import Choice, Day, Flag, Moment, Part, Series, WireSchema
from partner_sdk.wire.schemas import MAX_BATCH, EventErrorSchema, MoneySchema

PURCHASES = ("authorisation", "clearing", "fee", "interest", "cash_advance", "balance_transfer")
RETURNS = ("refund", "chargeback", "fraud")
AGAIN = ("chargeback_reversal", "second_presentment")


class CardRecordSchema(WireSchema):
    """One record; `category` is the merchant's code (ISO 18245), `partner` where in the coalition it was."""

    event_id = values.identifier(required=True)
    kind = Choice(*PURCHASES, *RETURNS, *AGAIN, required=True)
    card = token(required=True)
    occurred_at = Moment(required=True)
    amount = Part(MoneySchema, required=True)
    merchant = values.label()
    category = values.category()
    partner = values.partner()
    refers_to = values.identifier()

    def check_whole(self, loaded: dict[str, Any]) -> None:
        """Refuse a purchase without its category, and what is presented again without saying what."""
        if loaded["kind"] == "clearing" and "category" not in loaded:
            raise ValidationError({"category": ["this member is required for a clearing"]})
        if loaded["kind"] in AGAIN and "refers_to" not in loaded:
            raise ValidationError({"refers_to": ["this member is required: the chargeback that it is about"]})


class CardRecordsRequest(WireSchema):
    """POST /v1/card-records."""

    records = Series(Part(CardRecordSchema), 1, MAX_BATCH, required=True)


class CardRecordResultSchema(WireSchema):
    """What became of one record; `recorded` is the kind of event that it is in the ledger."""

    event_id = values.identifier(required=True)
    status = Choice("posted", "pending", "rejected", required=True)
    points = values.points(required=True)
    recorded = values.label()
    expected = values.points()
    available_at = Moment()
    expires_on = Day()
    matched_by = values.label()
    purchases = Series(values.recorded_event(), 0, 1000)
    unmatched_minor = values.total()
    taken = values.points()
    owed = values.points()
    borne = values.points()
    expired = values.points()
    bonuses = Series(values.label(), 0, 10)
    undone = Series(values.label(), 0, 10)
    duplicate = Flag()
    error = Part(EventErrorSchema)


class CardRecordsAnswer(WireSchema):
    """The results of POST /v1/card-records, in the order of the request."""

    results = Series(Part(CardRecordResultSchema), 1, MAX_BATCH, required=True)
