"""Webhooks: what the hub sends to a partner's own server, believed only as far as the hub's signature goes.

A web framework hands over the method, the URL, the header fields and the raw body; `verify` gives back the message
that the hub signed, or raises WebhookRefused. It wants the bytes as they came: a body that was parsed and written
again is other bytes, even if it means the same.

    receiver = client.webhook_receiver()

    @app.post("/hansa")
    def hansa():
        message = receiver.verify("POST", "https://shop.example/hansa", request.headers, request.get_data())
        ...                     # act on message.topic and message.data, once for each message.id
        return "", 204          # any 2xx; everything else is sent again later
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from partner_sdk.errors import HansaError
from partner_sdk.wire import strict_json
from partner_sdk.wire.digests import check_digest
from partner_sdk.wire.keys import PublicKey
from partner_sdk.wire.signatures import (
    MAX_AGE_S,
    MAX_AHEAD_S,
    WEBHOOK_TAG,
    RequestTarget,
    SignatureRefused,
    check_components,
    check_times,
    parse_request_signature,
    verify_request,
)

MAX_BODY_BYTES = 1_048_576
MAX_REMEMBERED = 100_000

HeaderFields = Mapping[str, str] | Iterable[tuple[str, str]]
KeyLookup = Callable[[str], PublicKey | None]


class WebhookRefused(HansaError):
    """What came is no message of the hub's: answer it with 400 and do nothing. `code` says why.

    The codes are those of signatures on the wire, and ``raw_body_expected`` (the body is not bytes),
    ``body_too_large``, ``message_malformed`` and ``replayed`` (this very request was verified before).
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Message:
    """What the hub signed. The same `id` may come again, after an answer that was lost: act on it once.

    `topic` is one of docs/protocol.md (take no harm from new ones), `partner` the partner it is for, `occurred_at` the
    hub's business time of what happened, and `data` what the topic says.
    """

    id: str
    topic: str
    partner: str
    occurred_at: datetime
    data: Mapping[str, Any]


class Replays:
    """Remembers the requests that were verified, for as long as their signatures are fresh; thread-safe.

    Several processes that share a URL each have a memory of their own; what they act on once they know by its id.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: dict[str, float] = {}

    def is_new(self, nonce: str, now: float) -> bool:
        """Remember a request by its nonce; False if it was remembered already."""
        with self._lock:
            if len(self._until) >= MAX_REMEMBERED:
                self._until = {one: until for one, until in self._until.items() if until > now}
            if self._until.get(nonce, now) > now:
                return False
            self._until[nonce] = now + MAX_AGE_S + MAX_AHEAD_S
            return True


@dataclass(frozen=True, slots=True)
class Receiver:
    """Verifies webhooks with the hub's keys; `Client.webhook_receiver` makes one. Thread-safe: make one, keep it.

    `partner_id` is whom messages must be for, `public_of` gives the hub's key for a keyid, or None.
    """

    partner_id: str
    public_of: KeyLookup
    replays: Replays
    clock: Callable[[], float] = time.time

    def verify(self, method: str, url: str, headers: HeaderFields, raw_body: bytes) -> Message:
        """The message of a request; raises WebhookRefused, also for one to another partner, or TransportError."""
        message = verify(
            method, url, headers, raw_body, public_of=self.public_of, replays=self.replays, now=self.clock()
        )
        if message.partner != self.partner_id:
            raise WebhookRefused("not_allowed", f"the message is for the partner {message.partner}")
        return message


def verify(
    method: str,
    url: str,
    headers: HeaderFields,
    raw_body: bytes,
    *,
    public_of: KeyLookup,
    replays: Replays,
    now: float | None = None,
) -> Message:
    """The message that the hub signed in a request to this URL, and nothing that it did not sign.

    `url` is the one that was registered, `headers` the fields as they came, in any case, `raw_body` the bytes of
    the body. A request may be verified once within the time in which its signature is fresh. `now` is in epoch seconds.

    Raises WebhookRefused.
    """
    at = time.time() if now is None else now
    if not isinstance(raw_body, bytes):
        raise WebhookRefused("raw_body_expected", "give the body as the bytes that came, not parsed or decoded")
    if len(raw_body) > MAX_BODY_BYTES:
        raise WebhookRefused("body_too_large", f"a message has at most {MAX_BODY_BYTES} bytes")
    try:
        nonce = _verified_nonce(method, url, _by_name(headers), raw_body, public_of, at)
    except SignatureRefused as refusal:
        raise WebhookRefused(refusal.code, refusal.detail) from None
    message = _read(raw_body)
    if not replays.is_new(nonce, at):
        raise WebhookRefused("replayed", "this request was verified before")
    return message


def _verified_nonce(
    method: str, url: str, fields: Mapping[str, str], body: bytes, public_of: KeyLookup, now: float
) -> str:
    digest, content_type = fields.get("content-digest"), fields.get("content-type")
    signature = parse_request_signature(fields.get("signature-input"), fields.get("signature"), WEBHOOK_TAG)
    check_times(signature, now)
    check_components(signature, has_body=True)
    if digest is None or content_type is None:
        raise SignatureRefused("signature_components", "a covered header field is absent")
    check_digest(digest, body)
    public = public_of(signature.keyid)
    if public is None:
        raise SignatureRefused("unknown_key", f"the hub has no key {signature.keyid}")
    verify_request(RequestTarget.from_url(method, url, content_type, digest), signature, public)
    return signature.nonce


def _by_name(headers: HeaderFields) -> dict[str, str]:
    """The fields by name in lower case; several lines of one are joined by commas (RFC 9110 section 5.2)."""
    fields: dict[str, str] = {}
    for name, value in headers.items() if isinstance(headers, Mapping) else headers:
        key = name.lower()
        fields[key] = f"{fields[key]}, {value}" if key in fields else value
    return fields


def _read(body: bytes) -> Message:
    try:
        read = strict_json.loads(body)
        message = Message(
            read["id"], read["topic"], read["partner"], datetime.fromisoformat(read["occurred_at"]), read["data"]
        )
    except (strict_json.MalformedJson, KeyError, TypeError, ValueError) as error:
        raise WebhookRefused("message_malformed", f"the hub signed what is no message: {error}") from None
    texts = (message.id, message.topic, message.partner)
    if not all(isinstance(text, str) for text in texts) or not isinstance(message.data, dict):
        raise WebhookRefused("message_malformed", "the hub signed what is no message")
    return message
