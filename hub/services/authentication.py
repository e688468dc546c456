"""Who sent this request: the checks of the wire contract, cheapest first.

Parse, tag, parameters and times cost nothing and need no database; then key, authority, digest and signature.
What passes is wrapped as evidence: the signature base names everything that was signed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

from hub.core.content import instant
from hub.core.errors import Refused
from hub.core.ledger import Evidence
from hub.services.context import Configuration, Hub, Moment, Partner, PartnerKey
from partner_sdk.wire import signatures
from partner_sdk.wire.keys import KeyFormatError, PublicKey, WeakKey, key_id
from partner_sdk.wire.signatures import RequestSignature, RequestTarget, SignatureRefused

USABLE = frozenset({"active", "retiring"})


class Request(NamedTuple):
    """A request as it came: its target, its two signature fields and its body."""

    target: RequestTarget
    signature_input: str | None
    signature: str | None
    body: bytes


class Caller(NamedTuple):
    """The partner that signed a request, the key it used, and the proof that it did."""

    partner: Partner
    key: PartnerKey
    evidence: Evidence
    nonce: str
    """The nonce of the request, which its answer repeats."""
    moment: Moment
    """The reading of the hub's state under which the caller was believed, and on which its request is decided."""


def authenticate(hub: Hub, request: Request, authorities: frozenset[str]) -> Caller:
    """Return who signed ``request``.

    Raises:
        Refused: one of the signature codes, ``unknown_key``, ``key_*``, ``wrong_authority``,
            ``partner_suspended``.
    """
    with hub.database.connect() as connection:
        moment = hub.moment(connection)
    return authenticate_at(moment, hub, request, authorities)


def authenticate_at(moment: Moment, hub: Hub, request: Request, authorities: frozenset[str]) -> Caller:
    """Like `authenticate`, at a moment that was read before; whoever uses an old one must read again to write."""
    settled, now = moment.configuration, hub.real_time()
    signature = _parse(request, now)
    key = _usable(settled, signature.keyid, now)
    base = _verify(request, signature, key.public, authorities)
    partner = settled.partner(key.partner_id)
    if partner.status == "suspended":
        raise Refused("partner_suspended", "The operator has suspended this partner.")
    return Caller(partner, key, _evidence(hub, key.keyid, now, base, signature, request.body), signature.nonce, moment)


def claimed_key(hub: Hub, request: Request) -> PartnerKey | None:
    """Return the registered key that a refused request says it is signed with, as far as it can be read."""
    try:
        signature = signatures.parse_request_signature(request.signature_input, request.signature)
    except SignatureRefused:
        return None
    return hub.last_moment.configuration.keys.get(signature.keyid) if hub.last_moment else None


def authenticate_new_key(
    hub: Hub, request: Request, authorities: frozenset[str], document: Callable[[], Mapping[str, object]]
) -> None:
    """Check that a registration is signed by the very key that it registers.

    Raises:
        Refused: one of the signature codes, ``weak_key``, ``invalid_request`` from ``document``.
    """
    signature = _parse(request, hub.real_time())
    registration = document()
    try:
        public = PublicKey.from_jwk(registration["public_key"])  # type: ignore[arg-type]
    except WeakKey as error:
        raise Refused("weak_key", f"{error}.") from error
    except KeyFormatError as error:
        raise Refused("proof_invalid", f"{error}.") from error
    if signature.keyid != key_id(str(registration["partner"]), public):
        raise Refused("unknown_key", "The key id is not that of the key in the body.")
    _verify(request, signature, public, authorities)


def _parse(request: Request, now: datetime) -> RequestSignature:
    try:
        signature = signatures.parse_request_signature(request.signature_input, request.signature)
        signatures.check_components(signature, bool(request.body))
        signatures.check_times(signature, now.timestamp())
    except SignatureRefused as refusal:
        extra = {"server_time": instant(now)} if refusal.code == "clock_skew" else {}
        raise Refused(refusal.code, refusal.detail, **extra) from refusal
    return signature


def _usable(settled: Configuration, keyid: str, now: datetime) -> PartnerKey:
    key = settled.keys.get(keyid)
    if key is None:
        raise Refused("unknown_key", "No partner has registered this key id.")
    state = key.state_at(now)
    if state not in USABLE:
        raise Refused(f"key_{state}", f"The key is {state}.")
    return key


def _verify(request: Request, signature: RequestSignature, public: PublicKey, authorities: frozenset[str]) -> bytes:
    if request.target.authority not in authorities:
        raise Refused("wrong_authority", "This hub does not answer for the authority of the request.")
    try:
        if request.body:
            signatures.check_digest(request.target.content_digest or "", request.body)
        return signatures.verify_request(request.target, signature, public)
    except SignatureRefused as refusal:
        raise Refused(refusal.code, refusal.detail) from refusal


def _evidence(hub: Hub, keyid: str, now: datetime, base: bytes, signature: RequestSignature, body: bytes) -> Evidence:
    return Evidence(hashlib.sha256(base).digest()[:16], keyid, now, base, signature.signature, hub.keyring.seal(body))
