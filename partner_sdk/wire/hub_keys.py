"""The hub's public keys, as a list signed by the root key that every partner pins.

The root key signs nothing else and can stay offline; the hub's working keys can then change without a new
release of any SDK. The JSON travels as one base64url string, so the signature is over exact bytes and no two
languages need to agree on how to write JSON.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from partner_sdk.wire import base64url, strict_json
from partner_sdk.wire.keys import ENVIRONMENTS, KeyRefused, PrivateKey, PublicKey

KEY_LIST_CONTEXT = b"hansa-hub-keys-v1\n"


class KeyListRefused(ValueError):
    """The document is not a key list signed by the root key; `detail` says why."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class HubKey:
    """One of the hub's keys, good from `not_before` until just before `not_after` (epoch seconds)."""

    keyid: str
    public: PublicKey
    not_before: int
    not_after: int | None = None

    def is_good_at(self, at: float) -> bool:
        """Whether it may sign at that time (epoch seconds)."""
        return self.not_before <= at and (self.not_after is None or at < self.not_after)


@dataclass(frozen=True, slots=True)
class HubKeyList:
    """All keys of a hub. `version` rises with every new list, so an old list cannot be passed off as new."""

    version: int
    environment: str
    keys: tuple[HubKey, ...]
    issued_at: int

    def public_of(self, keyid: str, at: float) -> PublicKey | None:
        """The key of that name if it may sign at that time (epoch seconds), else None."""
        for key in self.keys:
            if key.keyid == keyid and key.is_good_at(at):
                return key.public
        return None


def write_key_list(key_list: HubKeyList) -> bytes:
    """The JSON text of a list, which is what the root key signs."""
    return strict_json.dumps(
        {
            "version": key_list.version,
            "environment": key_list.environment,
            "issued_at": key_list.issued_at,
            "keys": [_write_key(key) for key in key_list.keys],
        }
    )


def sign_key_list(key_list: HubKeyList, root: PrivateKey) -> dict[str, str]:
    """The document that GET /v1/hub-keys answers: {"key_list", "signature"}, both base64url."""
    text = write_key_list(key_list)
    signature = root.sign(KEY_LIST_CONTEXT + text)
    return {"key_list": base64url.encode(text), "signature": base64url.encode(signature)}


def read_key_list(document: Mapping[str, Any], root: PublicKey) -> HubKeyList:
    """The list in a signed document; raises KeyListRefused unless the root key signed exactly this list."""
    text, signature = _bytes_of(document, "key_list"), _bytes_of(document, "signature")
    if not root.verify(signature, KEY_LIST_CONTEXT + text):
        raise KeyListRefused("the list is not signed by the pinned root key")
    return parse_key_list(text)


def parse_key_list(text: bytes) -> HubKeyList:
    """The list in a JSON text that nobody may have signed yet; raises KeyListRefused."""
    try:
        return _read_list(strict_json.loads(text))
    except (KeyError, TypeError, strict_json.MalformedJson, KeyRefused) as error:
        raise KeyListRefused(f"the list cannot be read: {error}") from None


def _write_key(key: HubKey) -> dict[str, Any]:
    written = {"keyid": key.keyid, "public_key": key.public.jwk(), "not_before": key.not_before}
    return written if key.not_after is None else {**written, "not_after": key.not_after}


def _read_list(listed: Mapping[str, Any]) -> HubKeyList:
    environment = listed["environment"]
    if environment not in ENVIRONMENTS:
        raise KeyListRefused("the environment is neither live nor sandbox")
    keys = tuple(_read_key(key) for key in listed["keys"])
    return HubKeyList(_integer(listed["version"]), environment, keys, _integer(listed["issued_at"]))


def _read_key(key: Mapping[str, Any]) -> HubKey:
    not_after = _integer(key["not_after"]) if "not_after" in key else None
    public = PublicKey.from_jwk(key["public_key"])
    return HubKey(str(key["keyid"]), public, _integer(key["not_before"]), not_after)


def _integer(value: Any) -> int:
    if type(value) is not int:
        raise TypeError("a whole number is expected")
    return value


def _bytes_of(document: Mapping[str, Any], member: str) -> bytes:
    try:
        return base64url.decode(document[member])
    except (KeyError, TypeError, ValueError):
        raise KeyListRefused(f"{member} is missing or not base64url") from None
