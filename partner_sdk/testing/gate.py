"""The local hub's gate: who sent a request, in the real hub's order and by the wire's own functions.

Beside it, the requests that the hub makes itself.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from partner_sdk.testing.arithmetic import instant
from partner_sdk.wire import signatures
from partner_sdk.wire.keys import PublicKey
from partner_sdk.wire.signatures import Headers, RequestTarget, SignatureRefused

_USABLE = ("active", "retiring")


class Refusal(Exception):
    """A request or an event is refused with a code of `partner_sdk.wire.codes`; members go beside the standard ones."""

    def __init__(self, code: str, detail: str, **members: Any) -> None:
        super().__init__(code)
        self.code, self.detail, self.members = code, detail, members


@dataclass(slots=True)
class RegisteredKey:
    """A partner's key as the hub knows it; set `state` to see how a till copes with a key that ends."""

    keyid: str
    partner: str
    public: PublicKey
    state: str = "active"
    handed_over_by: str = ""
    retires_at: float | None = None
    """In epoch seconds."""

    def settle(self, now: float) -> None:
        """Retire once its time is over."""
        if self.state == "retiring" and self.retires_at is not None and now >= self.retires_at:
            self.state = "retired"


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came."""

    target: RequestTarget
    headers: Headers
    body: bytes


class Delivery(NamedTuple):
    """A request that the hub sends; `partner_sdk.webhooks.Receiver.verify` takes its parts in this order."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes


Send = Callable[[Delivery], int | None]
"""What takes a request and says the status of its answer, or None if none came."""


def authenticate(received: Received, keys: Mapping[str, RegisteredKey], authority: str, now: float) -> RegisteredKey:
    """The key that signed a request; refuses with the codes of the wire."""
    try:
        headers = received.headers
        signature = signatures.parse_request_signature(headers.get("signature-input"), headers.get("signature"))
        signatures.check_components(signature, bool(received.body))
        signatures.check_times(signature, now)
        key = _usable(keys, signature.keyid, now)
        if received.target.authority != authority:
            raise Refusal("wrong_authority", "This hub does not answer for the authority of the request.")
        if received.body:
            signatures.check_digest(received.target.content_digest or "", received.body)
        signatures.verify_request(received.target, signature, key.public)
    except SignatureRefused as refusal:
        skewed = {"server_time": instant(datetime.fromtimestamp(now, UTC))} if refusal.code == "clock_skew" else {}
        raise Refusal(refusal.code, refusal.detail, **skewed) from None
    return key


def _usable(keys: Mapping[str, RegisteredKey], keyid: str, now: float) -> RegisteredKey:
    key = keys.get(keyid)
    if key is None:
        raise Refusal("unknown_key", "No partner has registered this key id.")
    key.settle(now)
    if key.state not in _USABLE:
        raise Refusal(f"key_{key.state}", f"The key is {key.state}.")
    return key
