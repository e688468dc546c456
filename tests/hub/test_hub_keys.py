"""The hub's own keys: one follows another while it runs, the root key may be elsewhere, no older list comes back."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from hub import keyring, start
from hub.cli import main
from hub.core.errors import ConfigurationError, Refused
from hub.services import published_keys
from hub.services.context import Hub
from partner_sdk import Client, PrivateKey
from partner_sdk.wire.hub_keys import HubKey, HubKeyList, read_key_list, sign_key_list
from partner_sdk.wire.keys import ECDSA_P256
from tests.support import network
from tests.support.coalition import Coalition
from tests.support.network import Network
from tests.support.threads import at_once

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("closed_at_last")


def listed(hub: Hub) -> HubKeyList:
    return read_key_list(published_keys.published(hub), hub.keyring.root.public)


def hansa(built: Coalition, *words: str) -> str:
    options = ["--data", str(built.settings.data), "--database-url", built.settings.database_url]
    ran = CliRunner().invoke(main, [*options, *words])
    assert ran.exit_code == 0, ran.output
    return ran.stdout


def refused(built: Coalition, *words: str) -> str:
    options = ["--data", str(built.settings.data), "--database-url", built.settings.database_url]
    ran = CliRunner().invoke(main, [*options, *words])
    assert ran.exit_code == 1, ran.output
    return ran.stderr


def rotate(built: Coalition, *words: str) -> str:
    return str(json.loads(hansa(built, "key", "rotate", "--json", *words))["keyid"])


def test_one_key_follows_another_with_an_overlap_to_the_second(built: Coalition) -> None:
    hub, new, first = built.hub, PrivateKey.generate().public, built.hub.signer()
    hub.real_time = lambda: FIRST
    before = listed(hub)
    published_keys.change(hub, [new], timedelta(days=2))
    after, end = listed(hub), (FIRST + timedelta(days=2)).timestamp()
    assert after.version == before.version + 1
    assert after.public_of(keyring.name_of(new), FIRST.timestamp()) == new
    assert after.public_of(keyring.name_of(new), FIRST.timestamp() - 1) is None
    assert after.public_of(first.keyid, end - 1) == first.key.public
    assert after.public_of(first.keyid, end) is None


def test_a_hub_signs_with_the_newest_key_at_hand_that_is_listed_and_with_none_after_its_end(built: Coalition) -> None:
    hub, elsewhere, first = built.hub, PrivateKey.generate().public, built.hub.signer().keyid
    hub.real_time = lambda: FIRST
    published_keys.change(hub, [elsewhere], timedelta(days=2))
    with hub.database.connect() as connection:
        hub.moment(connection)
    assert hub.signer().keyid == first
    hub.real_time = lambda: FIRST + timedelta(days=2)
    with pytest.raises(ConfigurationError, match="is good by the published list"):
        hub.signer()
    assert [one["signs"] for one in published_keys.listing(hub)] == [False, False]


def test_the_last_of_several_keys_of_one_second_signs_in_every_process(built: Coalition) -> None:
    """Which of them is newest follows from their ends, not from their names."""
    hub, folder = built.hub, built.settings.data / start.SECRETS
    other = Hub(hub.database, keyring.load(folder), real_time=lambda: FIRST + timedelta(seconds=2))
    hub.real_time = lambda: FIRST
    for _ in range(12):
        new = PrivateKey.generate()
        keyring.add_signer(folder, new)
        published_keys.change(hub, [new.public], timedelta(0))
        with other.database.connect() as connection:
            other.moment(connection)
        assert other.signer().keyid == keyring.name_of(new.public)


def test_a_key_that_was_made_after_the_clock_went_back_is_found(built: Coalition) -> None:
    """By its beginning it is older than the one before, which has ended."""
    hub, folder = built.hub, built.settings.data / start.SECRETS
    other = Hub(hub.database, keyring.load(folder), real_time=lambda: FIRST + timedelta(seconds=12))
    for second in (10, 5):
        hub.real_time = partial(datetime.__add__, FIRST, timedelta(seconds=second))
        new = PrivateKey.generate()
        keyring.add_signer(folder, new)
        published_keys.change(hub, [new.public], timedelta(0))
        with other.database.connect() as connection:
            other.moment(connection)
    assert other.signer().keyid == keyring.name_of(new.public)


def test_changes_at_once_are_all_on_the_list(built: Coalition) -> None:
    keys = [PrivateKey.generate().public for _ in range(4)]
    at_once([partial(published_keys.change, built.hub, [one]) for one in keys])
    now = datetime.now(UTC).timestamp()
    assert [listed(built.hub).public_of(keyring.name_of(one), now) for one in keys] == keys
    assert listed(built.hub).version == 5
    assert [one["signs"] for one in published_keys.listing(built.hub)].count(True) == 1


def test_a_hub_signs_with_ed25519_only(built: Coalition) -> None:
    keyring.add_signer(built.settings.data / start.SECRETS, PrivateKey.generate(alg=ECDSA_P256))
    with pytest.raises(ConfigurationError, match="Ed25519"):
        keyring.load(built.settings.data / start.SECRETS)


class Watched(requests.Session):
    """A session that notes which key signed each answer."""

    def __init__(self, seen: list[str]) -> None:
        super().__init__()
        self._seen = seen

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        answer = super().send(request, **options)
        self._seen.append(answer.headers["Signature-Input"].partition('keyid="')[2].partition('"')[0])
        return answer


@contextmanager
def pinging(net: Network) -> Iterator[list[str]]:
    """Two clients ask all the time and each believe every answer at once; yield the keys that signed."""
    seen: list[str] = []
    stopped, failed = Event(), list[BaseException]()

    def ask() -> None:
        session, key, root = Watched(seen), net.coalition.keys["grocer"], net.hub.keyring.root.public
        try:
            with Client(net.server.url, "grocer", key, root_key=root, attempts=1, session=session) as client:
                while not stopped.is_set():
                    client.ping()
        except BaseException as error:
            failed.append(error)

    threads = [Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
        assert not failed, failed


def wait_for(seen: list[str], keyid: str) -> None:
    """Wait until no worker signs with another key any more."""
    deadline = time.monotonic() + 60
    while len(seen) < 40 or set(seen[-40:]) != {keyid}:
        assert time.monotonic() < deadline, seen[-40:]
        time.sleep(0.02)


def test_running_processes_take_a_new_key_and_no_answer_fails_meanwhile(built: Coalition, tmp_path: Path) -> None:
    """With the root key on another machine, then with it at hand, then at once because the former key was stolen."""
    root, elsewhere, first = built.settings.data / start.SECRETS / "root.pem", tmp_path / "root.pem", built.hub.signer()
    root.rename(elsewhere)
    with network.running_of(built) as net:
        with pinging(net) as seen:
            new = rotate(built)
            assert rotate(built) == new, "the key that waits is taken, not another made"
            (tmp_path / "list.json").write_text(hansa(built, "key", "export"))
            (tmp_path / "signed.json").write_text(signed_elsewhere(elsewhere, tmp_path / "list.json"))
            wait_for(seen, first.keyid)
            hansa(built, "key", "import", str(tmp_path / "signed.json"))
            wait_for(seen, new)
            assert "not above 2" in refused(built, "key", "import", str(tmp_path / "signed.json"))
            elsewhere.rename(root)
            third = rotate(built)
            wait_for(seen, third)
        leave_at_once(net, third)


def leave_at_once(net: Network, stolen: str) -> None:
    """Who was just being answered tries again, as after any answer that it cannot believe.

    A key is good for a second at least, so one that was made a moment ago may still answer for the rest of that.
    """
    key, root = net.coalition.keys["grocer"], net.hub.keyring.root.public
    with Client(net.server.url, "grocer", key, root_key=root) as client:
        client.ping()
        rotate(net.coalition, "--overlap-days", "0")
        until = time.monotonic() + 60
        while client.hub_key_at(stolen, time.time() + 1) is not None:
            assert time.monotonic() < until, "the stolen key still answers"
            client.ping()


def signed_elsewhere(root: Path, unsigned: Path) -> str:
    """What the command prints where there is neither database nor data."""
    command = [sys.executable, "-m", "hub", "--data", "/nowhere", "--database-url", "postgresql://nobody@127.0.0.1:1/x"]
    ran = subprocess.run([*command, "key", "sign-list", "--root", str(root), str(unsigned)], capture_output=True)
    assert ran.returncode == 0, ran.stderr
    assert b"version 2, sandbox" in ran.stderr
    return ran.stdout.decode()


def test_lists_that_cannot_be_read_are_not_signed(built: Coalition, tmp_path: Path) -> None:
    root, unsigned = built.settings.data / start.SECRETS / "root.pem", tmp_path / "list.json"
    for content in (b"", b"{}", b"[]", b"\xff", b'{"version":1,"environment":"moon","issued_at":1,"keys":[]}'):
        unsigned.write_bytes(content)
        assert "is no list of" in refused(built, "key", "sign-list", "--root", str(root), str(unsigned))
    unsigned.write_text(hansa(built, "key", "export"))
    root.chmod(0o644)
    assert "chmod 600" in refused(built, "key", "sign-list", "--root", str(root), str(unsigned))


OTHER = PrivateKey.generate()
SOMEBODY = HubKey(keyring.name_of(OTHER.public), OTHER.public, 0)
NOW = int(time.time())
FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "the same version": ({"version": 1}, "not above 1"),
    "another environment": ({"environment": "live"}, "it is for a live hub"),
    "of tomorrow": ({"issued_at": NOW + 86_400}, "dated in the future"),
    "a key left out": ({"keys": (SOMEBODY,)}, "leaves out hub."),
    "a key by another name": ({"keys": (HubKey("hub.aaaaaaaaaaaaaaaa", OTHER.public, 0),)}, "not the name of that key"),
    "a key twice": ({"keys": (SOMEBODY, SOMEBODY)}, "on it twice"),
    "a key that ends before it begins": ({"keys": (HubKey(SOMEBODY.keyid, OTHER.public, 9, 8),)}, "before it begins"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_list_that_would_harm_is_not_published_though_it_is_signed(built: Coalition, fault: str) -> None:
    changes, why = FAULTS[fault]
    root, before = built.hub.keyring.root.private, listed(built.hub)
    assert root is not None
    right = replace(before, version=2, issued_at=NOW)
    keys = (*before.keys, *changes["keys"]) if fault != "a key left out" and "keys" in changes else None
    wrong = replace(right, **(changes | ({"keys": keys} if keys else {})))
    with pytest.raises(Refused, match=why):
        published_keys.publish(built.hub, sign_key_list(wrong, root))
    assert listed(built.hub) == before


def test_a_list_needs_the_pinned_root_key_and_a_key_to_sign_with(built: Coalition) -> None:
    hub, before = built.hub, listed(built.hub)
    root, newer = hub.keyring.root.private, replace(before, version=2)
    assert root is not None
    with pytest.raises(Refused, match="not signed by the pinned root key"):
        published_keys.publish(hub, sign_key_list(newer, PrivateKey.generate()))
    [only] = before.keys
    ended = replace(newer, keys=(replace(only, not_after=NOW - 1), SOMEBODY))
    with pytest.raises(Refused, match="nothing could be signed"):
        published_keys.publish(hub, sign_key_list(ended, root))
    for document in ({}, {"key_list": 1, "signature": None}, {"key_list": "!", "signature": "!"}):
        with pytest.raises(Refused, match="missing or not base64url"):
            published_keys.publish(hub, document)
    assert listed(hub) == before


def test_a_hub_whose_key_has_ended_signs_nothing_and_does_not_start(built: Coalition) -> None:
    with network.running_of(built) as net:
        client = net.client("grocer")
        published_keys.change(built.hub, [PrivateKey.generate().public], timedelta(seconds=5))
        deadline = time.monotonic() + 60
        while (answer := client.call("GET", "/v1/ping")).signed:
            assert time.monotonic() < deadline
        assert (answer.status, answer.body) == (503, b"The hub cannot sign its answers; its operator must look.\n")
        assert not network.earn(client, network.sale("a1", "card:1")).signed
        assert "is good by the published list" in refused(built, "serve")
        rotate(built)
        assert net.client("grocer").call("GET", "/v1/ping").signed
    with built.hub.database.connect() as connection:
        assert connection.exec_driver_sql("SELECT event_id FROM hub.event").scalars().all() == ["a1"]


def test_a_hub_of_an_earlier_version_publishes_what_it_served(built: Coalition) -> None:
    """Its list was signed at each request; a rotation's keys and the version stay."""
    former = listed(rotated(built))
    with built.hub.database.connect() as connection:
        connection.exec_driver_sql("DELETE FROM hub.key_list")
    with pytest.raises(ConfigurationError, match="hansa init"):
        published_keys.published(built.hub)
    hansa(built, "init")
    assert (listed(built.hub).version, listed(built.hub).keys) == (former.version + 1, former.keys)


def rotated(built: Coalition) -> Hub:
    rotate(built)
    return built.hub


def test_partners_remember_the_version_when_the_hub_restarts_with_its_new_key(built: Coalition, tmp_path: Path) -> None:
    """Old answers stay good by the list, new ones are; and the list's version is remembered across processes."""
    hub, root, key = built.hub, built.hub.keyring.root.public, built.keys["grocer"]
    first = hub.signer()
    with network.running_of(built) as before:
        with Client(before.server.url, "grocer", key, root_key=root, state=tmp_path / "s") as client:
            client.ping()
        keyid = rotate(built)
        with Client(before.server.url, "grocer", key, root_key=root, state=tmp_path / "s") as client:
            client.ping()
    with network.running_of(built) as after, Client(after.server.url, "grocer", key, root_key=root) as client:
        client.ping()
        at = hub.real_time().timestamp()
        assert client.hub_key_at(keyid, at) == keyring.load(built.settings.data / start.SECRETS).signers[keyid].public
        assert client.hub_key_at(first.keyid, at) == first.key.public
    [kept] = (tmp_path / "s").iterdir()
    assert kept.read_text() == "2\n"
