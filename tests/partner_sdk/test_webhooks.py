"""A message is believed only if the hub signed exactly these bytes for exactly this URL, and only once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from partner_sdk import PrivateKey
from partner_sdk.webhooks import MAX_BODY_BYTES, Receiver, Replays, WebhookRefused, verify
from partner_sdk.wire import strict_json
from partner_sdk.wire.signatures import REQUEST_TAG, WEBHOOK_TAG, RequestTarget, content_digest, sign_request

HUB, OTHER = PrivateKey.generate(), PrivateKey.generate()
KEYS = {"hub.1": HUB.public}
URL = "https://shop.example/hansa?till=1"
NOW = 1_750_000_000
NONCE = "AAAAAAAAAAAAAAAAAAAAAA"
MESSAGE = {
    "id": "msg_7",
    "topic": "points.posted",
    "partner": "grocer",
    "occurred_at": "2025-06-15T15:05:58Z",
    "data": {"event_id": "e-1", "points": 12},
}
BODY = strict_json.dumps(MESSAGE)


class Sent(NamedTuple):
    """A request as a partner's web framework hands it over."""

    method: str
    url: str
    headers: Any
    body: Any


def sent(
    body: bytes = BODY, url: str = URL, key: PrivateKey = HUB, tag: str = WEBHOOK_TAG, created: int = NOW, **more: Any
) -> Sent:
    """A request that a key signed."""
    digest = content_digest(body)
    target = RequestTarget.from_url("POST", url, "application/json", digest)
    values: dict[str, Any] = {"created": created, "expires": created + 300, "nonce": NONCE} | more
    signature = sign_request(target, key, "hub.1", tag=tag, **values)
    return Sent("POST", url, {"Content-Type": "application/json", "Content-Digest": digest, **signature}, body)


def verified(request: Sent, now: float = NOW, replays: Replays | None = None) -> Any:
    return verify(*request, public_of=KEYS.get, replays=replays or Replays(), now=now)


def refusal(request: Sent, **more: Any) -> str:
    with pytest.raises(WebhookRefused) as refused:
        verified(request, **more)
    return refused.value.code


def test_what_the_hub_signed_is_returned() -> None:
    message = verified(sent())
    assert (message.id, message.topic, message.partner, message.data) == (
        "msg_7", "points.posted", "grocer", MESSAGE["data"],
    )  # fmt: skip
    assert message.occurred_at.isoformat() == "2025-06-15T15:05:58+00:00"


def test_the_vector_is_believed() -> None:
    vectors = json.loads((Path(__file__).parents[1] / "vectors" / "webhooks.json").read_text(encoding="utf-8"))
    key = PrivateKey.from_seed(bytes.fromhex(vectors["seed_hex"])).public
    [given] = vectors["messages"]
    request = Sent(given["method"], given["url"], given["headers"], given["body"].encode())
    message = verify(*request, public_of={vectors["keyid"]: key}.get, replays=Replays(), now=NOW)
    assert (message.id, message.data["points"]) == ("msg_7", 12)


@pytest.mark.parametrize(
    "shape",
    [
        lambda fields: {name.upper(): value for name, value in fields.items()},
        lambda fields: {name.lower(): value for name, value in fields.items()},
        lambda fields: list(fields.items()),
        lambda fields: [*fields.items(), ("X-Other", "1"), ("X-Other", "2")],
    ],
)
def test_fields_may_come_in_any_case_and_shape(shape: Callable[[Any], Any]) -> None:
    request = sent()
    assert verified(request._replace(headers=shape(request.headers))).id == "msg_7"


@pytest.mark.parametrize("body", [MESSAGE, BODY.decode(), bytearray(BODY), None, [BODY]])
def test_anything_but_the_raw_bytes_is_refused(body: Any) -> None:
    assert refusal(sent()._replace(body=body)) == "raw_body_expected"


@pytest.mark.parametrize(
    "body",
    [json.dumps(MESSAGE).encode(), json.dumps(MESSAGE, indent=1).encode(), BODY + b"\n", BODY[:-1], b"", b"{}"],
)
def test_a_body_that_was_written_again_is_refused(body: bytes) -> None:
    assert body != BODY
    assert refusal(sent()._replace(body=body)) == "digest_mismatch"


def test_a_body_with_a_digest_of_its_own_is_refused() -> None:
    forged = BODY.replace(b"12", b"99")
    request = sent()
    headers = request.headers | {"Content-Digest": content_digest(forged)}
    assert refusal(request._replace(body=forged, headers=headers)) == "signature_invalid"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"method": "PUT"}, "signature_invalid"),
        ({"url": "https://shop.example/hansa"}, "signature_invalid"),
        ({"url": "https://shop.example/other?till=1"}, "signature_invalid"),
        ({"url": "https://other.example/hansa?till=1"}, "signature_invalid"),
        ({"headers": {}}, "signature_missing"),
        ({"headers": {"Signature-Input": "x", "Signature": "y"}}, "signature_malformed"),
    ],
)
def test_a_request_that_was_signed_for_another_purpose_is_refused(change: dict[str, Any], code: str) -> None:
    assert refusal(sent()._replace(**change)) == code


@pytest.mark.parametrize("name", ["Content-Type", "Content-Digest", "Signature-Input", "Signature"])
def test_each_covered_field_is_needed(name: str) -> None:
    request = sent()
    headers = {field: value for field, value in request.headers.items() if field != name}
    assert refusal(request._replace(headers=headers)) in {"signature_components", "signature_missing"}


def test_another_key_and_another_tag_are_refused() -> None:
    assert refusal(sent(key=OTHER)) == "signature_invalid"
    assert refusal(sent(tag=REQUEST_TAG)) == "signature_malformed"
    request = sent()
    with pytest.raises(WebhookRefused) as refused:
        verify(*request, public_of=lambda keyid: None, replays=Replays(), now=NOW)
    assert refused.value.code == "unknown_key"


def test_an_old_message_and_one_of_the_future_are_refused() -> None:
    assert verified(sent(created=NOW - 299), now=NOW).id == "msg_7"
    assert refusal(sent(created=NOW - 301)) == "clock_skew"
    assert refusal(sent(created=NOW + 31)) == "clock_skew"


def test_a_replayed_request_is_refused_and_a_new_attempt_is_not() -> None:
    replays = Replays()
    assert verified(sent(), replays=replays).id == "msg_7"
    assert refusal(sent(), replays=replays) == "replayed"
    assert refusal(sent(), replays=replays, now=NOW + 250) == "replayed"
    assert verified(sent(nonce="BAAAAAAAAAAAAAAAAAAAAA"), replays=replays).id == "msg_7"


def test_a_forged_request_does_not_use_up_the_nonce_of_a_true_one() -> None:
    replays = Replays()
    assert refusal(sent(key=OTHER), replays=replays) == "signature_invalid"
    assert verified(sent(), replays=replays).id == "msg_7"


@pytest.mark.parametrize(
    "body",
    [
        b"[]", b"null", b'"text"', b"{", b'{"id":"a","id":"b"}', strict_json.dumps(MESSAGE | {"occurred_at": "soon"}),
        strict_json.dumps(MESSAGE | {"data": []}), strict_json.dumps(MESSAGE | {"id": 7}),
        strict_json.dumps({name: value for name, value in MESSAGE.items() if name != "topic"}),
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused_even_if_it_is_signed(body: bytes) -> None:
    assert refusal(sent(body)) == "message_malformed"


def test_a_body_beyond_reason_is_not_even_hashed() -> None:
    assert refusal(sent()._replace(body=b" " * (MAX_BODY_BYTES + 1))) == "body_too_large"


def test_a_message_to_another_partner_is_refused() -> None:
    receiver = Receiver("fuel", KEYS.get, Replays(), lambda: NOW)
    with pytest.raises(WebhookRefused) as refused:
        receiver.verify(*sent())
    assert refused.value.code == "not_allowed"
    assert Receiver("grocer", KEYS.get, Replays(), lambda: NOW).verify(*sent()).id == "msg_7"
