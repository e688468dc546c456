"""The local hub of the SDK's test kit against the real one: the same scenarios, and the same answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial

import pytest

from hub.services import business_clock
from tests.hub.contract import scenarios
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
