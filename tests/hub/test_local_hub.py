"""The local hub of the SDK's test kit against the real one: the same scenarios, and the same answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial

import pytest
from requests.structures import CaseInsensitiveDict

from hub.services import business_clock
from partner_sdk.testing import LocalHub
from partner_sdk.testing.gate import Received
from partner_sdk.testing.hub import AUTHORITY
from tests.hub.contract import gates, scenarios
from tests.hub.contract.worlds import LocalWorld, RealWorld, Scenario, World
from tests.support import network
from tests.support.network import Network

SEEDS = 2


@pytest.fixture(scope="module")
def own(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Yield a network of this file's own, because its tests move the clock; in the end its ledger is proved."""
    with network.running(module_postgres_url, tmp_path_factory.mktemp("hub")) as running:
        yield running
        assert network.broken_rows(running.hub) == []


def told(world: World, scenario: Scenario) -> World:
    """Tell a hub a scenario."""
    try:
        scenario(world)
    finally:
        world.close()
    return world


def compare(own: Network, scenario: Scenario) -> None:
    now, prefix = datetime.fromisoformat(business_clock.show(own.hub)["business_time"]), own.fresh("x")
    real = told(RealWorld(now, prefix, net=own), scenario).outcomes
    local = told(LocalWorld(now, prefix), scenario).outcomes
    for one, other in zip(local, real, strict=True):
        assert one == other


@pytest.mark.parametrize("scenario", scenarios.ALL, ids=lambda scenario: str(scenario.__name__))
def test_the_local_hub_answers_as_the_real_one(own: Network, scenario: Scenario) -> None:
    compare(own, scenario)


def test_it_answers_alike_whatever_is_asked(own: Network, seed: int) -> None:
    for draw in range(SEEDS):
        print(f"--seed {seed + draw}")
        compare(own, partial(scenarios.at_random, seed + draw))


@pytest.mark.parametrize("spoilt", gates.SPOILT)
def test_the_gates_refuse_alike(net: Network, spoilt: str) -> None:
    shop, hub = net.join(), LocalHub()
    letter = gates.SPOILT[spoilt](gates.Letter(shop.authority, shop.partner, shop.key))
    answer = shop.exchange(letter.method, letter.path, letter.headers(), letter.body or None)
    local = gates.SPOILT[spoilt](gates.Letter(AUTHORITY, shop.partner, hub.join(shop.partner)))
    headers = CaseInsensitiveDict(local.headers())
    digest, content_type = headers.get("Content-Digest"), headers.get("Content-Type")
    reply = hub.answer(
        Received(replace(local.target, content_digest=digest, content_type=content_type), headers, local.body)
    )
    assert (reply.status, json.loads(reply.body).get("code")) == (answer.status, answer.json.get("code"))
