"""The schemas of packs: points that a partner buys in advance."""

from partner_sdk.wire import values
from partner_sdk.wire.fields import Choice, Day, Part, Series, WireSchema
from partner_sdk.wire.schemas import MoneySchema

STATES = ("offered", "open", "closed")


class PackSchema(WireSchema):
    """A pack: bought, left to be given out, given out, kept back; what was paid, less what was paid back."""

    pack = values.identifier(required=True)
    state = Choice(*STATES, required=True)
    points = values.total(required=True)
    left_points = values.total(required=True)
    drawn_points = values.total(required=True)
    reserved_points = values.total(required=True)
    low_points = values.total(required=True)
    paid = Part(MoneySchema, required=True)
    valid_from = Day(required=True)
    valid_until = Day(required=True)
    products = Series(values.label(), 0, 100)
    classes = Series(values.label(), 0, 100)


class PacksAnswer(WireSchema):
    """GET /v1/packs: all of the partner's, by id."""

    packs = Series(Part(PackSchema), 0, 10_000, required=True)
