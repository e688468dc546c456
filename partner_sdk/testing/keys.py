"""Keys at the local hub: registered by who proves to hold them, approved as by an operator, handed over."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from partner_sdk.testing.arithmetic import instant
from partner_sdk.testing.books import Books, Coalition
from partner_sdk.testing.gate import Refusal, RegisteredKey
from partner_sdk.testing.webhooks import announce
from partner_sdk.wire.keys import KeyRefused, PublicKey, WeakKey, key_id, verify_registration, verify_rotation

SANDBOX = "sandbox"
OVERLAP = timedelta(days=7)
MAX_PENDING = 5

Asked = Mapping[str, Any]


def proven(document: Asked, rotated_by: str = "") -> PublicKey:
    """The key that a registration or a rotation proves; refuses weak_key, proof_invalid and wrong_environment."""
    try:
        public = verify_rotation(rotated_by, document) if rotated_by else verify_registration(document)
    except KeyRefused as refusal:
        code = "weak_key" if isinstance(refusal, WeakKey) else "proof_invalid"
        raise Refusal(code, refusal.detail) from None
    if document.get("environment") not in (None, SANDBOX):
        raise Refusal("wrong_environment", "The key is for live hubs, and this one is a sandbox.")
    return public


def register(coalition: Coalition, new: RegisteredKey) -> dict[str, Any]:
    """Take in a key that proved itself; it is pending until `approve`. Refuses too_many_pending_keys."""
    if new.partner not in coalition.books:
        raise Refusal("unknown_partner", f"There is no partner {new.partner!r}.")
    pending = [one for one in coalition.keys.values() if (one.partner, one.state) == (new.partner, "pending")]
    if new.keyid not in coalition.keys and len(pending) >= MAX_PENDING:
        raise Refusal("too_many_pending_keys", "Too many keys wait for approval; the operator must look.")
    return _shown(coalition.keys.setdefault(new.keyid, new))


def approve(coalition: Coalition, keyid: str, now: float) -> None:
    """Make a key active, and let those that were retire after seven days."""
    for key in coalition.keys.values():
        if key.partner == coalition.keys[keyid].partner and key.state == "active":
            _retire(coalition.books[key.partner], key, now)
    coalition.keys[keyid].state = "active"


def rotate(books: Books, asked: Asked) -> dict[str, Any]:
    """POST /v1/keys/rotate: the key that signed the request hands over; refuses key_exists and key_handed_over."""
    former, keys = books.caller, books.coalition.keys
    public = proven(asked, former.keyid)
    keyid = key_id(books.partner, public)
    known = keys.get(keyid)
    if known is None or known.handed_over_by != former.keyid:
        if known is not None and known.state != "pending":
            raise Refusal("key_exists", "The key is or was in use; make a new key.")
        if former.state != "active":
            raise Refusal("key_handed_over", f"The key is {former.state}: another has taken over from it.")
        keys[keyid] = RegisteredKey(keyid, books.partner, public, handed_over_by=former.keyid)
        _retire(books, former, books.asked_at.timestamp())
    until = {"former_retires_at": _instant(former.retires_at)} if former.retires_at else {}
    return {**_shown(keys[keyid]), "former": former.keyid, **until}


def _retire(books: Books, key: RegisteredKey, now: float) -> None:
    key.state, key.retires_at = "retiring", now + OVERLAP.total_seconds()
    announce(books, "key.expiring", key.keyid, {"keyid": key.keyid, "retires_at": _instant(key.retires_at)})


def _instant(at: float) -> str:
    return instant(datetime.fromtimestamp(at, UTC))


def _shown(key: RegisteredKey) -> dict[str, Any]:
    return {
        "partner": key.partner, "keyid": key.keyid, "state": key.state, "thumbprint": key.public.thumbprint()
    }  # fmt: skip
