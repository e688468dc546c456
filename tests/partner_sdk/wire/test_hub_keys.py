"""The hub's key list: only the root key makes one, and a key serves only in its time."""

from typing import Any

import pytest

from partner_sdk.wire import base64url, strict_json
from partner_sdk.wire.hub_keys import (
    KEY_LIST_CONTEXT,
    HubKey,
    HubKeyList,
    KeyListRefused,
    read_key_list,
    sign_key_list,
)
from partner_sdk.wire.keys import PrivateKey, key_id


@pytest.fixture
def key_list(hub_key: PrivateKey, partner_key: PrivateKey) -> HubKeyList:
    old = HubKey(key_id("hub", partner_key.public), partner_key.public, 100, 200)
    new = HubKey(key_id("hub", hub_key.public), hub_key.public, 150)
    return HubKeyList(version=3, environment="sandbox", keys=(old, new), issued_at=149)


def test_a_signed_list_is_read_back(key_list: HubKeyList, root_key: PrivateKey) -> None:
    document = strict_json.loads(strict_json.dumps(sign_key_list(key_list, root_key)))
    assert read_key_list(document, root_key.public) == key_list


def test_a_key_serves_from_its_first_second_until_before_its_last(key_list: HubKeyList) -> None:
    old, new = key_list.keys
    times = (99, 100, 199.9, 200)
    assert [key_list.public_of(old.keyid, at) for at in times] == [None, old.public, old.public, None]
    assert [key_list.public_of(new.keyid, at) for at in (149, 150, 10**12)] == [None, new.public, new.public]
    assert key_list.public_of("hub.unknown", 150) is None


def _resigned(key_list: HubKeyList, root: PrivateKey, **changes: Any) -> dict[str, str]:
    """A list that the root key signed although something is wrong with it."""
    listed = strict_json.loads(base64url.decode(sign_key_list(key_list, root)["key_list"]))
    text = strict_json.dumps({**listed, **changes})
    return {
        "key_list": base64url.encode(text),
        "signature": base64url.encode(root.sign(KEY_LIST_CONTEXT + text)),
    }


def test_another_root_is_refused(key_list: HubKeyList, root_key: PrivateKey, stranger_key: PrivateKey) -> None:
    with pytest.raises(KeyListRefused, match="root"):
        read_key_list(sign_key_list(key_list, stranger_key), root_key.public)


def test_a_changed_list_is_refused(key_list: HubKeyList, root_key: PrivateKey) -> None:
    document = sign_key_list(key_list, root_key)
    text = base64url.decode(document["key_list"]).replace(b"sandbox", b"live")
    with pytest.raises(KeyListRefused, match="root"):
        read_key_list({**document, "key_list": base64url.encode(text)}, root_key.public)


def test_a_list_signed_for_another_purpose_is_refused(key_list: HubKeyList, root_key: PrivateKey) -> None:
    document = sign_key_list(key_list, root_key)
    signature = root_key.sign(base64url.decode(document["key_list"]))
    with pytest.raises(KeyListRefused, match="root"):
        read_key_list({**document, "signature": base64url.encode(signature)}, root_key.public)


@pytest.mark.parametrize(
    "change",
    [{"key_list": None}, {"key_list": 1}, {"key_list": "a="}, {"signature": None}, {"signature": ""}],
)
def test_a_document_that_is_none_is_refused(change: dict[str, Any], key_list: HubKeyList, root_key: PrivateKey) -> None:
    with pytest.raises(KeyListRefused):
        read_key_list({**sign_key_list(key_list, root_key), **change}, root_key.public)
    with pytest.raises(KeyListRefused):
        read_key_list({}, root_key.public)


KEY = {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}


@pytest.mark.parametrize(
    "changes",
    [
        {"environment": "test"},
        {"version": "3"},
        {"version": True},
        {"issued_at": None},
        {"keys": None},
        {"keys": 1},
        {"keys": ["x"]},
        {"keys": [{}]},
        {"keys": [{"keyid": "hub.a", "not_before": 0, "public_key": KEY}]},
        {"keys": [{"keyid": "hub.a", "not_before": 0, "public_key": "x"}]},
    ],
)
def test_a_signed_list_that_cannot_be_read_is_refused(
    changes: dict[str, Any], key_list: HubKeyList, root_key: PrivateKey
) -> None:
    with pytest.raises(KeyListRefused):
        read_key_list(_resigned(key_list, root_key, **changes), root_key.public)
