"""The schemas of what an issuer's points come to: what members hold, how long packs last, what a cycle cost."""

from partner_sdk.wire import values
from partner_sdk.wire.fields import Day, Part, Series, Text, WireSchema
from partner_sdk.wire.records import SignedMoneySchema


class HeldSchema(WireSchema):
    """Points whose last day is in a month, or that never end, and what they are worth."""

    month = Text(r"[0-9]{4}-[0-9]{2}", "a month is expected, such as 2017-06")
    kind = values.kind(required=True)
    points = values.total(required=True)
    value = Part(SignedMoneySchema)


class ForecastSchema(WireSchema):
    """A pack, what it covered in the last 30 days, and in how many days it is empty at that rate."""

    pack = values.identifier(required=True)
    left_points = values.total(required=True)
    valid_until = Day(required=True)
    drawn_points = values.signed_total(required=True)
    days_left = values.total()


class LiabilityAnswer(WireSchema):
    """GET /v1/liability."""

    as_of = Day(required=True)
    points = values.total(required=True)
    debt_points = values.total(required=True)
    value = Part(SignedMoneySchema)
    held = Series(Part(HeldSchema), 0, 100_000, required=True)
    packs = Series(Part(ForecastSchema), 0, 10_000, required=True)


class AccruedSchema(WireSchema):
    """Points given, taken back and covered by packs, the value of what is left, and what is owed at issue."""

    given_points = values.total(required=True)
    taken_points = values.total(required=True)
    covered_points = values.signed_total(required=True)
    value = Part(SignedMoneySchema)
    owed = Series(Part(SignedMoneySchema), 0, 1000, required=True)


class AccrualSchema(AccruedSchema):
    """The same for what one partner or the coalition reported; product and category only of the caller's own."""

    reporter = values.partner(required=True)
    product = values.label()
    category = values.label()


class AccrualsAnswer(WireSchema):
    """GET /v1/accruals: by reporter, card product and merchant category."""

    cycle = values.cycle(required=True)
    first_day = Day(required=True)
    last_day = Day(required=True)
    accruals = Series(Part(AccrualSchema), 0, 100_000, required=True)
    totals = Part(AccruedSchema, required=True)


class AccrualsQuery(WireSchema):
    """Of the days of which cycle."""

    cycle = values.cycle(required=True)
