"""The schemas of exchanges between a partner's own currency and points: taking a quote, and looking at what was."""

from partner_sdk.wire import values
from partner_sdk.wire.fields import Choice, Flag, Moment, Part, Series, Whole, WireSchema
from partner_sdk.wire.schemas import MAX_PAGE, EventsQuery, LotSchema, MoneySchema
from partner_sdk.wire.values import MAX_POINTS, MAX_SUM

STATES = ("open", "confirmed", "failed", "reversed")


class ExchangeRequest(WireSchema):
    """POST /v1/exchanges: take a quote, under an id that the client chooses."""

    exchange_id = values.identifier(required=True)
    quote_id = values.quote(required=True)
    member = values.member(required=True)
    payment = values.identifier()


class ExchangeSchema(WireSchema):
    """One exchange as it stands; `source` is what the member gives, `target` what it gets."""

    exchange_id = values.identifier(required=True)
    state = Choice(*STATES, required=True)
    direction = Choice("in", "out", required=True)
    unit = values.unit(required=True)
    source = Whole(1, MAX_POINTS, required=True)
    target = values.points(required=True)
    rate_version = Whole(1, MAX_SUM, required=True)
    opened_at = Moment(required=True)
    changed_at = Moment(required=True)
    payment = values.identifier()


class ExchangeAnswer(ExchangeSchema):
    """One exchange alone: for the direction `out` also what the issuers of its points owe once it is confirmed."""

    value = Part(MoneySchema)
    lots = Series(Part(LotSchema), 1, 10_000)
    duplicate = Flag()


class ExchangesQuery(EventsQuery):
    """The query of GET /v1/exchanges: also in which state."""

    state = Choice(*STATES)


class ExchangesAnswer(WireSchema):
    """GET /v1/exchanges: one page."""

    exchanges = Series(Part(ExchangeSchema), 0, MAX_PAGE, required=True)
    next_cursor = values.cursor(required=True)
    more = Flag(required=True)
