"""The schemas of what an exchange would give and by which terms: parts of quotes and of rates."""

from partner_sdk.wire import values
from partner_sdk.wire.fields import Choice, Flag, Moment, Whole, WireSchema
from partner_sdk.wire.values import MAX_POINTS, MAX_SUM

MAX_QUOTE_S = 86_400


class QuotedExchangeSchema(WireSchema):
    """An exchange to quote: `in` gives points for own units of the partner, `out` the other way round.

    `amount` is of what the member gives: own units for `in`, points for `out`.
    """

    member = values.member(required=True)
    direction = Choice("in", "out", required=True)
    unit = values.unit(required=True)
    amount = Whole(1, MAX_POINTS, required=True)


class ExchangeQuoteSchema(WireSchema):
    """What an exchange would give, and the id by which to have just that until `valid_until`.

    `available` and `enough` are there for the direction `out` only.
    """

    quote_id = values.quote(required=True)
    direction = Choice("in", "out", required=True)
    unit = values.unit(required=True)
    source = Whole(1, MAX_POINTS, required=True)
    target = values.points(required=True)
    rate_version = Whole(1, MAX_SUM, required=True)
    valid_until = Moment(required=True)
    available = values.total()
    enough = Flag()


class ExchangeTermsSchema(WireSchema):
    """The terms of an exchange rate; exact numbers are text, as a decimal or a fraction."""

    direction = Choice("in", "out", required=True)
    unit = values.unit(required=True)
    rate = values.number(required=True)
    spread = values.number(required=True)
    minimum = Whole(1, MAX_POINTS, required=True)
    step = Whole(1, MAX_POINTS, required=True)
    rounding = Choice("half-up", "half-even", "down", required=True)
    quote_seconds = Whole(1, MAX_QUOTE_S, required=True)
    sold_at = values.number()
    currency = values.currency()
    most = values.total()
    most_a_day = values.total()
    most_a_year = values.total()
    payment = Flag()
