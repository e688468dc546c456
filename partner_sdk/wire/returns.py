"""The schemas of what follows a sale or a hold: confirmation, refund, capture, void, reversal."""

from typing import Any

from partner_sdk.wire import values
from partner_sdk.wire.fields import Choice, Flag, Moment, Part, Series, Whole, WireSchema
from partner_sdk.wire.schemas import (
    MAX_BATCH,
    MAX_ITEMS,
    EventErrorSchema,
    ItemSchema,
    LotSchema,
    MoneySchema,
    check_numbered,
)


class EmptyRequest(WireSchema):
    """A body that says nothing, ``{}``; it may be left out altogether."""


class ConfirmationAnswer(WireSchema):
    """POST /v1/earnings/{event_id}/confirm: the points that can be spent from now on."""

    event_id = values.identifier(required=True)
    status = Choice("posted", required=True)
    points = values.points(required=True)
    available_at = Moment(required=True)
    duplicate = Flag()


class RefundSchema(WireSchema):
    """One return; without `amount` and `items` it is of all that is left of the sale.

    `sequence` is its number among all events of its terminal, from 1.
    """

    event_id = values.identifier(required=True)
    refunds = values.identifier(required=True)
    occurred_at = Moment(required=True)
    amount = Part(MoneySchema)
    items = Series(Part(ItemSchema), 1, MAX_ITEMS)
    terminal = values.label()
    sequence = Whole(1, values.MAX_SUM)

    def check_whole(self, loaded: dict[str, Any]) -> None:
        """Refuse a number without the terminal that gave it."""
        check_numbered(loaded)


class RefundsRequest(WireSchema):
    """POST /v1/refunds."""

    refunds = Series(Part(RefundSchema), 1, MAX_BATCH, required=True)


class RefundResultSchema(WireSchema):
    """What became of one refund: `points` are the sum of the four ways in which they were found."""

    event_id = values.identifier(required=True)
    status = Choice("posted", "rejected", required=True)
    points = values.points(required=True)
    amount = Part(MoneySchema)
    taken = values.points()
    owed = values.points()
    borne = values.points()
    expired = values.points()
    duplicate = Flag()
    error = Part(EventErrorSchema)


class RefundsAnswer(WireSchema):
    """The results of POST /v1/refunds, in the order of the request."""

    results = Series(Part(RefundResultSchema), 1, MAX_BATCH, required=True)


class CaptureRequest(WireSchema):
    """POST /v1/redemptions/{redemption_id}/capture; without `points` the whole hold."""

    points = Whole(1, values.MAX_POINTS)


class CaptureAnswer(WireSchema):
    """What was burnt of a hold, and what was released."""

    redemption_id = values.identifier(required=True)
    status = Choice("posted", required=True)
    points = values.points(required=True)
    released = values.points(required=True)
    value = Part(MoneySchema, required=True)
    lots = Series(Part(LotSchema), 1, 10_000, required=True)
    duplicate = Flag()


class VoidAnswer(WireSchema):
    """POST /v1/redemptions/{redemption_id}/void: the points that were released."""

    redemption_id = values.identifier(required=True)
    status = Choice("voided", required=True)
    points = values.points(required=True)
    duplicate = Flag()


class ReversalRequest(WireSchema):
    """POST /v1/redemptions/{redemption_id}/reverse; without `points` all that is left.

    `reversal_id` is the client's, and tells one partial reversal from the next; the only one needs none.
    """

    reversal_id = values.identifier()
    points = Whole(1, values.MAX_POINTS)


class ReversalAnswer(WireSchema):
    """What was given back, lot by lot, the last taken first."""

    redemption_id = values.identifier(required=True)
    reversal_id = values.recorded_event(required=True)
    status = Choice("posted", required=True)
    points = values.points(required=True)
    value = Part(MoneySchema, required=True)
    lots = Series(Part(LotSchema), 1, 10_000, required=True)
    duplicate = Flag()
