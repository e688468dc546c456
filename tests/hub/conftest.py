"""One running hub for all tests that can share it: two worker processes, three partners, a sandbox clock."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import make_url

from hub.services.context import Hub
from hub.start import open_hub
from hub.store.database import Database
from tests.conftest import fresh_database
from tests.support import coalition, network
from tests.support.coalition import Coalition
from tests.support.network import Network


@pytest.fixture(scope="session")
def net(shared_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Yield the shared network; tests take new members, ids and partners from it and never move its clock."""
    with network.running(shared_postgres_url, tmp_path_factory.mktemp("hub")) as running:
        yield running


@pytest.fixture(scope="session")
def template(
    postgres_server: str, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Coalition]:
    """Yield a coalition that is built once a session, so that others can be copied from it; nobody is connected."""
    with fresh_database(postgres_server) as url:
        made = coalition.build(url, tmp_path_factory.mktemp("template"))
        made.hub.database.dispose()
        yield made


@pytest.fixture
def built(postgres_server: str, template: Coalition, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coalition]:
    """Yield a coalition of this test's own, without a server."""
    with fresh_database(postgres_server, str(make_url(template.settings.database_url).database)) as url:
        settings = replace(template.settings, data=tmp_path_factory.mktemp("data"), database_url=url)
        shutil.copytree(template.settings.data, settings.data, dirs_exist_ok=True)
        made = Coalition(open_hub(settings), settings, dict(template.keys))
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
