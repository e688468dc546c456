"""One running hub for all tests that can share it: two worker processes, three partners, a sandbox clock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from hub.services.context import Hub
from hub.store.database import Database
from tests.support import coalition, network
from tests.support.coalition import Coalition
from tests.support.network import Network


@pytest.fixture(scope="session")
def net(shared_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Yield the shared network; tests take new members, ids and partners from it and never move its clock."""
    with network.running(shared_postgres_url, tmp_path_factory.mktemp("hub")) as running:
        yield running


@pytest.fixture
def built(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coalition]:
    """Yield a coalition of this test's own, without a server."""
    made = coalition.build(postgres_url, tmp_path_factory.mktemp("data"))
    yield made
    made.hub.database.dispose()


@pytest.fixture
def closed_at_last(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close what the commands leave for the end of their process to close."""
    opened: list[Database] = []
    noted = Hub.__init__

    def note(hub: Hub, database: Database, *rest: Any, **named: Any) -> None:
        opened.append(database)
        noted(hub, database, *rest, **named)

    monkeypatch.setattr(Hub, "__init__", note)
    yield
    for database in opened:
        database.dispose()
