"""What the local hub answers: the paths of the wire that a till and a back office use, each with its schema.

What is not here (merges; statements, of which there are none, disputes, claims and reports) is answered `not_found`:
for those, use a sandbox hub.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

from marshmallow import Schema

from partner_sdk.testing import exchanging, keys, listing, log, membership, pools, quoting, sales, spending, webhooks
from partner_sdk.testing.books import Books
from partner_sdk.testing.gate import Received, Refusal
from partner_sdk.wire import strict_json
from partner_sdk.wire.between import PoolRequest, TransferRequest
from partner_sdk.wire.exchanging import ExchangeRequest, ExchangesQuery
from partner_sdk.wire.log import ConsistencyQuery, ProofQuery
from partner_sdk.wire.returns import CaptureRequest, EmptyRequest, RefundsRequest, ReversalRequest
from partner_sdk.wire.schemas import (
    EarningsRequest,
    EventsQuery,
    ExpiringQuery,
    InvalidRequest,
    KeyRotation,
    MembersRequest,
    OwnEventsQuery,
    QuoteRequest,
    RedemptionRequest,
    validate,
)
from partner_sdk.wire.values import IDENTIFIER
from partner_sdk.wire.webhooks import ReplayRequest, WebhookRequest

Answer = dict[str, Any]
_JSON = re.compile(r"application/json(?:\s*;\s*charset=\"?utf-8\"?)?", re.IGNORECASE)


class Route(NamedTuple):
    """One call: `answer` gets the books and whichever there are of body or query, and the id of the path."""

    method: str
    path: str
    answer: Callable[..., Answer]
    schema: type[Schema] | None = None
    """Of the body, or of a GET's query."""


def _exchange_step(step: str, books: Books, _: Mapping[str, Any], exchange_id: str) -> Answer:
    return exchanging.follow(step, books, exchange_id)


ROUTES = (
    Route("POST", "/v1/earnings", sales.earn, EarningsRequest),
    Route("POST", "/v1/earnings/{event_id}/confirm", sales.confirm, EmptyRequest),
    Route("POST", "/v1/refunds", sales.refund, RefundsRequest),
    Route("POST", "/v1/redemptions", spending.redeem, RedemptionRequest),
    Route("POST", "/v1/redemptions/{redemption_id}/capture", spending.capture, CaptureRequest),
    Route("POST", "/v1/redemptions/{redemption_id}/void", spending.void, EmptyRequest),
    Route("POST", "/v1/redemptions/{redemption_id}/reverse", spending.reverse, ReversalRequest),
    Route("POST", "/v1/quotes", quoting.quote, QuoteRequest),
    Route("POST", "/v1/exchanges", exchanging.take, ExchangeRequest),
    *(
        Route("POST", f"/v1/exchanges/{{exchange_id}}/{step}", partial(_exchange_step, step), EmptyRequest)
        for step in ("confirm", "fail", "reverse")
    ),
    Route("GET", "/v1/exchanges", listing.exchanges, ExchangesQuery),
    Route("GET", "/v1/exchanges/{exchange_id}", exchanging.show),
    Route("POST", "/v1/members", membership.enrol, MembersRequest),
    Route("GET", "/v1/members/{member}", membership.view),
    Route("GET", "/v1/expiring", membership.expiring, ExpiringQuery),
    Route("POST", "/v1/transfers", membership.transfer, TransferRequest),
    Route("GET", "/v1/ping", listing.ping),
    Route("GET", "/v1/rates", listing.rates),
    Route("GET", "/v1/events", listing.events, OwnEventsQuery),
    Route("GET", "/v1/events/gaps", listing.gaps, EventsQuery),
    Route("POST", "/v1/pools", pools.post, PoolRequest),
    Route("POST", "/v1/webhooks", webhooks.post, WebhookRequest),
    Route("GET", "/v1/webhooks", webhooks.listing),
    Route("GET", "/v1/webhooks/{webhook_id}/dead", webhooks.dead),
    Route("POST", "/v1/webhooks/{webhook_id}/replay", webhooks.replay, ReplayRequest),
    Route("POST", "/v1/webhooks/{webhook_id}/remove", webhooks.remove, EmptyRequest),
    Route("POST", "/v1/keys/rotate", keys.rotate, KeyRotation),
    Route("GET", "/v1/log/checkpoint", log.checkpoint),
    Route("GET", "/v1/log/proof", log.proof, ProofQuery),
    Route("GET", "/v1/log/consistency", log.consistency, ConsistencyQuery),
    Route("GET", "/v1/statements", listing.statements, EventsQuery),
    Route("GET", "/v1/statements/{cycle}", listing.statement),
)
_PATTERNS = [(re.compile(re.sub(r"\{\w+\}", "([^/]+)", route.path)), route) for route in ROUTES]


class Matched(NamedTuple):
    """A route with the ids of its path."""

    route: Route
    ids: list[str]

    @property
    def path(self) -> dict[str, str]:
        """The ids by their names."""
        return dict(zip(re.findall(r"\{(\w+)\}", self.route.path), self.ids, strict=True))

    def asked(self, received: Received) -> list[Any]:
        """The body or query as its schema loads it, then the ids; refuses what does not fit."""
        if self.route.method == "GET":
            asked = _query(self.route.schema, received)
        else:
            asked = [body_of(self.route.schema or EmptyRequest, received, optional=bool(self.ids))]
        if "_id}" in self.route.path and not all(map(IDENTIFIER.fullmatch, self.ids)):
            raise Refusal("unknown_event", "This is no id of anything.")
        return [*asked, *self.ids]


def find(method: str, path: str) -> Matched:
    """The route of a request; refuses not_found and method_not_allowed."""
    found = [(match, route) for pattern, route in _PATTERNS if (match := pattern.fullmatch(path))]
    for match, route in found:
        if route.method == method:
            return Matched(route, [unquote(one) for one in match.groups()])
    if found:
        raise Refusal("method_not_allowed", "This path does not take this method.")
    raise Refusal("not_found", "The local hub has nothing at this path; a sandbox hub may have.")


def body_of(schema: type[Schema], received: Received, *, optional: bool = False) -> dict[str, Any]:
    """The body as its schema loads it; refuses what is not JSON, not strict, or does not fit."""
    if optional and not received.body:
        return validate(schema, {})
    if not _JSON.fullmatch(received.target.content_type or ""):
        raise Refusal("unsupported_media_type", "The body must be application/json.")
    try:
        return _loaded(schema, strict_json.loads(received.body), "body")
    except strict_json.MalformedJson as fault:
        raise Refusal("malformed_json", f"{fault}.") from None


def _query(schema: type[Schema] | None, received: Received) -> list[dict[str, Any]]:
    given = parse_qsl(received.target.query[1:], keep_blank_values=True)
    if received.body:
        raise Refusal("malformed_request", "This call takes no body.")
    if len(dict(given)) != len(given):
        raise Refusal("malformed_request", "A query parameter is given twice.")
    if schema is None and given:
        raise Refusal("malformed_request", "This call takes no query parameters.")
    return [] if schema is None else [_loaded(schema, dict(given), "query")]


def _loaded(schema: type[Schema], value: Any, what: str) -> dict[str, Any]:
    try:
        return validate(schema, value)
    except InvalidRequest as fault:
        raise Refusal("invalid_request", f"The {what} does not fit its schema.", errors=fault.errors) from None
