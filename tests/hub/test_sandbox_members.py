"""Magic members: every outcome on demand in a sandbox, and nothing of the kind in a live hub."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.services import partners
from partner_sdk import Client, Earning, Money, NoAnswer, WrongEnvironment
from partner_sdk.testing import LocalHub
from partner_sdk.wire import sandbox_members
from partner_sdk.wire.keys import PrivateKey, key_id, registration
from tests.support import coalition, network
from tests.support.coalition import NOON
from tests.support.network import Network, earn, redeem, sale
from tests.support.sdk import client_of

MAGIC = (
    sandbox_members.INSUFFICIENT, sandbox_members.BLOCKED, sandbox_members.QUARANTINED, sandbox_members.SLOW,
    sandbox_members.ERROR,
)  # fmt: skip


@pytest.fixture(scope="module")
def live(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Yield a live network, in whose ledger all is well in the end."""
    built = coalition.build(module_postgres_url, tmp_path_factory.mktemp("live"), "live")
    with network.running_of(built, workers=1) as running:
        yield running
        assert network.broken_rows(running.hub) == []


@pytest.mark.parametrize("member", MAGIC)
def test_in_a_live_hub_they_are_members_like_any_other(live: Network, member: str) -> None:
    grocer = live.client("grocer")
    sold = sale(live.fresh("e"), member) | {"occurred_at": datetime.now(UTC).isoformat()}
    [result] = earn(grocer, sold).json["results"]
    assert (result["status"], result["points"]) == ("posted", 10)
    assert redeem(grocer, live.fresh("r"), member, 10).json["status"] == "posted"
    assert grocer.call("GET", f"/v1/members/{member}").json["available"] == 0


def test_a_sandboxs_key_never_works_in_a_live_hub(live: Network) -> None:
    key = PrivateKey.generate("sandbox")
    with client_of(live, "grocer", key) as client, pytest.raises(WrongEnvironment, match="is live"):
        client.register_key()
    refused = live.client("grocer", key).call("POST", "/v1/keys", registration("grocer", key))
    assert (refused.status, refused.code) == (422, "wrong_environment")
    assert key_id("grocer", key.public) not in [one["keyid"] for one in partners.keys(live.hub, "grocer")]


def test_a_slow_answer_comes_after_it_was_done(net: Network) -> None:
    shop, sold = net.join(), Earning(net.fresh("e"), sandbox_members.SLOW, NOON, Money(1_000, "USD"))
    root = net.hub.keyring.root.public
    hasty = Client(net.server.url, shop.partner, shop.key, root_key=root, timeout=(3.0, 0.5), attempts=1)
    with hasty, pytest.raises(NoAnswer):
        hasty.earn([sold])
    with client_of(net, shop.partner, shop.key) as client:
        assert [one.event_id for page in client.events() for one in page.items] == [sold.event_id]


def test_in_the_test_kit_nobody_waits_for_a_slow_answer() -> None:
    hub, sold = LocalHub(), Earning("e1", sandbox_members.SLOW, NOON, Money(1_000, "USD"))
    with hub.client("shop", attempts=1) as client:
        with pytest.raises(NoAnswer):
            client.earn([sold])
        assert [one.event_id for page in client.events() for one in page.items] == ["e1"]


def test_the_page_for_integrators_names_each() -> None:
    page = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()
    assert re.findall(r"^\| `(token:.*?)`", page, re.MULTILINE) == list(MAGIC)
