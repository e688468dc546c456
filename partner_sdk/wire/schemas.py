"""The schema of every body on the wire: what the hub checks requests with, and what OpenAPI is written from.

A request is checked before anything is looked up, so a refusal here (`invalid_request`) means that nothing
was applied. Answers have schemas too: they are the contract's other half, held against the hub in its tests.
A client should ignore members of an answer that it does not know; the hub never ignores one of a request.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

from marshmallow import INCLUDE, Schema, ValidationError

from partner_sdk.wire import values
from partner_sdk.wire.disputing import DisputeAnswer, StatedDisputeSchema, WithheldSchema
from partner_sdk.wire.exchange_terms import ExchangeQuoteSchema, ExchangeTermsSchema, QuotedExchangeSchema
from partner_sdk.wire.fields import (
    MAX_FAULTS,
    Anything,
    Choice,
    Day,
    Flag,
    Mark,
    Moment,
    Part,
    Series,
    Whole,
    WholeText,
    WireSchema,
)
from partner_sdk.wire.values import MAX_MINOR, MAX_POINTS, MAX_SUM

MAX_BATCH = 1000
MAX_HOLD_S = 30 * 86_400
MAX_ITEMS = 500
MAX_PAGE = 1000
DEFAULT_PAGE = 100

_MAX_POINTER_CHARS = 200


class InvalidRequest(ValueError):
    """A value does not fit its schema.

    `errors` is [{"pointer", "detail"}], at most 50: JSON pointers (RFC 6901) and a sentence for each.
    """

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__("; ".join(f"{error['pointer'] or 'the body'}: {error['detail']}" for error in errors))
        self.errors = errors


def validate(schema: Schema | type[Schema], value: object) -> dict[str, Any]:
    """Load a JSON value with a schema; raises InvalidRequest with a JSON pointer to each fault."""
    known = _instance(schema) if isinstance(schema, type) else schema
    try:
        loaded: dict[str, Any] = known.load(value)  # type: ignore[arg-type]
    except ValidationError as refusal:
        raise InvalidRequest(_errors(refusal.messages)) from None
    return loaded


@cache
def _instance(schema: type[Schema]) -> Schema:
    return schema()


def _errors(messages: Any) -> list[dict[str, str]]:
    errors: list[dict[str, str]] = []
    for pointer, detail in _walk("", messages):
        errors.append({"pointer": pointer[:_MAX_POINTER_CHARS], "detail": detail})
        if len(errors) == MAX_FAULTS:
            break
    return errors


def _walk(pointer: str, messages: Any) -> Iterator[tuple[str, str]]:
    if isinstance(messages, dict):
        for name, inner in messages.items():
            yield from _walk(f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}", inner)
    else:
        for message in messages:
            yield pointer, str(message)


# --- parts ---


class MoneySchema(WireSchema):
    """An amount of money in the currency's minor units."""

    minor = Whole(0, MAX_MINOR, required=True)
    currency = values.currency(required=True)


class ItemSchema(WireSchema):
    """One line of a basket; `minor` is the whole line's amount."""

    sku = values.label(required=True)
    category = values.label(required=True)
    quantity = Whole(1, 10**6, required=True)
    minor = Whole(0, MAX_MINOR, required=True)


class EventErrorSchema(WireSchema):
    """Why one event was not posted; `code` is of the table of codes."""

    code = values.label(required=True)
    detail = values.sentence(required=True)


class LotSchema(WireSchema):
    """The points that a redemption takes of one issuer, and what that issuer owes for them."""

    issuer = values.partner(required=True)
    points = values.points(required=True)
    minor = values.total(required=True)


# --- earnings ---


class QuotedEarningSchema(WireSchema):
    """An earning without an id, for a quote.

    `category` is the merchant's code (ISO 18245) and `partner` where in the coalition it was, for issuers of cards.
    """

    member = values.member(required=True)
    occurred_at = Moment(required=True)
    amount = Part(MoneySchema, required=True)
    store = values.label()
    terminal = values.label()
    channel = values.label()
    category = values.category()
    partner = values.partner()
    items = Series(Part(ItemSchema), 0, MAX_ITEMS)
    points = values.points()


class EarningSchema(QuotedEarningSchema):
    """One purchase, as the partner reports it; `sequence` is its number among all events of its terminal, from 1."""

    event_id = values.identifier(required=True)
    sequence = Whole(1, MAX_SUM)

    def check_whole(self, loaded: dict[str, Any]) -> None:
        """Refuse a number without the terminal that gave it."""
        check_numbered(loaded)


def check_numbered(loaded: dict[str, Any]) -> None:
    """Raise ValidationError for a `sequence` without a `terminal`."""
    if "sequence" in loaded and "terminal" not in loaded:
        raise ValidationError({"sequence": ["a sequence needs the terminal whose events it counts"]})


class EarningsRequest(WireSchema):
    """POST /v1/earnings."""

    earnings = Series(Part(EarningSchema), 1, MAX_BATCH, required=True)


class EarningResultSchema(WireSchema):
    """What became of one earning."""

    event_id = values.identifier(required=True)
    status = Choice("posted", "pending", "rejected", "quarantined", required=True)
    points = values.points(required=True)
    available_at = Moment()
    expires_on = Day()
    duplicate = Flag()
    error = Part(EventErrorSchema)


class EarningsAnswer(WireSchema):
    """The results of POST /v1/earnings, in the order of the request."""

    results = Series(Part(EarningResultSchema), 1, MAX_BATCH, required=True)


# --- redemptions and quotes ---


class QuotedRedemptionSchema(WireSchema):
    """A redemption without an id, for a quote; with `pool` the member's household pool pays."""

    member = values.member(required=True)
    points = Whole(1, MAX_POINTS, required=True)
    pool = Flag()


class RedemptionRequest(QuotedRedemptionSchema):
    """POST /v1/redemptions; with `hold` the points are only reserved, for so many seconds."""

    redemption_id = values.identifier(required=True)
    hold = Whole(1, MAX_HOLD_S)


class RedemptionAnswer(WireSchema):
    """A redemption that was posted; a declined one is the problem insufficient_points."""

    redemption_id = values.identifier(required=True)
    status = Choice("posted", "pending", required=True)
    points = values.points(required=True)
    value = Part(MoneySchema, required=True)
    lots = Series(Part(LotSchema), 1, 10_000, required=True)
    held_until = Moment()
    duplicate = Flag()


class QuoteRequest(WireSchema):
    """POST /v1/quotes: exactly one of the members."""

    earning = Part(QuotedEarningSchema)
    redemption = Part(QuotedRedemptionSchema)
    exchange = Part(QuotedExchangeSchema)

    def check_whole(self, loaded: dict[str, Any]) -> None:
        """Refuse none and several."""
        if len(loaded) != 1:
            raise ValidationError("exactly one of earning, redemption and exchange is expected")


class EarningQuoteSchema(WireSchema):
    """What an earning would give."""

    points = values.points(required=True)
    available_at = Moment()
    expires_on = Day(required=True)
    rate_version = Whole(1, MAX_SUM, required=True)


class RedemptionQuoteSchema(WireSchema):
    """What a redemption would give; `value` and `lots` only when the member has enough."""

    points = values.points(required=True)
    available = values.total(required=True)
    enough = Flag(required=True)
    value = Part(MoneySchema)
    lots = Series(Part(LotSchema), 0, 10_000)


class QuoteAnswer(WireSchema):
    """The answer to POST /v1/quotes, with the member that was asked for."""

    earning = Part(EarningQuoteSchema)
    redemption = Part(RedemptionQuoteSchema)
    exchange = Part(ExchangeQuoteSchema)


# --- members ---


class EnrolmentSchema(WireSchema):
    """A member to enrol, and further identifiers to attach to it."""

    member = values.member(required=True)
    identifiers = Series(values.member(), 1, 10)


class MembersRequest(WireSchema):
    """POST /v1/members."""

    members = Series(Part(EnrolmentSchema), 1, MAX_BATCH, required=True)


class EnrolmentResultSchema(WireSchema):
    """What became of one enrolment."""

    member = values.member(required=True)
    status = Choice("enrolled", "rejected", required=True)
    duplicate = Flag()
    error = Part(EventErrorSchema)


class MembersAnswer(WireSchema):
    """The results of POST /v1/members, in the order of the request."""

    results = Series(Part(EnrolmentResultSchema), 1, MAX_BATCH, required=True)


class ExpiringSchema(WireSchema):
    """The points that expire next."""

    points = values.total(required=True)
    expires_on = Day(required=True)


class BonusSchema(WireSchema):
    """A bonus of a card line (`card`, the event that linked its first card) and how far the member is with it."""

    name = values.label(required=True)
    points = values.points(required=True)
    spend_minor = values.total(required=True)
    spent_minor = values.total(required=True)
    until = Moment(required=True)
    card = values.identifier(required=True)
    state = Choice("open", "given", "undone", "missed", required=True)


class MemberAnswer(WireSchema):
    """GET /v1/members/{member}."""

    member = values.member(required=True)
    available = values.total(required=True)
    pending = values.total(required=True)
    held = values.total(required=True)
    debt = values.total(required=True)
    qualifying = values.total(required=True)
    next_to_expire = Part(ExpiringSchema, required=True, allow_none=True)
    expiring = Series(Part(ExpiringSchema), 0, 100, required=True)
    bonuses = Series(Part(BonusSchema), 1, 100)


class ExpiringQuery(WireSchema):
    """The query of GET /v1/expiring: the last day that is asked about."""

    until = Day(required=True)


class EndingSchema(WireSchema):
    """Points of one kind that end on one day, and how many members have them."""

    expires_on = Day(required=True)
    issuer = values.partner(required=True)
    kind = values.kind(required=True)
    members = values.total(required=True)
    points = values.total(required=True)


class ExpiringAnswer(WireSchema):
    """GET /v1/expiring: what the caller has issued and ends from today on, the soonest first."""

    expiring = Series(Part(EndingSchema), 0, 1_000, required=True)


# --- rates ---


class GivesSchema(WireSchema):
    """What kind of points a rule gives, where they are spent, who issues them, and how long they live."""

    kind = Choice("base", "bonus", "promotional", "qualifying")
    spend_at = Series(values.partner(), 1, 100)
    issuer = values.partner()
    expiry = Anything()


class CapSchema(WireSchema):
    """Up to `minor` of a `period`; `then` points for each full `per_minor` above it.

    `rounding` says whether each purchase is rounded or the period, `shared` whether a household has it together.
    """

    name = values.label(required=True)
    minor = Whole(1, MAX_MINOR, required=True)
    period = values.label(required=True)
    then = Whole(0, MAX_POINTS, required=True)
    rounding = Choice("purchase", "period")
    shared = Choice("member", "household")


class RoundingSchema(WireSchema):
    """A `period` whose total is rounded, and not each purchase."""

    name = values.label(required=True)
    period = values.label(required=True)


class RuleSchema(WireSchema):
    """An earning rule: `points` for each full `per_minor` minor units; of some categories, or at a partner."""

    rule = Choice("linear", "category", "at_partner", required=True)
    points = Whole(0, MAX_POINTS, required=True)
    per_minor = Whole(1, MAX_MINOR, required=True)
    categories = Series(values.label(), 0, 500)
    other_than = Series(values.label(), 0, 500)
    cap = Part(CapSchema)
    rounding = Part(RoundingSchema)
    partner = values.partner()
    from_percent = Whole(0, 100)
    to_percent = Whole(0, 100)
    gives = Part(GivesSchema)


class PriceSchema(WireSchema):
    """Minor units paid for one point, as a fraction."""

    numerator = Whole(0, MAX_SUM, required=True)
    denominator = Whole(1, MAX_SUM, required=True)


class ConversionSchema(PriceSchema):
    """Minor units of the currency `into` for one of the rate's, as a fraction."""

    into = values.currency(required=True)


class RateSchema(WireSchema):
    """One version of a rate: `rules` for earning, `price` for reimbursement, `exchange` for an exchange.

    The first two are in a `currency`; `conversion` is what purchases in a foreign `currency` are converted at.
    """

    kind = Choice("earning", "reimbursement", "currency", "exchange", required=True)
    version = Whole(1, MAX_SUM, required=True)
    valid_from = Day(required=True)
    currency = values.currency()
    rules = Series(Part(RuleSchema), 1, 100)
    price = Part(PriceSchema)
    conversion = Part(ConversionSchema)
    exchange = Part(ExchangeTermsSchema)


class RatesAnswer(WireSchema):
    """GET /v1/rates: the asking partner's own."""

    rates = Series(Part(RateSchema), 0, 100_000, required=True)


# --- lists ---


class EventsQuery(WireSchema):
    """The query of every list: where to go on, and how many at most."""

    cursor = values.cursor()
    limit = WholeText(1, MAX_PAGE, load_default=DEFAULT_PAGE)


class OwnEventsQuery(EventsQuery):
    """The query of GET /v1/events: with `gaps` the list is that of GET /v1/events/gaps, cursors and all."""

    gaps = Mark()


class EventSchema(WireSchema):
    """One event that the partner reported, as the hub recorded it."""

    event_id = values.recorded_event(required=True)
    kind = values.label(required=True)
    status = Choice("posted", "pending", "rejected", "quarantined", required=True)
    points = values.points(required=True)
    occurred_at = Moment(required=True)
    posted_at = Moment(required=True)
    amount = Part(MoneySchema)
    value = Part(MoneySchema)
    expires_on = Day()
    refers_to = values.recorded_event()
    error = Part(EventErrorSchema)


class EventsAnswer(WireSchema):
    """GET /v1/events: one page; `more` says whether the next one has anything already."""

    events = Series(Part(EventSchema), 0, MAX_PAGE, required=True)
    next_cursor = values.cursor(required=True)
    more = Flag(required=True)


class GapSchema(WireSchema):
    """Numbers of a terminal that are missing, or one that two events bear; `since` is when it showed."""

    kind = Choice("missing", "repeated", required=True)
    terminal = values.label(required=True)
    first = Whole(1, MAX_SUM, required=True)
    last = Whole(1, MAX_SUM, required=True)
    since = Moment(required=True)
    event_ids = Series(values.identifier(), 2, 2)


class GapsAnswer(WireSchema):
    """GET /v1/events/gaps or /v1/events?gaps: one page, by terminal and number."""

    gaps = Series(Part(GapSchema), 0, MAX_PAGE, required=True)
    next_cursor = values.cursor(required=True)
    more = Flag(required=True)


# --- statements ---


class StatementHeadSchema(WireSchema):
    """One statement in the list; `net_minor` is positive when the partner is to receive."""

    cycle = values.cycle(required=True)
    state = values.label(required=True)
    currency = values.currency(required=True)
    net_minor = values.signed_total(required=True)
    published_at = Moment(required=True)
    digest = values.digest(required=True)


class StatementsAnswer(WireSchema):
    """GET /v1/statements: one page."""

    statements = Series(Part(StatementHeadSchema), 0, MAX_PAGE, required=True)
    next_cursor = values.cursor(required=True)
    more = Flag(required=True)


class NetSchema(WireSchema):
    """What a partner receives and pays in one currency; corrections may bring each below zero."""

    currency = values.currency(required=True)
    receive_minor = values.signed_total(required=True)
    pay_minor = values.signed_total(required=True)
    net_minor = values.signed_total(required=True)


class PairSchema(WireSchema):
    """The digest of all lines between one issuer and one redeemer."""

    issuer = values.party(required=True)
    redeemer = values.party(required=True)
    currency = values.currency(required=True)
    digest = values.digest(required=True)


class PositionSchema(PairSchema):
    """What one issuer owes one redeemer in a cycle; below zero, the redeemer owes it back."""

    lines = values.total(required=True)
    points = values.signed_total(required=True)
    minor = values.signed_total(required=True)


class ChargeSchema(WireSchema):
    """What the partner owes the operator by a version of its contract; below zero, the other way round."""

    kind = values.label(required=True)
    currency = values.currency(required=True)
    contract_version = Whole(1, MAX_SUM, required=True)
    basis_count = values.total(required=True)
    basis_points = values.signed_total(required=True)
    basis_minor = values.signed_total(required=True)
    amount_minor = values.signed_total(required=True)


class MovementSchema(WireSchema):
    """The lines of one kind, or their corrections, in one currency; what is on us is not cleared."""

    kind = values.label(required=True)
    corrects = Flag(required=True)
    lines = values.total(required=True)
    points = values.signed_total(required=True)
    receive_minor = values.signed_total(required=True)
    pay_minor = values.signed_total(required=True)
    on_us_minor = values.signed_total(required=True)


class BalanceChargeSchema(WireSchema):
    """A charge in a balance."""

    kind = values.label(required=True)
    contract_version = Whole(1, MAX_SUM, required=True)
    amount_minor = values.signed_total(required=True)


class BalanceSchema(WireSchema):
    """From the opening to the closing balance of a currency, which is what is due and what is carried."""

    currency = values.currency(required=True)
    decimals = Whole(0, 4, required=True)
    opening_minor = values.signed_total(required=True)
    movements = Series(Part(MovementSchema), 0, 1000, required=True)
    charges = Series(Part(BalanceChargeSchema), 0, 1000, required=True)
    closing_minor = values.signed_total(required=True)
    due_minor = values.signed_total(required=True)
    withheld_minor = values.signed_total(required=True)
    carried_minor = values.signed_total(required=True)


class StatementAnswer(WireSchema):
    """GET /v1/statements/{cycle}."""

    cycle = values.cycle(required=True)
    partner = values.partner(required=True)
    state = values.label(required=True)
    digest = values.digest(required=True)
    published_at = Moment(required=True)
    nets = Series(Part(NetSchema), 0, 1000, required=True)
    positions = Series(Part(PositionSchema), 0, 1_000_000, required=True)
    pairs_of_cycle = Series(Part(PairSchema), 0, 1_000_000, required=True)
    charges = Series(Part(ChargeSchema), 1, 1000)
    disputes = Series(Part(StatedDisputeSchema), 1, 1_000_000)
    withheld = Series(Part(WithheldSchema), 1, 1000)
    balances = Series(Part(BalanceSchema), 0, 1000)


class DisputesAnswer(WireSchema):
    """GET /v1/disputes: one page."""

    disputes = Series(Part(DisputeAnswer), 0, MAX_PAGE, required=True)
    next_cursor = values.cursor(required=True)
    more = Flag(required=True)


class LinePriceSchema(PriceSchema):
    """The price of a line, with the version of the contract price that it came from."""

    version = Whole(1, MAX_SUM, required=True)


class OriginSchema(WireSchema):
    """The event that a line corrects, and the cycle that has its lines, if it has any."""

    partner = values.partner(required=True)
    event_id = values.recorded_event(required=True)
    cycle = values.cycle()


class StatementLineSchema(WireSchema):
    """One obligation: `issuer` owes `redeemer` `minor` for `points`, by the event that `partner` reported.

    With an `origin` it corrects that event's lines, and `points` and `minor` may be below zero. A `kind` says for what
    it is owed where that is no reimbursement or the fund owes, and `points_of` whose points the fund owes for.
    """

    partner = values.party(required=True)
    event_id = values.recorded_event(required=True)
    line = values.total(required=True)
    issuer = values.party(required=True)
    redeemer = values.party(required=True)
    points = values.signed_points(required=True)
    minor = values.signed_total(required=True)
    currency = values.currency(required=True)
    price = Part(LinePriceSchema, required=True)
    business_date = Day(required=True)
    origin = Part(OriginSchema)
    kind = values.label()
    points_of = values.partner()
    digest = values.digest(required=True)


class StatementLinesAnswer(WireSchema):
    """GET /v1/statements/{cycle}/lines: one page."""

    lines = Series(Part(StatementLineSchema), 0, MAX_PAGE, required=True)
    next_cursor = values.cursor(required=True)
    more = Flag(required=True)


# --- keys ---


class JwkSchema(WireSchema):
    """A public key: `OKP` on `Ed25519` (RFC 8037 section 2), or `EC` on `P-256` with `y` (RFC 7518 section 6.2)."""

    kty = Choice("OKP", "EC", required=True)
    crv = Choice("Ed25519", "P-256", required=True)
    x = values.base64url(43, 43, required=True)
    y = values.base64url(43, 43)

    def check_whole(self, loaded: dict[str, Any]) -> None:
        """Refuse a curve of another type of key, and a second coordinate where there is none."""
        if (loaded["kty"], loaded["crv"], "y" in loaded) not in {("OKP", "Ed25519", False), ("EC", "P-256", True)}:
            raise ValidationError("a key is OKP on Ed25519 with x, or EC on P-256 with x and y")


class KeyRegistration(WireSchema):
    """POST /v1/keys; the request is signed by the very key that it registers."""

    partner = values.partner(required=True)
    public_key = Part(JwkSchema, required=True)
    environment = Choice("live", "sandbox")
    proof = values.base64url(86, 86, required=True)


class KeyRotation(WireSchema):
    """POST /v1/keys/rotate; the request is signed by the key that hands over, the proof by the new one."""

    public_key = Part(JwkSchema, required=True)
    environment = Choice("live", "sandbox")
    proof = values.base64url(86, 86, required=True)


class RotationAnswer(WireSchema):
    """The new key, and until when the former one verifies beside it."""

    partner = values.partner(required=True)
    keyid = values.label(required=True)
    state = Choice("active", "retiring", "retired", "revoked", required=True)
    thumbprint = values.base64url(43, 43, required=True)
    former = values.label(required=True)
    former_retires_at = Moment()


class KeyAnswer(WireSchema):
    """A key as the hub recorded it; `thumbprint` is what the operator compares out of band."""

    partner = values.partner(required=True)
    keyid = values.label(required=True)
    state = Choice("pending", "active", "retiring", "retired", "revoked", required=True)
    thumbprint = values.base64url(43, 43, required=True)


class PingAnswer(WireSchema):
    """GET /v1/ping: who the hub takes the partner for, and both its clocks."""

    partner = values.partner(required=True)
    keyid = values.label(required=True)
    key_state = Choice("active", "retiring", required=True)
    server_time = Moment(required=True)
    business_time = Moment(required=True)
    environment = Choice("live", "sandbox", required=True)


class HubKeysAnswer(WireSchema):
    """GET /v1/hub-keys: the key list's JSON and the root key's signature, both base64url."""

    key_list = values.base64url(1, 1_000_000, required=True)
    signature = values.base64url(86, 86, required=True)


# --- refusals ---


class FaultSchema(WireSchema):
    """One fault of a body, with a JSON pointer (RFC 6901) to where it is."""

    pointer = values.sentence(required=True)
    detail = values.sentence(required=True)


class ProblemSchema(WireSchema):
    """A problem document (RFC 9457): further members may be present, depending on the code."""

    class Meta:
        """RFC 9457 section 3.2: a reader ignores the extension members that it does not know."""

        unknown = INCLUDE

    type = values.label(required=True)
    title = values.sentence(required=True)
    status = Whole(400, 599, required=True)
    code = values.label(required=True)
    detail = values.sentence(required=True)
    errors = Series(Part(FaultSchema), 1, MAX_FAULTS)
    server_time = Moment()
    redemption_id = values.identifier()
    duplicate = Flag()
