"""Whatever arrives after a good signature: 4xx with the right code, signed, nothing half done, and never a 5xx.

The signature is right everywhere here, so each request gets as far as it can before it is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator
from copy import deepcopy
from typing import Any

import pytest

from hub.api.routes import SIGNED
from partner_sdk.wire.codes import CODES, PROBLEM_TYPE
from partner_sdk.wire.keys import PrivateKey, registration
from partner_sdk.wire.schemas import ProblemSchema, validate
from tests.support.network import Network, earn, redeem, sale
from tests.support.raw import Answer, RawClient
from tests.support.spelled import sign, unsigned

MAX_BODY_BYTES = 1_048_576
WRITES = (
    "/v1/earnings", "/v1/refunds", "/v1/redemptions", "/v1/quotes", "/v1/exchanges", "/v1/members", "/v1/keys",
    "/v1/transfers", "/v1/pools", "/v1/merges", "/v1/webhooks",
    "/v1/disputes", "/v1/cards", "/v1/card-records", "/v1/cards/none/unlink", "/v1/cards/none/replace", "/v1/files",
    "/v1/claims", "/v1/claims/none/moves", "/v1/files/none/parts/1", "/v1/keys/rotate",
    "/v1/disputes/none/escalate",
)  # fmt: skip
FOLLOWING = (
    "/v1/redemptions/none/capture",
    "/v1/redemptions/none/void",
    "/v1/redemptions/none/reverse",
    "/v1/earnings/none/confirm",
    "/v1/merges/none/undo",
    "/v1/exchanges/none/confirm",
    "/v1/exchanges/none/fail",
    "/v1/exchanges/none/reverse",
    "/v1/files/none/complete",
    "/v1/disputes/none/withdraw",
    "/v1/webhooks/none/replay",
    "/v1/webhooks/none/remove",
)
"""Calls about an event that is named in the path; their bodies may be left out."""


@pytest.fixture(scope="module")
def client(net: Network) -> RawClient:
    return net.join(terms={"merges": True})


@pytest.fixture
def untouched(net: Network) -> Iterator[None]:
    """Every table has as many rows after the test as before."""
    before = net.rows()
    yield
    assert net.rows() == before


def _assert_refused(answer: Answer, code: str) -> None:
    assert (answer.status, answer.code) == (CODES[code].status, code), answer.body
    assert answer.signed
    assert answer.headers["Content-Type"] == PROBLEM_TYPE
    validate(ProblemSchema, answer.json)


def test_no_call_that_takes_a_body_is_forgotten() -> None:
    taking = {re.sub(r"\{\w+\}", "none", one.path) for one in SIGNED if one.method == "POST"}
    assert taking | {"/v1/keys"} == {path.replace("parts/1", "parts/none") for path in WRITES + FOLLOWING}


# --- bodies that are not strict JSON ---

MALFORMED: dict[str, bytes] = {
    "a blank": b" ",
    "cut short": b'{"earnings": [',
    "no value": b'{"a":}',
    "comma at the end of an object": b'{"a": 1,}',
    "comma at the end of an array": b"[1,]",
    "single quotes": b"{'a': 1}",
    "a name without quotes": b"{a: 1}",
    "a comment": b'{"a": 1} // one',
    "two documents": b"{} {}",
    "rubbish after the document": b"{}x",
    "a leading nought": b'{"a": 01}',
    "a plus sign": b'{"a": +1}',
    "no digit before the point": b'{"a": .5}',
    "no digit after the point": b'{"a": 1.}',
    "hexadecimal": b'{"a": 0x10}',
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": Infinity}',
    "minus Infinity": b'{"a": -Infinity}',
    "a float": b'{"a": 1.5}',
    "a float that is whole": b'{"a": 1.0}',
    "an exponent": b'{"a": 1e2}',
    "a huge exponent": b'{"a": 1E400}',
    "10 to the 400th": b'{"a": 1' + b"0" * 400 + b"}",
    "20 digits": b'{"a": 10000000000000000000}',
    "True": b'{"a": True}',
    "undefined": b'{"a": undefined}',
    "an unended string": b'{"a": "b',
    "an unknown escape": rb'{"a": "\x41"}',
    "half an escape": rb'{"a": "\u12"}',
    "a raw control character": b'{"a": "\x1f"}',
    "a raw NUL": b'{"a": "\x00"}',
    "an escaped NUL": rb'{"a": "\u0000"}',
    "an escaped NUL in a name": rb'{"a\u0000": 1}',
    "a lone high surrogate": rb'{"a": "\ud83d"}',
    "a lone low surrogate": rb'{"a": "\ude00"}',
    "surrogates the wrong way round": rb'{"a": "\ude00\ud83d"}',
    "a lone surrogate in a name": rb'{"\ud83d": 1}',
    "a surrogate in UTF-8": b'{"a": "\xed\xa0\x80"}',
    "an overlong sequence": b'{"a": "\xc0\xaf"}',
    "Latin-1": b'{"a": "\xe9"}',
    "a byte beyond Unicode": b'{"a": "\xf5\x80\x80\x80"}',
    "a byte order mark": b'\xef\xbb\xbf{"a": 1}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "UTF-32": '{"a": 1}'.encode("utf-32-le"),
    "a name twice": b'{"a": 1, "a": 1}',
    "a name twice, spelled otherwise": rb'{"a": 1, "\u0061": 1}',
    "a name twice, deep down": b'{"a": [{"b": {"c": 1, "c": 2}}]}',
    "17 levels": b"[" * 17 + b"]" * 17,
    "2,000 arrays": b"[" * 2_000 + b"]" * 2_000,
    "650 objects": b'{"a":' * 650 + b"1" + b"}" * 650,
    "60,000 arrays": b"[" * 60_000 + b"]" * 60_000,
    "60,000 arrays, not closed": b"[" * 60_000,
    "60,000 objects": b'{"a":' * 60_000 + b"1" + b"}" * 60_000,
    "a million arrays": b"[" * 1_000_000,
    "compressed": b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    "form data": b"a=1&b=2",
}


@pytest.mark.parametrize("path", WRITES + FOLLOWING)
@pytest.mark.usefixtures("untouched")
def test_what_is_not_strict_json_is_malformed(client: RawClient, path: str) -> None:
    for name, body in MALFORMED.items():
        answer = client.send("POST", path, body)
        assert answer.code == "malformed_json", name
        _assert_refused(answer, "malformed_json")


@pytest.mark.parametrize("path", WRITES + FOLLOWING)
@pytest.mark.parametrize("body", [b"null", b"true", b"-0", b'"x"', b"[]", b"{}", b'[{"earnings": []}]', b"9" * 19])
@pytest.mark.usefixtures("untouched")
def test_json_of_another_shape_is_invalid(client: RawClient, path: str, body: bytes) -> None:
    fits = path in FOLLOWING and body == b"{}"
    unknown = {"files": "unknown_file", "disputes": "unknown_dispute", "webhooks": "unknown_webhook"}
    due = unknown.get(path.split("/")[2], "unknown_event") if fits else "invalid_request"
    _assert_refused(client.send("POST", path, body), due)


# --- bodies with one thing wrong ---

ITEM = {"sku": "4711", "category": "milk", "quantity": 2, "minor": 500}
EARNING = sale(
    "good", "card:good", store="s1", terminal="t1", channel="till", items=[ITEM], points=10
)  # every member there is
REFUND = {
    "event_id": "good",
    "refunds": "none",
    "occurred_at": EARNING["occurred_at"],
    "amount": EARNING["amount"],
    "items": [ITEM],
}
QUOTED = {name: value for name, value in EARNING.items() if name != "event_id"}
REGISTRATION = registration("grocer", PrivateKey.from_seed(bytes(range(32))))
GOOD: dict[str, dict[str, Any]] = {
    "/v1/earnings": {"earnings": [EARNING]},
    "/v1/refunds": {"refunds": [REFUND]},
    "/v1/redemptions": {"redemption_id": "good", "member": "card:good", "points": 1, "hold": 60, "pool": True},
    "/v1/quotes": {"earning": QUOTED},
    "/v1/exchanges": {"exchange_id": "good", "quote_id": "good", "member": "card:good"},
    "/v1/members": {"members": [{"member": "card:good", "identifiers": ["phone:1", "email:a@b"]}]},
    "/v1/keys": REGISTRATION,
    "/v1/disputes": {
        "dispute_id": "good",
        "cycle": "2017-01",
        "lines": [{"partner": "fuel", "event_id": "good", "line": 1, "minor": 1}],
        "reason": "fraud",
        "evidence": {"events": ["good"], "receipts": ["good"]},
    },
    "/v1/webhooks": {"webhook_id": "w1", "url": "https://93.184.216.34/hansa", "topics": ["points.posted"]},
}
GOOD |= {
    "/v1/claims/none/moves": {"move": "grant", "partner": "grocer", "sha256": "ab" * 32},
    "/v1/redemptions/none/capture": {"points": 1},
    "/v1/redemptions/none/void": {},
    "/v1/redemptions/none/reverse": {"points": 1, "reversal_id": "good"},
    "/v1/earnings/none/confirm": {},
    "/v1/merges/none/undo": {},
    "/v1/files/none/complete": {},
    "/v1/files": {
        "file_id": "good",
        "template": "none",
        "bytes": 1,
        "sha256": "ab" * 32,
        "compression": "gzip",
        "sequence": 1,
        "corrects": "none",
    },
    "/v1/transfers": {"transfer_id": "good", "member": "card:good", "to": "card:1", "points": 1, "kind": "gift"},
    "/v1/pools": {
        "event_id": "good",
        "pool_id": "home",
        "members": [{"member": "card:good", "share": 1, "may_spend": True}],
    },
    "/v1/merges": {"event_id": "good", "member": "card:good", "into": "card:1", "reason": "one person"},
    "/v1/cards": {
        "event_id": "good",
        "card": "tok-1",
        "member": "card:good",
        "consent": "c-1",
        "product": "gold",
        "linked_at": EARNING["occurred_at"],
    },
    "/v1/claims": {
        "claim_id": "good",
        "member": "card:good",
        "occurred_at": EARNING["occurred_at"],
        "amount": EARNING["amount"],
        "at": "grocer",
        "reference": "none",
        "reason": "other",
        "evidence": {"sha256": "ab" * 32},
    },
    "/v1/card-records": {
        "records": [
            {
                "event_id": "good",
                "kind": "clearing",
                "card": "tok-1",
                "occurred_at": EARNING["occurred_at"],
                "amount": EARNING["amount"],
                "merchant": "m1",
                "category": "5411",
                "partner": "grocer",
                "refers_to": "none",
            }
        ]
    },
    "/v1/cards/none/unlink": {"reason": "lost", "unlinked_at": EARNING["occurred_at"]},
    "/v1/cards/none/replace": {
        "event_id": "good",
        "card": "tok-1",
        "reason": "lost",
        "product": "gold",
        "replaced_at": EARNING["occurred_at"],
    },
    "/v1/exchanges/none/confirm": {},
    "/v1/exchanges/none/fail": {},
    "/v1/exchanges/none/reverse": {},
    "/v1/files/none/parts/1": {"content": "AAAA"},
    "/v1/disputes/none/escalate": {"reason": "fraud", "evidence": {"events": ["good"]}},
    "/v1/keys/rotate": {name: value for name, value in REGISTRATION.items() if name != "partner"},
    "/v1/disputes/none/withdraw": {},
    "/v1/webhooks/none/replay": {"since": EARNING["occurred_at"]},
    "/v1/webhooks/none/remove": {},
}
EXCHANGE = {"member": "card:good", "direction": "out", "unit": "MILES", "amount": 100}
REQUIRED = {
    "event_id", "member", "occurred_at", "amount", "minor", "currency", "sku", "category", "quantity",
    "records", "earnings", "refunds", "redemption_id", "members", "partner", "public_key", "proof", "kty", "crv", "x",
    "transfer_id", "to", "pool_id", "share", "may_spend", "into", "reason", "webhook_id", "url", "topics",
    "exchange_id", "quote_id", "direction", "unit", "card", "consent", "claim_id",
}  # fmt: skip
OPTIONAL = {"/v1/refunds": {"amount"}, "/v1/card-records": {"partner"}, "/v1/claims/none/moves": {"partner"}}
WRONG_TEXT: tuple[Any, ...] = (None, True, 1, [], {}, "", "\x01", "\u2028", "x" * 301)
WRONG_NUMBER: tuple[Any, ...] = (None, True, "1", [], {}, -1, 10**18)
WRONG_FLAG: tuple[Any, ...] = (None, 0, 1, "true", [], {})
Step = str | int


def _places(value: Any, path: tuple[Step, ...] = ()) -> Iterator[tuple[tuple[Step, ...], Any]]:
    """Every place in a document, with what is there."""
    yield path, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, member in inner:
        yield from _places(member, (*path, step))


def _wrong(value: Any) -> tuple[Any, ...]:
    if isinstance(value, bool):
        return WRONG_FLAG
    return WRONG_TEXT if isinstance(value, str) else WRONG_NUMBER


def _faulty(good: dict[str, Any], optional: Collection[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each way to spoil a document in one place: (JSON pointer to it, the document)."""
    for path, value in _places(good):
        if isinstance(value, dict):
            yield _pointer(*path, "unknown"), _changed(good, path, value | {"unknown": 1})
            for name in REQUIRED.intersection(value).difference(optional):
                kept = {own: member for own, member in value.items() if own != name}
                yield _pointer(*path, name), _changed(good, path, kept)
        elif not isinstance(value, list):
            for wrong in _wrong(value):
                yield _pointer(*path), _changed(good, path, wrong)
        for wrong in (None, "x", 1) if path and isinstance(value, dict | list) else ():
            yield _pointer(*path), _changed(good, path, wrong)


def _pointer(*path: Step) -> str:
    return "".join(f"/{step}" for step in path)


def _changed(document: dict[str, Any], path: tuple[Step, ...], value: Any) -> dict[str, Any]:
    if not path:
        return dict(value)
    changed = deepcopy(document)
    spot: Any = changed
    for step in path[:-1]:
        spot = spot[step]
    spot[path[-1]] = value
    return changed


@pytest.mark.parametrize("path", WRITES + FOLLOWING)
@pytest.mark.usefixtures("untouched")
def test_one_wrong_value_is_invalid_and_pointed_at(client: RawClient, path: str) -> None:
    for pointer, document in _faulty(GOOD[path], OPTIONAL.get(path, ())):
        answer = client.call("POST", path, document)
        assert answer.code == "invalid_request", (pointer, document)
        _assert_refused(answer, "invalid_request")
        assert pointer in [error["pointer"] for error in answer.json["errors"]], document


@pytest.mark.usefixtures("untouched")
def test_one_wrong_value_of_a_quoted_exchange_is_pointed_at(client: RawClient) -> None:
    for pointer, document in _faulty({"exchange": EXCHANGE}, ()):
        answer = client.call("POST", "/v1/quotes", document)
        _assert_refused(answer, "invalid_request")
        assert pointer in [error["pointer"] for error in answer.json["errors"]], document


WRONG_VALUES: dict[str, tuple[str, Any]] = {
    "id with a blank": ("event_id", "a b"),
    "id of 101 characters": ("event_id", "x" * 101),
    "id with a slash": ("event_id", "a/b"),
    "member without a scheme": ("member", "4711"),
    "member without a value": ("member", "card:"),
    "member with a blank": ("member", "card:1 2"),
    "member with a control character": ("member", "card:\x7f"),
    "member in capitals": ("member", "CARD:1"),
    "member of 201 characters": ("member", "card:" + "1" * 201),
    "time without seconds": ("occurred_at", "2017-01-10T09:00Z"),
    "time without an offset": ("occurred_at", "2017-01-10T09:00:00"),
    "time as a number": ("occurred_at", 1_484_038_800),
    "time in words": ("occurred_at", "yesterday"),
    "29 February of a common year": ("occurred_at", "2017-02-29T00:00:00Z"),
    "24 o'clock": ("occurred_at", "2017-01-10T24:00:00Z"),
    "a leap second": ("occurred_at", "2016-12-31T23:59:60Z"),
    "the year 1999": ("occurred_at", "1999-12-31T23:59:59Z"),
    "the year 9999": ("occurred_at", "9999-01-01T00:00:00Z"),
    "an offset of a day": ("occurred_at", "2017-01-10T09:00:00+24:00"),
    "nanoseconds": ("occurred_at", "2017-01-10T09:00:00.123456789Z"),
    "time in other digits": ("occurred_at", "２017-01-10T09:00:00Z"),
    "currency in small letters": ("amount", {"minor": 1, "currency": "usd"}),
    "currency of four letters": ("amount", {"minor": 1, "currency": "USDT"}),
    "amount as text": ("amount", {"minor": "1000", "currency": "USD"}),
    "amount below nothing": ("amount", {"minor": -1, "currency": "USD"}),
    "amount over the limit": ("amount", {"minor": 10**12 + 1, "currency": "USD"}),
    "items beyond 500": ("items", [ITEM] * 501),
    "quantity of nothing": ("items", [ITEM | {"quantity": 0}]),
    "points over the limit": ("points", 10**9 + 1),
    "a label of 65 characters": ("store", "x" * 65),
}


@pytest.mark.parametrize("name", WRONG_VALUES)
@pytest.mark.usefixtures("untouched")
def test_a_value_out_of_range_spoils_the_whole_batch(client: RawClient, net: Network, name: str) -> None:
    member, value = WRONG_VALUES[name]
    batch = [sale(net.fresh("e"), net.member()) for _ in range(3)]
    batch.insert(2, sale(net.fresh("e"), net.member()) | {member: value})
    answer = earn(client, *batch)
    _assert_refused(answer, "invalid_request")
    assert all(error["pointer"].startswith(f"/earnings/2/{member}") for error in answer.json["errors"])


def _earnings(count: int) -> dict[str, Any]:
    return {"earnings": [sale(f"many{number}", "card:many") for number in range(count)]}


def _members(count: int) -> dict[str, Any]:
    return {"members": [{"member": f"card:many{number}"} for number in range(count)]}


def _identifiers(count: int) -> dict[str, Any]:
    return {"members": [{"member": "card:many", "identifiers": [f"phone:{number}" for number in range(count)]}]}


POOLED = GOOD["/v1/pools"]["members"][0]
OUT_OF_SIZE = {
    "no earning": ("/v1/earnings", _earnings(0)),
    "1,001 earnings": ("/v1/earnings", _earnings(1001)),
    "no member": ("/v1/members", _members(0)),
    "1,001 members": ("/v1/members", _members(1001)),
    "no identifier": ("/v1/members", _identifiers(0)),
    "11 identifiers": ("/v1/members", _identifiers(11)),
    "a quote for both": ("/v1/quotes", {"earning": QUOTED, "redemption": {"member": "card:1", "points": 1}}),
    "a quote for two": ("/v1/quotes", {"exchange": EXCHANGE, "redemption": {"member": "card:1", "points": 1}}),
    "a quote of nothing": ("/v1/quotes", {"exchange": EXCHANGE | {"amount": 0}}),
    "a quote over the limit": ("/v1/quotes", {"exchange": EXCHANGE | {"amount": 10**9 + 1}}),
    "a quote in another direction": ("/v1/quotes", {"exchange": EXCHANGE | {"direction": "sideways"}}),
    "a unit in small letters": ("/v1/quotes", {"exchange": EXCHANGE | {"unit": "miles"}}),
    "a unit of 17 letters": ("/v1/quotes", {"exchange": EXCHANGE | {"unit": "M" * 17}}),
    "a quote of 256 letters": ("/v1/exchanges", GOOD["/v1/exchanges"] | {"quote_id": "A" * 256}),
    "a quote with padding": ("/v1/exchanges", GOOD["/v1/exchanges"] | {"quote_id": "AA=="}),
    "a redemption of nothing": ("/v1/redemptions", {"redemption_id": "r", "member": "card:1", "points": 0}),
    "a redemption over the limit": ("/v1/redemptions", {"redemption_id": "r", "member": "card:1", "points": 10**9 + 1}),
    "a hold of no time": ("/v1/redemptions", GOOD["/v1/redemptions"] | {"hold": 0}),
    "a hold of 31 days": ("/v1/redemptions", GOOD["/v1/redemptions"] | {"hold": 31 * 86_400}),
    "no refund": ("/v1/refunds", {"refunds": []}),
    "1,001 refunds": ("/v1/refunds", {"refunds": [REFUND] * 1_001}),
    "a refund without items": ("/v1/refunds", {"refunds": [REFUND | {"items": []}]}),
    "a refund of 501 items": ("/v1/refunds", {"refunds": [REFUND | {"items": [ITEM] * 501}]}),
    "a transfer of nothing": ("/v1/transfers", GOOD["/v1/transfers"] | {"points": 0}),
    "a transfer over the limit": ("/v1/transfers", GOOD["/v1/transfers"] | {"points": 10**9 + 1}),
    "a pool of 51": ("/v1/pools", GOOD["/v1/pools"] | {"members": GOOD["/v1/pools"]["members"] * 51}),
    "a share of nothing": ("/v1/pools", GOOD["/v1/pools"] | {"members": [POOLED | {"share": 0}]}),
    "a share over the limit": ("/v1/pools", GOOD["/v1/pools"] | {"members": [POOLED | {"share": 10**6 + 1}]}),
    "a capture of nothing": ("/v1/redemptions/none/capture", {"points": 0}),
    "a capture over the limit": ("/v1/redemptions/none/capture", {"points": 10**9 + 1}),
    "a reversal of nothing": ("/v1/redemptions/none/reverse", {"points": 0}),
    "a reversal over the limit": ("/v1/redemptions/none/reverse", {"points": 10**9 + 1}),
}


@pytest.mark.parametrize("name", OUT_OF_SIZE)
@pytest.mark.usefixtures("untouched")
def test_too_few_or_too_many_are_refused_whole(client: RawClient, name: str) -> None:
    _assert_refused(client.call("POST", *OUT_OF_SIZE[name]), "invalid_request")


def test_at_most_fifty_faults_are_told(client: RawClient) -> None:
    answer = client.call("POST", "/v1/earnings", {"earnings": [{"nonsense": 1}] * 1000})
    _assert_refused(answer, "invalid_request")
    assert len(answer.json["errors"]) == 50


# --- sizes and framing ---


@pytest.mark.parametrize("path", WRITES + FOLLOWING)
@pytest.mark.parametrize("size", [MAX_BODY_BYTES + 1, 2 * MAX_BODY_BYTES])
@pytest.mark.usefixtures("untouched")
def test_a_body_over_the_limit_is_too_large(client: RawClient, path: str, size: int) -> None:
    _assert_refused(client.send("POST", path, b" " * size), "body_too_large")


def test_a_body_of_the_limit_is_read(client: RawClient, net: Network) -> None:
    body = json.dumps({"earnings": [sale(net.fresh("e"), net.member())]}).encode().ljust(MAX_BODY_BYTES)
    assert client.send("POST", "/v1/earnings", body).json["results"][0]["status"] == "posted"


def _in_chunks(client: RawClient, body: bytes, pieces: list[bytes]) -> Answer:
    fields = [("Host", client.authority), *client.signed("POST", "/v1/members", body).items()]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return client.transmit("POST", "/v1/members", [*fields, ("Transfer-Encoding", "chunked")], chunks + b"0\r\n\r\n")


def test_a_body_in_chunks_is_the_same_body(client: RawClient, net: Network) -> None:
    body = json.dumps({"members": [{"member": net.member()}]}).encode()
    answer = _in_chunks(client, body, [body[:7], body[7:9], body[9:]])
    assert (answer.status, answer.signed) == (200, True)
    assert answer.json["results"][0]["status"] == "enrolled"


@pytest.mark.usefixtures("untouched")
def test_a_body_in_chunks_has_the_same_limit(client: RawClient) -> None:
    body = b" " * (2 * MAX_BODY_BYTES)
    _assert_refused(_in_chunks(client, body, [body[:1000], body[1000:]]), "body_too_large")


@pytest.mark.usefixtures("untouched")
def test_a_body_that_breaks_off_is_refused(client: RawClient) -> None:
    body = b'{"members": [{"member": "card:broken"}]}'
    fields = [("Host", client.authority), *client.signed("POST", "/v1/members", body).items()]
    cut = client.transmit("POST", "/v1/members", [*fields, ("Content-Length", "10")], body[:10])
    _assert_refused(cut, "digest_mismatch")
    garbled = [*fields, ("Transfer-Encoding", "chunked")]
    _assert_refused(client.transmit("POST", "/v1/members", garbled, b"zz\r\n" + body), "malformed_request")


CONTENT_TYPES = (
    "text/plain", "text/json", "application/jsonx", "application/problem+json", "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x", "application/json; charset=latin-1", "application/json; charset=utf-8; a=b",
    "application/json, application/json", "*/*", "\xff",
)  # fmt: skip


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
@pytest.mark.usefixtures("untouched")
def test_another_content_type_is_unsupported(client: RawClient, content_type: str) -> None:
    for path in WRITES + FOLLOWING:
        _assert_refused(_typed(client, path, b"{}", content_type), "unsupported_media_type")


def _typed(client: RawClient, path: str, body: bytes, content_type: str) -> Answer:
    return client.transmit(*sign(client, unsigned(client, "POST", path, body, content_type)))


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.usefixtures("untouched")
def test_no_body_has_no_content_type(client: RawClient, path: str) -> None:
    _assert_refused(client.send("POST", path, b""), "unsupported_media_type")


READS = (
    "/v1/ping", "/v1/rates", "/v1/events", "/v1/members/card:1", "/v1/statements", "/v1/statements/2017-01",
    "/v1/expiring?until=2017-12-31", "/v1/exchanges", "/v1/exchanges/none", "/v1/disputes",
    "/v1/files/none", "/v1/files/none/results", "/v1/packs", "/v1/claims", "/v1/claims/none",
    "/v1/records?day=2017-01-10", "/v1/events/none/explanation", "/v1/liability", "/v1/accruals?cycle=2017-01",
)  # fmt: skip


@pytest.mark.parametrize("path", READS)
def test_a_body_where_none_belongs_is_refused(client: RawClient, path: str) -> None:
    _assert_refused(client.send("GET", path, b"{}"), "malformed_request")


# --- headers, paths, queries, methods ---


def _with_fields(client: RawClient, *fields: tuple[str, str]) -> Answer:
    sent = sign(client, unsigned(client, "GET", "/v1/ping"))
    return client.transmit(sent.method, sent.target, [*sent.fields, *fields], b"")


@pytest.mark.parametrize("fields", [[("X", "y" * 17_000)], [(f"X{n}", "y" * 300) for n in range(80)]], ids=len)
def test_a_large_header_is_refused(client: RawClient, fields: list[tuple[str, str]]) -> None:
    _assert_refused(_with_fields(client, *fields), "header_too_large")


UNREADABLE: dict[str, Callable[[RawClient], Answer]] = {
    "200 fields": lambda client: _with_fields(client, *[(f"X{n}", "y") for n in range(200)]),
    "a field of a million bytes": lambda client: _with_fields(client, ("X", "y" * 1_000_000)),
    "a path of 70,000 bytes": lambda client: client.send("GET", "/v1/" + "a" * 70_000, None),
    "a raw byte in the path": lambda client: client.send("GET", "/v1/members/card:\xff", None),
    "a raw byte in the query": lambda client: client.send("GET", "/v1/events?cursor=\xff", None),
    "a blank in the path": lambda client: client.send("GET", "/v1/members/card:1 2", None),
    "a method that is no token": lambda client: client.send("G\xcbT", "/v1/ping", None),
    "two lengths": lambda client: _with_fields(client, ("Content-Length", "1"), ("Content-Length", "2")),
    "a length below nothing": lambda client: _with_fields(client, ("Content-Length", "-1")),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_hardly_http_never_reaches_the_hub(client: RawClient, name: str) -> None:
    """The server in front of the hub refuses it without a word: no body, so nothing that needs a signature."""
    answer = UNREADABLE[name](client)
    assert answer.status in {400, 414, 431}
    assert answer.body == b""


@pytest.mark.parametrize("value", ["\xff\xfe", "\x80", "a\tb", "é" * 100])
def test_strange_bytes_in_a_field_of_no_concern_do_no_harm(client: RawClient, value: str) -> None:
    assert _with_fields(client, ("X-Note", value)).status == 200


@pytest.mark.parametrize("host", ["", "[::1", "a b", "m\xfcnchen", ":::", "a,b", "x" * 5000])
def test_a_host_that_is_none_is_refused(client: RawClient, host: str) -> None:
    answer = client.transmit(*sign(client, unsigned(client, "GET", "/v1/ping")).having("Host", host))
    assert answer.signed
    assert answer.code in {"wrong_authority", "malformed_request"}


PATHS = {
    "/": "not_found",
    "/v1": "not_found",
    "/v2/ping": "not_found",
    "/v1/ping/": "not_found",
    "/v1//ping": "not_found",
    "/v1/./ping": "not_found",
    "/v1/%": "not_found",
    "/v1/%zz": "not_found",
    "/v1/%ff%fe": "not_found",
    "/v1/ping%00": "not_found",
    "/v1/" + "a" * 7_000: "not_found",
    "/v1/" + "a/" * 3_500: "not_found",
    "/v1/exchanges/": "not_found",
    "/v1/exchanges/none": "unknown_event",
    "/v1/exchanges/a%00": "unknown_event",
    "/v1/exchanges/%ff": "unknown_event",
    "/v1/exchanges/none/confirm": "method_not_allowed",
    "/v1/exchanges/" + "x" * 7_000: "unknown_event",
    "/v1/claims/%00": "unknown_event",
    "/v1/claims/" + "x" * 7_000: "unknown_event",
    "/v1/events/%00/explanation": "unknown_event",
    "/v1/events/" + "x" * 7_000 + "/explanation": "unknown_event",
    "/v1/members/": "not_found",
    "/v1/members/4711": "unknown_member",
    "/v1/members/card:%00": "unknown_member",
    "/v1/members/card:%ff": "unknown_member",
    "/v1/members/card:%ed%a0%80": "unknown_member",
    "/v1/members/card:a//b/../c": "unknown_member",
    "/v1/members/card:" + "1" * 7_000: "unknown_member",
    "/v1/statements/2017": "unknown_cycle",
    "/v1/statements/2017-13": "unknown_cycle",
    "/v1/statements/2017-01%00": "unknown_cycle",
    "/v1/statements/%ff": "unknown_cycle",
    "/v1/statements/2017-01'--": "unknown_cycle",
    "/v1/statements/" + "9" * 7_000: "unknown_cycle",
    "/v1/statements/2099-01": "unknown_cycle",
    "/v1/statements/2017-01%00/lines": "unknown_cycle",
    "/v1/statements/2017-01/lines/": "not_found",
    "/v1/statements/2099-01/lines": "unknown_cycle",
}


@pytest.mark.parametrize("target", ["/v1/" + "a" * 9_000, "/v1/ping?" + "a" * 9_000])
def test_a_long_target_is_refused(client: RawClient, target: str) -> None:
    _assert_refused(client.send("GET", target, None), "header_too_large")


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[:40])
def test_a_path_that_leads_nowhere_says_so(client: RawClient, path: str) -> None:
    _assert_refused(client.send("GET", path, None), PATHS[path])


QUERIES = {
    "/v1/ping?x=1": "malformed_request",
    "/v1/rates?limit=1": "malformed_request",
    "/v1/claims?limit=0": "invalid_request",
    "/v1/claims?cursor=AAAAAAAAAAAAAAAAAAAA": "cursor_invalid",
    "/v1/claims/none": "unknown_claim",
    "/v1/claims/none?partner=grocer": "unknown_claim",
    "/v1/claims/none?partner=%00": "invalid_request",
    "/v1/liability?x=1": "malformed_request",
    "/v1/accruals": "invalid_request",
    "/v1/accruals?cycle=2017-13": "invalid_request",
    "/v1/accruals?cycle=2017-W53": "unknown_cycle",
    "/v1/accruals?cycle=2099-01": None,
    "/v1/records": "invalid_request",
    "/v1/records?day=2017-02-30": "invalid_request",
    "/v1/records?day=2017-01-10&cycle=2017-01": "invalid_request",
    "/v1/records?cycle=2017-01": None,
    "/v1/records?day=9999-12-31&cursor=AAAAAAAAAAAAAAAAAAAA": "cursor_invalid",
    "/v1/events/none/explanation?x=1": "malformed_request",
    "/v1/packs": None,
    "/v1/packs?partner=grocer": "malformed_request",
    "/v1/members/card:1?x=%ff": "malformed_request",
    "/v1/events?limit=1&limit=1": "malformed_request",
    "/v1/events?limit=1&%6cimit=2": "malformed_request",
    "/v1/events?cursor=&cursor=": "malformed_request",
    "/v1/events?unknown=1": "invalid_request",
    "/v1/events?a%00b=1": "invalid_request",
    "/v1/events?": None,
    "/v1/events?&&": None,
    "/v1/events?cursor=": None,
    "/v1/events?limit=1": None,
    "/v1/events?limit=%31": None,
    "/v1/events?limit=1000": None,
    "/v1/expiring?until=2017-12-31": None,
    "/v1/expiring?until=9999-12-31": None,
    "/v1/expiring?until=0001-01-01": None,
    "/v1/expiring": "invalid_request",
    "/v1/expiring?until=": "invalid_request",
    "/v1/expiring?until=2017-02-29": "invalid_request",
    "/v1/expiring?until=10000-01-01": "invalid_request",
    "/v1/expiring?until=2017-1-1": "invalid_request",
    "/v1/expiring?until=%00": "invalid_request",
    "/v1/expiring?until=infinity": "invalid_request",
    "/v1/expiring?until=2017-12-31T00:00:00Z": "invalid_request",
    "/v1/expiring?until=2017-12-31&until=2018-12-31": "malformed_request",
    "/v1/events?=1": "invalid_request",
    "/v1/events?limit": "invalid_request",
    "/v1/events?limit=": "invalid_request",
    "/v1/events?limit=0": "invalid_request",
    "/v1/events?limit=-1": "invalid_request",
    "/v1/events?limit=1001": "invalid_request",
    "/v1/events?limit=1.0": "invalid_request",
    "/v1/events?limit=1e2": "invalid_request",
    "/v1/events?limit=+1": "invalid_request",
    "/v1/events?limit=1_0": "invalid_request",
    "/v1/events?limit=%d9%a1": "invalid_request",
    "/v1/events?limit=" + "9" * 5000: "invalid_request",
    "/v1/events?cursor=%00": "invalid_request",
    "/v1/events?cursor=%ff": "invalid_request",
    "/v1/events?cursor=a.b": "invalid_request",
    "/v1/events?cursor=" + "A" * 501: "invalid_request",
    "/v1/events?cursor=A": "cursor_invalid",
    "/v1/events?cursor=" + "A" * 500: "cursor_invalid",
    "/v1/exchanges?state=open&limit=1": None,
    "/v1/exchanges?state=": "invalid_request",
    "/v1/exchanges?state=stuck": "invalid_request",
    "/v1/exchanges?state=open&state=open": "malformed_request",
    "/v1/exchanges?limit=0": "invalid_request",
    "/v1/exchanges?cursor=AAAAAAAAAAAAAAAAAAAA": "cursor_invalid",
    "/v1/exchanges/none?x=1": "malformed_request",
    "/v1/statements?cursor=AAAAAAAAAAAAAAAAAAAA": "cursor_invalid",
    "/v1/statements/2099-01/lines?cursor=AAAAAAAAAAAAAAAAAAAA": "cursor_invalid",
}


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path[:40])
def test_a_query_is_read_as_strictly_as_a_body(client: RawClient, path: str) -> None:
    answer = client.send("GET", path, None)
    code = QUERIES[path]
    if code is None:
        assert (answer.status, answer.signed) == (200, True)
    else:
        _assert_refused(answer, code)


def test_a_cursor_serves_its_own_list_and_partner_only(client: RawClient, net: Network) -> None:
    cursor = client.call("GET", "/v1/events").json["next_cursor"]
    assert client.call("GET", f"/v1/events?cursor={cursor}").status == 200
    _assert_refused(net.join().call("GET", f"/v1/events?cursor={cursor}"), "cursor_invalid")
    _assert_refused(client.call("GET", f"/v1/statements?cursor={cursor}"), "cursor_invalid")
    altered = cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB")
    _assert_refused(client.call("GET", f"/v1/events?cursor={altered}"), "cursor_invalid")
    _assert_refused(client.call("GET", f"/v1/events?cursor={cursor[:-4]}"), "cursor_invalid")


VARIABLES = {"member": "card:1", "cycle": "2017-01"}
METHODS = ("DELETE", "PUT", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW")


@pytest.mark.parametrize("endpoint", SIGNED, ids=lambda one: f"{one.method} {one.path}")
def test_a_method_that_the_path_does_not_take_is_refused(client: RawClient, endpoint: Any) -> None:
    path = re.sub(r"\{(\w+)\}", lambda name: VARIABLES.get(name[1], "none"), endpoint.path)
    for method in METHODS:
        answer = client.send(method, path, None)
        _assert_refused(answer, "method_not_allowed")
        assert endpoint.method in answer.headers["Allow"]
    assert client.send("HEAD", path, None).status == 405


# --- what is well-formed and wrong ---


@pytest.mark.usefixtures("untouched")
def test_an_exchange_that_cannot_be_is_not_recorded(client: RawClient) -> None:
    asked = {"exchange_id": "x", "quote_id": "A" * 200, "member": "card:never-seen"}
    _assert_refused(client.call("POST", "/v1/exchanges", asked), "unknown_member")
    _assert_refused(client.call("POST", "/v1/quotes", {"exchange": EXCHANGE}), "no_rate")


@pytest.mark.usefixtures("untouched")
def test_a_redemption_that_cannot_be_is_not_recorded(client: RawClient, net: Network) -> None:
    _assert_refused(redeem(client, net.fresh("r"), "card:never-seen", 1), "unknown_member")


def test_each_sale_of_a_batch_is_decided_on_its_own(client: RawClient, net: Network) -> None:
    """A rule may refuse one sale; the others are posted, and the one can be corrected and sent again."""
    member, ids = net.member(), [net.fresh("e") for _ in range(6)]
    batch = [
        sale(ids[0], member),
        sale(ids[1], member) | {"amount": {"minor": 1, "currency": "EUR"}},
        sale(ids[2], member) | {"occurred_at": "2017-01-10T12:05:01Z"},
        sale(ids[3], member) | {"occurred_at": "2016-12-31T23:59:59Z"},
        sale(ids[4], member, points=11),
        sale(ids[5], member) | {"occurred_at": "2017-01-10T14:04:59+02:00"},
    ]
    results = earn(client, *batch).json["results"]
    assert [(one["event_id"], one.get("error", {}).get("code")) for one in results] == [
        (ids[0], None),
        (ids[1], "currency_mismatch"),
        (ids[2], "occurred_in_future"),
        (ids[3], "no_contract"),
        (ids[4], "points_mismatch"),
        (ids[5], None),
    ]
    assert client.call("GET", f"/v1/members/{member}").json["available"] == 20
    corrected = earn(client, sale(ids[4], member, points=10)).json["results"][0]
    assert (corrected["status"], corrected.get("duplicate")) == ("posted", None)


def test_points_have_a_cap(net: Network) -> None:
    client = net.join(points=1_000_000)
    over = earn(client, sale(net.fresh("e"), net.member(), minor=100_100)).json["results"][0]
    assert (over["status"], over["error"]["code"]) == ("rejected", "points_over_cap")
    most = earn(client, sale(net.fresh("e"), net.member(), minor=100_099)).json["results"][0]
    assert (most["status"], most["points"]) == ("posted", 1_000_000_000)


def test_a_partner_that_enrols_nobody_is_told_of_unknown_members(net: Network) -> None:
    client, member = net.join(enrols_unknown=False), net.member()
    refused = earn(client, sale(net.fresh("e"), member)).json["results"][0]
    assert refused["error"]["code"] == "unknown_member"
    assert client.call("POST", "/v1/members", {"members": [{"member": member}]}).status == 200
    assert earn(client, sale(net.fresh("e"), member)).json["results"][0]["status"] == "posted"


def test_no_request_made_the_hub_fail(client: RawClient) -> None:
    """The hub counts its answers by status, over all workers; no test of this process before this one met a 5xx.

    Only, while it started, it was asked whether it was ready.
    """
    figures = client.send("GET", "/metrics", None).body.decode()
    counted = re.findall(r'hansa_requests_total\{route="([^"]*)",status="(\d+)"\}', figures)
    assert ("POST /v1/earnings", "200") in counted
    assert [one for one in counted if one[1].startswith("5") and one != ("GET /readyz", "503")] == []
