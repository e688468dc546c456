"""The OpenAPI document: valid, served, complete, and true of the answers."""

from __future__ import annotations

import re
import time
from base64 import b64encode
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from marshmallow import Schema
from openapi_spec_validator import OpenAPIV31SpecValidator

from hub import file_worker
from hub.api.calls import Endpoint
from hub.api.openapi import document
from hub.api.routes import SIGNED
from hub.services import cycles, partners, sealing
from hub.services.files import templates
from partner_sdk.wire import (
    between,
    card_records,
    cards,
    claiming,
    disputing,
    exchanging,
    explaining,
    files,
    liability,
    log,
    packs,
    records,
    returns,
    schemas,
    webhooks,
)
from partner_sdk.wire.codes import CODES
from partner_sdk.wire.keys import PrivateKey, rotation
from partner_sdk.wire.schemas import ProblemSchema, validate
from tests.support.exchange import IN, OUT, publish
from tests.support.network import Network, redeem, running
from tests.support.raw import RawClient

EXAMPLES = {
    "member": "card:0", "cycle": "2016-01", "event_id": "e0", "redemption_id": "r0", "exchange_id": "x0",
    "webhook_id": "w0", "dispute_id": "d0", "claim_id": "c0", "event": "e0", "file_id": "b0", "number": "1",
}  # fmt: skip
PATIENCE_S = 60.0
PROTOCOL = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")


def test_the_document_is_valid_openapi() -> None:
    OpenAPIV31SpecValidator(document(SIGNED)).validate()


def test_the_document_is_served(net: Network) -> None:
    answer = net.client("grocer").exchange("GET", "/openapi.json", {}, None)
    assert (answer.status, answer.json) == (200, document(SIGNED))


def test_every_operation_names_its_refusals() -> None:
    """Each documented refusal has the status of its code, and each signed call may be refused for its signature."""
    for path, operations in document(SIGNED)["paths"].items():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                named = response["description"].removeprefix("Refused: ").split(", ")
                assert status == "200" or {CODES[code].status for code in named} == {int(status)}, path
            if path != "/v1/hub-keys":
                assert "signature_invalid" in operation["responses"]["401"]["description"]


def test_every_signed_path_answers(net: Network) -> None:
    """No documented path is a 404 without a reason of its own."""
    client = net.client("grocer")
    for path, operations in document(SIGNED)["paths"].items():
        for method in operations:
            answer = client.call(method.upper(), re.sub(r"\{(\w+)\}", lambda name: EXAMPLES[name[1]], path))
            assert answer.status < 500
            assert answer.json.get("code") not in {"not_found", "method_not_allowed"}, path


SECTIONS = dict(re.findall(r"^### (\S+ \S+)\n(.*?)(?=^##)", PROTOCOL, re.MULTILINE | re.DOTALL))
SHARED = {"POST /v1/quotes": ("POST /v1/earnings", "POST /v1/redemptions")}
"""Whose refusals an endpoint has too, as its section says.

`cursor_invalid` is explained once for all lists, `member_blocked` once for all that names a member.
"""


@pytest.mark.parametrize("endpoint", SIGNED, ids=lambda endpoint: f"{endpoint.method} {endpoint.path}")
def test_every_endpoint_and_each_of_its_refusals_is_in_the_protocol(endpoint: Endpoint) -> None:
    name = f"{endpoint.method} {endpoint.path}"
    words = {word for one in (name, *SHARED.get(name, ())) for word in SECTIONS[one].split("`")}
    words |= {"member_blocked"} | ({"cursor_invalid"} if endpoint.query else set())
    assert set(endpoint.refusals) - words == set()


SALE = {"member": "card:a", "occurred_at": "2017-01-10T10:00:00Z", "amount": {"minor": 12345, "currency": "USD"}}
WAITING = SALE | {"occurred_at": "2017-01-09T10:00:00Z"}
"""A sale of the day before, under whose contract points wait for a confirmation."""
WISH = {"member": "card:a", "points": 7}
PART = {
    "event_id": "f1",
    "refunds": "e1",
    "occurred_at": "2017-01-10T11:00:00Z",
    "amount": {"minor": 45, "currency": "USD"},
    "items": [{"sku": "1", "category": "milk", "quantity": 1, "minor": 45}],
}
REST = {"event_id": "f2", "refunds": "e1", "occurred_at": "2017-01-10T11:00:00Z"}
GIFT = {"transfer_id": "t1", "member": "card:a", "to": "card:c", "points": 3, "kind": "gift"}
POOL = {
    "event_id": "o1",
    "pool_id": "home",
    "members": [
        {"member": "card:a", "share": 2, "may_spend": True},
        {"member": "card:c", "share": 1, "may_spend": False},
    ],
}
MERGE = {"event_id": "m1", "member": "card:c", "into": "card:a", "reason": "one person"}
CARD = {"event_id": "c1", "card": "tok-1", "member": "card:a", "consent": "form 7", "product": "gold"}
RECORD = {
    "event_id": "k1", "kind": "clearing", "card": "tok-2", "occurred_at": "2017-01-10T12:00:00Z",
    "amount": {"minor": 2500, "currency": "USD"}, "category": "5411", "merchant": "m1", "partner": "fuel",
}  # fmt: skip
RECORDS = [
    RECORD,
    RECORD | {"event_id": "k2", "kind": "authorisation"},
    RECORD | {"event_id": "k3", "kind": "chargeback", "refers_to": "k1"},
    RECORD | {"event_id": "k4", "kind": "second_presentment", "refers_to": "k3"},
    RECORD | {"event_id": "k5", "kind": "refund", "amount": {"minor": 9999, "currency": "USD"}},
    RECORD | {"event_id": "k6", "card": "tok-9"},
]
DISPUTE = {
    "dispute_id": "d1",
    "cycle": "2017-01",
    "lines": [{"partner": "fuel", "event_id": "r1", "line": 1, "minor": 2}],
    "reason": "fraud",
    "evidence": {"events": ["e1"], "receipts": [], "note": "see there"},
}
CLAIM = {
    "claim_id": "q1",
    "member": "card:a",
    "occurred_at": SALE["occurred_at"],
    "amount": SALE["amount"],
    "reason": "no_points",
    "evidence": {"text": "a receipt", "sha256": "ab" * 32},
}
WEBHOOK = {"webhook_id": "w1", "url": "https://93.184.216.34/hansa", "topics": ["points.posted"]}
SWAP = {"member": "card:a", "direction": "out", "unit": "MILES", "amount": 100}
TAKE = {"member": "card:a", "quote_id": ""}
"""With the last quote's id; see `_asked`."""
LINES = b"b1-1;a;2017-01-10\nb1-2;a;later\nb1-3;a\nb1-1;a;2017-01-10\n"
BULK = {"file_id": "b1", "template": "daily", "bytes": len(LINES), "sha256": sha256(LINES).hexdigest()}
TEMPLATE = {
    "record": "earning",
    "format": "csv",
    "delimiter": ";",
    "bad_percent": 100,
    "columns": {
        "event_id": {"from": 1},
        "member": {"from": 2, "as": [["prefix", "card:"]]},
        "occurred_at": {"from": 3, "as": [["time", "YYYY-MM-DD"]]},
        "minor": {"value": "500"},
        "currency": {"value": "USD"},
    },
}
CALLS: list[tuple[str, str, Any, int, type[Schema]]] = [
    (
        "POST",
        "/v1/members",
        {"members": [{"member": "card:a", "identifiers": ["phone:1"]}]},
        200,
        schemas.MembersAnswer,
    ),
    (
        "POST",
        "/v1/members",
        {"members": [{"member": "card:b", "identifiers": ["phone:1"]}]},
        200,
        schemas.MembersAnswer,
    ),
    ("POST", "/v1/members", {"members": [{"member": "card:c"}]}, 200, schemas.MembersAnswer),
    ("POST", "/v1/earnings", {"earnings": [SALE | {"event_id": "e1"}]}, 200, schemas.EarningsAnswer),
    ("POST", "/v1/earnings", {"earnings": [SALE | {"event_id": "e1"}]}, 200, schemas.EarningsAnswer),
    ("POST", "/v1/earnings", {"earnings": [SALE | {"event_id": "e1", "store": "x"}]}, 200, schemas.EarningsAnswer),
    ("POST", "/v1/quotes", {"earning": SALE}, 200, schemas.QuoteAnswer),
    ("POST", "/v1/quotes", {"earning": WAITING}, 200, schemas.QuoteAnswer),
    ("POST", "/v1/earnings", {"earnings": [WAITING | {"event_id": "w1"}]}, 200, schemas.EarningsAnswer),
    ("POST", "/v1/quotes", {"redemption": WISH}, 200, schemas.QuoteAnswer),
    ("POST", "/v1/quotes", {"redemption": WISH | {"points": 10**9}}, 200, schemas.QuoteAnswer),
    ("POST", "/v1/redemptions", WISH | {"redemption_id": "r1"}, 200, schemas.RedemptionAnswer),
    ("POST", "/v1/redemptions", WISH | {"redemption_id": "r1"}, 200, schemas.RedemptionAnswer),
    ("POST", "/v1/redemptions", WISH | {"redemption_id": "r2", "points": 10**9}, 409, ProblemSchema),
    ("POST", "/v1/redemptions", {}, 422, ProblemSchema),
    ("POST", "/v1/redemptions", WISH | {"redemption_id": "h1", "hold": 60}, 200, schemas.RedemptionAnswer),
    ("POST", "/v1/redemptions", WISH | {"redemption_id": "h2", "hold": 60}, 200, schemas.RedemptionAnswer),
    ("POST", "/v1/redemptions", WISH | {"redemption_id": "p1", "pool": True}, 409, ProblemSchema),
    ("POST", "/v1/redemptions/h1/capture", {"points": 8}, 409, ProblemSchema),
    ("POST", "/v1/redemptions/h1/capture", {"points": 5}, 200, returns.CaptureAnswer),
    ("POST", "/v1/redemptions/h1/capture", {"points": 5}, 200, returns.CaptureAnswer),
    ("POST", "/v1/redemptions/h1/void", None, 409, ProblemSchema),
    ("POST", "/v1/redemptions/h2/void", None, 200, returns.VoidAnswer),
    ("POST", "/v1/redemptions/h2/void", {}, 200, returns.VoidAnswer),
    ("POST", "/v1/redemptions/h1/reverse", {"points": 2, "reversal_id": "v1"}, 200, returns.ReversalAnswer),
    ("POST", "/v1/redemptions/h1/reverse", None, 200, returns.ReversalAnswer),
    ("POST", "/v1/redemptions/h1/reverse", None, 200, returns.ReversalAnswer),
    ("POST", "/v1/earnings/e1/confirm", None, 409, ProblemSchema),
    ("POST", "/v1/quotes", {"exchange": SWAP}, 200, schemas.QuoteAnswer),
    ("POST", "/v1/quotes", {"exchange": SWAP | {"direction": "in"}}, 200, schemas.QuoteAnswer),
    ("POST", "/v1/quotes", {"exchange": SWAP | {"amount": 99}}, 422, ProblemSchema),
    ("POST", "/v1/quotes", {"exchange": SWAP}, 200, schemas.QuoteAnswer),
    ("POST", "/v1/exchanges", TAKE | {"exchange_id": "x1"}, 200, exchanging.ExchangeAnswer),
    ("POST", "/v1/exchanges", TAKE | {"exchange_id": "x1"}, 200, exchanging.ExchangeAnswer),
    ("POST", "/v1/exchanges", TAKE | {"exchange_id": "x2"}, 409, ProblemSchema),
    ("POST", "/v1/exchanges/x1/confirm", {}, 200, exchanging.ExchangeAnswer),
    ("POST", "/v1/exchanges/x1/fail", {}, 409, ProblemSchema),
    ("POST", "/v1/exchanges/x1/reverse", None, 200, exchanging.ExchangeAnswer),
    ("GET", "/v1/exchanges/x1", None, 200, exchanging.ExchangeAnswer),
    ("GET", "/v1/exchanges/x2", None, 404, ProblemSchema),
    ("GET", "/v1/exchanges?state=reversed", None, 200, exchanging.ExchangesAnswer),
    ("POST", "/v1/refunds", {"refunds": [PART, PART, REST, REST | {"event_id": "f3"}]}, 200, returns.RefundsAnswer),
    ("GET", "/v1/members/card:a", None, 200, schemas.MemberAnswer),
    ("POST", "/v1/earnings/w1/confirm", None, 200, returns.ConfirmationAnswer),
    ("POST", "/v1/earnings/w1/confirm", {}, 200, returns.ConfirmationAnswer),
    ("GET", "/v1/members/card:nobody", None, 404, ProblemSchema),
    ("GET", "/v1/expiring?until=2017-12-31", None, 200, schemas.ExpiringAnswer),
    ("POST", "/v1/transfers", GIFT, 200, between.TransferAnswer),
    ("POST", "/v1/transfers", GIFT, 200, between.TransferAnswer),
    ("POST", "/v1/transfers", GIFT | {"transfer_id": "t2", "kind": "donation"}, 409, ProblemSchema),
    ("POST", "/v1/pools", POOL, 200, between.PoolAnswer),
    ("POST", "/v1/pools", POOL, 200, between.PoolAnswer),
    ("POST", "/v1/redemptions", WISH | {"redemption_id": "p2", "pool": True}, 200, schemas.RedemptionAnswer),
    ("POST", "/v1/merges", MERGE, 200, between.MergeAnswer),
    ("POST", "/v1/merges", MERGE, 200, between.MergeAnswer),
    ("POST", "/v1/merges", MERGE | {"event_id": "m2"}, 409, ProblemSchema),
    ("POST", "/v1/merges/m1/undo", None, 200, between.MergeAnswer),
    ("POST", "/v1/merges/m1/undo", {}, 200, between.MergeAnswer),
    ("POST", "/v1/cards", CARD, 200, cards.CardLinkAnswer),
    ("POST", "/v1/cards", CARD | {"event_id": "c2"}, 409, ProblemSchema),
    ("POST", "/v1/cards/c1/replace", {"event_id": "c3", "card": "tok-2", "reason": "lost"}, 200, cards.CardLinkAnswer),
    ("POST", "/v1/card-records", {"records": RECORDS}, 200, card_records.CardRecordsAnswer),
    ("POST", "/v1/card-records", {"records": RECORDS}, 200, card_records.CardRecordsAnswer),
    ("POST", "/v1/cards/c1/unlink", {"reason": "closed"}, 409, ProblemSchema),
    ("POST", "/v1/cards/c3/unlink", {"reason": "closed"}, 200, cards.CardUnlinkAnswer),
    ("GET", "/v1/cards?member=card:a", None, 200, cards.CardsAnswer),
    ("POST", "/v1/files", BULK, 200, files.FileAnswer),
    ("POST", "/v1/files", BULK | {"bytes": 7}, 409, ProblemSchema),
    ("POST", "/v1/files/b1/complete", None, 409, ProblemSchema),
    ("POST", "/v1/files/b1/parts/1", {"content": b64encode(LINES).decode()}, 200, files.FilePartAnswer),
    ("POST", "/v1/files/b1/parts/1", {"content": b64encode(LINES).decode()}, 200, files.FilePartAnswer),
    ("POST", "/v1/files/b1/complete", {}, 200, files.FileAnswer),
    ("GET", "/v1/files/b1", None, 200, files.FileAnswer),
    ("GET", "/v1/files/b1/results", None, 200, files.FileResultsAnswer),
    ("GET", "/v1/packs", None, 200, packs.PacksAnswer),
    ("GET", "/v1/rates", None, 200, schemas.RatesAnswer),
    ("GET", "/v1/events?limit=1", None, 200, schemas.EventsAnswer),
    ("GET", "/v1/events", None, 200, schemas.EventsAnswer),
    ("GET", "/v1/events/gaps", None, 200, schemas.GapsAnswer),
    ("GET", "/v1/events?gaps", None, 200, schemas.GapsAnswer),
    ("GET", "/v1/events?gaps=false", None, 422, ProblemSchema),
    ("GET", "/v1/statements", None, 200, schemas.StatementsAnswer),
    ("GET", "/v1/statements/2017-01", None, 200, schemas.StatementAnswer),
    ("GET", "/v1/statements/2017-01/lines", None, 200, schemas.StatementLinesAnswer),
    ("POST", "/v1/disputes", DISPUTE, 200, disputing.DisputeAnswer),
    ("POST", "/v1/disputes", DISPUTE | {"reason": "returned"}, 409, ProblemSchema),
    ("POST", "/v1/disputes", DISPUTE | {"cycle": "2016-12"}, 409, ProblemSchema),
    ("GET", "/v1/disputes/d1", None, 200, disputing.DisputeAnswer),
    ("GET", "/v1/disputes?limit=1", None, 200, schemas.DisputesAnswer),
    ("GET", "/v1/statements/2017-01", None, 200, schemas.StatementAnswer),
    ("POST", "/v1/disputes/d1/escalate", {"reason": "fraud"}, 409, ProblemSchema),
    ("POST", "/v1/disputes/d1/withdraw", None, 200, disputing.DisputeAnswer),
    ("GET", "/v1/liability", None, 200, liability.LiabilityAnswer),
    ("GET", "/v1/accruals?cycle=2017-01", None, 200, liability.AccrualsAnswer),
    ("GET", "/v1/records?day=2017-01-10", None, 200, records.RecordsAnswer),
    ("GET", "/v1/records", None, 422, ProblemSchema),
    ("GET", "/v1/events/e1/explanation", None, 200, explaining.ExplanationAnswer),
    ("POST", "/v1/claims", CLAIM, 200, claiming.ClaimAnswer),
    ("POST", "/v1/claims", CLAIM | {"reason": "other"}, 409, ProblemSchema),
    ("GET", "/v1/claims/q1", None, 200, claiming.ClaimAnswer),
    ("GET", "/v1/claims?limit=1", None, 200, claiming.ClaimsAnswer),
    ("POST", "/v1/claims/q1/moves", {"move": "grant"}, 403, ProblemSchema),
    ("POST", "/v1/claims/q1/moves", {"move": "withdraw"}, 200, claiming.ClaimAnswer),
    ("GET", "/v1/log/checkpoint", None, 200, log.CheckpointAnswer),
    ("GET", "/v1/log/proof?event_id=r1", None, 200, log.ProofAnswer),
    ("GET", "/v1/log/proof?event_id=r1&partner=grocer&size=9", None, 200, log.ProofAnswer),
    ("GET", "/v1/log/proof?event_id=r1&size=1", None, 422, ProblemSchema),
    ("GET", "/v1/log/consistency?from=3&to=9", None, 200, log.ConsistencyAnswer),
    ("GET", "/v1/webhooks", None, 200, webhooks.WebhooksAnswer),
    ("POST", "/v1/webhooks", WEBHOOK | {"url": "https://10.0.0.1/"}, 422, ProblemSchema),
    ("POST", "/v1/webhooks", WEBHOOK, 200, webhooks.WebhookSchema),
    ("GET", "/v1/webhooks", None, 200, webhooks.WebhooksAnswer),
    ("GET", "/v1/webhooks/w1/dead", None, 200, webhooks.DeadLettersAnswer),
    ("POST", "/v1/webhooks/w1/replay", {"since": "2017-01-01T00:00:00Z"}, 200, webhooks.ReplayAnswer),
    ("POST", "/v1/webhooks/w1/remove", None, 200, webhooks.RemovedAnswer),
    ("POST", "/v1/webhooks/w1/remove", {}, 404, ProblemSchema),
    ("POST", "/v1/keys/rotate", {}, 200, schemas.RotationAnswer),
    ("GET", "/v1/ping", None, 200, schemas.PingAnswer),
    ("GET", "/v1/hub-keys", None, 200, schemas.HubKeysAnswer),
]


def test_answers_are_as_documented(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """One story that touches every call; each answer is held against its schema, which refuses unknown members."""
    with running(postgres_url, tmp_path_factory.mktemp("hub")) as own:
        client, quote_id = own.client("grocer"), ""
        usual = {"refunds": "debt", "merges": True, "cards": {}}
        waiting = usual | {"maturity": {"confirmed": True}}
        partners.set_contract(own.hub, "grocer", date(2017, 1, 9), 6, True, waiting)
        partners.set_contract(own.hub, "grocer", date(2017, 1, 10), 6, True, usual)
        templates.add(own.hub, "grocer", "daily", TEMPLATE, "ada")
        publish(own.hub, "grocer", **OUT)
        publish(own.hub, "grocer", **IN)
        for method, path, content, status, schema in CALLS:
            if path == "/v1/statements":
                assert redeem(own.client("fuel"), "r1", "card:a", 3).status == 200
                cycles.close_and_publish(own.hub, "2017-01", "operator", "second operator")
            if path.endswith("/results"):
                _await_posted(own, client, path.removesuffix("/results"))
            if path == "/v1/log/checkpoint":
                sealing.seal(own.hub)
            asked = rotation(client.keyid, PrivateKey.generate()) if path.endswith("rotate") else content
            answer = client.call(method, path, _asked(asked, quote_id))
            quote_id = answer.json.get("exchange", {}).get("quote_id", quote_id)
            assert (answer.status, answer.signed) == (status, True), (path, answer.body)
            validate(schema, answer.json)


def _await_posted(own: Network, client: RawClient, path: str) -> None:
    """Let a file be posted, by this process or by the hub, whose own worker may be at it already."""
    until = time.monotonic() + PATIENCE_S
    while client.call("GET", path).json["state"] != "posted":
        assert time.monotonic() < until
        file_worker.work_off(own.hub)
        time.sleep(0.05)


def _asked(content: Any, quote_id: str) -> Any:
    """A body, with the quote that the last answer gave where it asks for one."""
    return content | {"quote_id": quote_id} if content and "quote_id" in content else content


def test_every_schema_of_an_answer_is_exercised() -> None:
    assert {endpoint.answer for endpoint in SIGNED} <= {call[4] for call in CALLS}
