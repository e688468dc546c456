"""The primary dies under load and its standby takes over: what was acknowledged is there, and the hub comes back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import text

from hub.store.database import Database
from hub.store.schema import migrate
from tests.support import coalition, postgres, server
from tests.support.network import Network, broken_rows, earn, sale
from tests.support.postgres import Postgres
from tests.support.raw import RawClient

TILLS = 4
LOAD_S = 3.0
BACK_S = 30.0
STANDBY = "hub1"


@pytest.fixture
def pair() -> Iterator[tuple[Postgres, Postgres]]:
    """Yield a primary that commits only what its standby has on disk as well, and that standby."""
    with postgres.place() as folder:
        primary = Postgres(folder / "primary", server.free_port())
        primary.make()
        primary.start()
        database = Database(primary.url)
        migrate(database)
        database.dispose()
        standby = primary.back_up(folder / "standby", "-R")
        standby.configure(
            f"primary_conninfo = 'host=127.0.0.1 port={primary.port} user=postgres application_name={STANDBY}'"
        )
        standby.start()
        primary.configure(f"synchronous_standby_names = '{STANDBY}'")
        primary.ask("SELECT pg_reload_conf()")
        primary.wait_for("SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'")
        yield primary, standby


def _url(pair: tuple[Postgres, ...]) -> str:
    """One URL for whichever of the servers takes writes."""
    ports = ",".join(str(one.port) for one in pair)
    hosts = ",".join("127.0.0.1" for _ in pair)
    return f"postgresql://postgres@/postgres?host={hosts}&port={ports}&target_session_attrs=read-write"


def _till(client: RawClient, name: str, stopped: Event, acknowledged: list[str]) -> set[int]:
    """Report sale after sale, each until it is acknowledged; return the statuses that came on the way."""
    statuses, number = set[int](), 0
    while not stopped.is_set():
        number += 1
        while not stopped.is_set():
            try:
                status = earn(client, sale(f"{name}-{number}", f"card:{number % 7}")).status
            except OSError:
                continue
            statuses.add(status)
            if status == 200:
                acknowledged.append(f"{name}-{number}")
                break
            time.sleep(0.1)
    return statuses


def test_nothing_acknowledged_is_lost_when_the_standby_takes_over(
    pair: tuple[Postgres, Postgres], tmp_path: Path
) -> None:
    primary, standby = pair
    built = coalition.build(primary.url, tmp_path / "hub")
    built.hub.database.dispose()
    settings = replace(built.settings, database_url=_url(pair))
    stopped, acknowledged = Event(), [list[str]() for _ in range(TILLS)]
    with server.running(settings, workers=2) as served, ThreadPoolExecutor(TILLS) as pool:
        net = Network(built, served)
        tills = [
            pool.submit(_till, net.client("grocer"), f"t{number}", stopped, acknowledged[number])
            for number in range(TILLS)
        ]
        try:
            time.sleep(LOAD_S)
            before = [len(one) for one in acknowledged]
            primary.kill()
            time.sleep(1.0)
            standby.promote()
            _wait_for_more(acknowledged, [len(one) for one in acknowledged])
        finally:
            stopped.set()
        statuses = set[int]().union(*(till.result() for till in tills))
    assert all(before)
    assert statuses <= {200, 503}
    hub = replace(built.hub, database=Database(standby.url))
    with hub.database.connect() as connection:
        found = connection.execute(text("SELECT event_id FROM hub.event")).scalars().all()
    assert len(found) == len(set(found))
    assert {event for one in acknowledged for event in one} <= set(found)
    assert broken_rows(hub) == []
    hub.database.dispose()


def _wait_for_more(acknowledged: list[list[str]], before: list[int]) -> None:
    """Wait until each till has had more acknowledged."""
    deadline = time.monotonic() + BACK_S
    while not all(len(one) > known for one, known in zip(acknowledged, before, strict=True)):
        assert time.monotonic() < deadline, "the hub did not come back"
        time.sleep(0.1)
