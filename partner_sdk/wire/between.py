"""The schemas of what members do among themselves: gifts, household pools, merged accounts."""

from partner_sdk.wire import values
from partner_sdk.wire.fields import Choice, Day, Flag, Part, Series, Whole, WireSchema

MAX_POOL = 50
MAX_SHARE = 1_000_000


class TransferRequest(WireSchema):
    """POST /v1/transfers: points of `member` go `to` another; a `transfer` where no `kind` is said."""

    transfer_id = values.identifier(required=True)
    member = values.member(required=True)
    to = values.member(required=True)
    points = Whole(1, values.MAX_POINTS, required=True)
    kind = Choice("transfer", "gift", "donation")


class MovedLotSchema(WireSchema):
    """Points of one issuer, kind and last day that changed hands."""

    issuer = values.partner(required=True)
    kind = values.kind(required=True)
    points = values.points(required=True)
    expires_on = Day(required=True)


class TransferAnswer(WireSchema):
    """What moved, lot by lot in burning order."""

    transfer_id = values.identifier(required=True)
    kind = Choice("transfer", "gift", "donation", required=True)
    status = Choice("posted", required=True)
    points = values.points(required=True)
    lots = Series(Part(MovedLotSchema), 1, 10_000, required=True)
    duplicate = Flag()


class PoolMemberSchema(WireSchema):
    """A member of a pool: its `share` weighs against the others', and it `may_spend` from all."""

    member = values.member(required=True)
    share = Whole(1, MAX_SHARE, required=True)
    may_spend = Flag(required=True)


class PoolRequest(WireSchema):
    """POST /v1/pools: the whole pool as it is to be from now on; of no members, to dissolve it."""

    event_id = values.identifier(required=True)
    pool_id = values.identifier(required=True)
    members = Series(Part(PoolMemberSchema), 0, MAX_POOL, required=True)


class PoolAnswer(WireSchema):
    """The pool as it was set: how many `members` it has."""

    event_id = values.identifier(required=True)
    pool_id = values.identifier(required=True)
    status = Choice("posted", required=True)
    members = values.total(required=True)
    duplicate = Flag()


class MergeRequest(WireSchema):
    """POST /v1/merges: from now on `member` is the member `into`, for a `reason`."""

    event_id = values.identifier(required=True)
    member = values.member(required=True)
    into = values.member(required=True)
    reason = values.label(required=True)


class MergeAnswer(WireSchema):
    """What went over, or with an undone merge what went back."""

    event_id = values.recorded_event(required=True)
    status = Choice("posted", required=True)
    points = values.total(required=True)
    qualifying = values.total(required=True)
    debt = values.total(required=True)
    duplicate = Flag()
