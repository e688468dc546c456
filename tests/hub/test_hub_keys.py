"""The hub's own keys: one follows another without partners noticing, and no older list comes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from hub import keyring, start
from hub.core.errors import ConfigurationError
from hub.services import published_keys
from hub.services.context import Hub
from partner_sdk import Client, PrivateKey
from partner_sdk.wire.hub_keys import HubKeyList, read_key_list
from partner_sdk.wire.keys import ECDSA_P256
from tests.support import network
from tests.support.coalition import Coalition
from tests.support.threads import at_once


def listed(hub: Hub) -> HubKeyList:
    return read_key_list(published_keys.published(hub), hub.keyring.root.public)


def test_one_key_follows_another_with_an_overlap_to_the_second(built: Coalition) -> None:
    hub, new = built.hub, PrivateKey.generate()
    now = datetime(2026, 1, 1, tzinfo=UTC)
    hub.real_time = lambda: now
    before = listed(hub)
    keyid = published_keys.change(hub, new, timedelta(days=2))
    after, end = listed(hub), (now + timedelta(days=2)).timestamp()
    assert after.version == before.version + 1
    assert after.public_of(keyid, now.timestamp()) == new.public
    assert after.public_of(keyid, now.timestamp() - 1) is None
    assert after.public_of(hub.keyring.keyid, end - 1) == hub.keyring.signing.public
    assert after.public_of(hub.keyring.keyid, end) is None


def test_changes_at_once_are_all_on_the_list(built: Coalition) -> None:
    keys = [PrivateKey.generate() for _ in range(4)]
    made = at_once([partial(published_keys.change, built.hub, one) for one in keys])
    now = datetime.now(UTC).timestamp()
    assert {listed(built.hub).public_of(keyid, now) for keyid in made} == {one.public for one in keys}
    assert listed(built.hub).version == 5
    assert [one["signs"] for one in published_keys.listing(built.hub)].count(True) == 1


def test_a_hub_signs_with_ed25519_only(built: Coalition) -> None:
    folder = built.settings.data / start.SECRETS
    keyring.replace_signing(folder, PrivateKey.generate(alg=ECDSA_P256))
    with pytest.raises(ConfigurationError, match="Ed25519"):
        keyring.load(folder)


def test_partners_go_on_when_the_hub_restarts_with_its_new_key(built: Coalition, tmp_path: Path) -> None:
    """Old answers stay good by the list, new ones are; and the list's version is remembered across processes."""
    hub, root, key = built.hub, built.hub.keyring.root.public, built.keys["grocer"]
    with network.running_of(built) as before:
        with Client(before.server.url, "grocer", key, root_key=root, state=tmp_path / "s") as client:
            client.ping()
        new = PrivateKey.generate()
        keyid = published_keys.change(hub, new)
        keyring.replace_signing(built.settings.data / start.SECRETS, new)
        with Client(before.server.url, "grocer", key, root_key=root, state=tmp_path / "s") as client:
            client.ping()
    with network.running_of(built) as after, Client(after.server.url, "grocer", key, root_key=root) as client:
        client.ping()
        at = hub.real_time().timestamp()
        assert client.hub_key_at(keyid, at) == new.public
        assert client.hub_key_at(hub.keyring.keyid, at) == hub.keyring.signing.public
    [kept] = (tmp_path / "s").iterdir()
    assert kept.read_text() == "2\n"
