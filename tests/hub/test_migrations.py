"""A hub goes on serving while its database is brought from an earlier schema to today's, whatever has a table then.

Tills report sales all the time. A transaction that keeps the largest tables for long, as the close of a large cycle
does, stands in the way of the migration, which must then keep nobody else out.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Timer

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text

import hub.store
from hub import start
from hub.core.errors import ConfigurationError, DatabaseUnavailable
from hub.store import revision, schema
from hub.store.database import Database
from hub.store.schema import migrate
from tests.support import network
from tests.support.coalition import Coalition
from tests.support.network import Network, broken_rows, earn, sale

BEFORE_CARDS = "0011"
"""The hub's schema as it was when the last version without linked cards, files and packs stood."""
BEFORE_CURRENCY_RATES = "0018"
"""The migration before the one that changes `hub.rate`."""
KEPT_S, STALLED_S = 10.0, 6.0
"""How long a transaction has the tables, and how long a sale may take meanwhile on a busy machine."""
SOLD_BEFORE, TILLS = 500, 3


def _taken_back(database: Database, revision: str) -> None:
    """Bring the hub's schema back to an earlier one, with what is in it."""
    config = Config()
    config.set_main_option("script_location", str(Path(hub.store.__file__).parent / "migrations"))

    def work(connection: object) -> None:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)

    database.transact(work)


def _revision(database: Database) -> str:
    with database.connect() as connection:
        return str(connection.execute(text("SELECT version_num FROM hub.schema_version")).scalar_one())


@contextmanager
def _kept(url: str, seconds: float) -> Iterator[None]:
    """Read the largest tables in a transaction that stays open for so long."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute("SELECT count(*) FROM hub.event, hub.transfer, settlement.obligation LIMIT 1")
        keeper = Timer(seconds, connection.rollback)
        keeper.start()
        yield
        keeper.join()


def _sell(net: Network, till: int, ends: Event) -> list[float]:
    """Report sales one after another until told to end; return how long each took."""
    client, took_s = net.client("grocer"), list[float]()
    while not ends.is_set():
        began = time.monotonic()
        answer = earn(client, sale(f"till{till}-{len(took_s)}", f"card:{till}-{len(took_s) % 50}"))
        assert answer.status == 200, answer.body
        took_s.append(time.monotonic() - began)
    return took_s


def test_a_hub_serves_while_its_schema_is_migrated(built: Coalition) -> None:
    database = built.hub.database
    newest = _revision(database)
    with network.running_of(built, workers=1) as net, ThreadPoolExecutor(TILLS) as tills:
        sold = [sale(f"before-{number}", f"card:{number}") for number in range(SOLD_BEFORE)]
        assert earn(net.client("fuel"), *sold).status == 200
        _taken_back(database, BEFORE_CARDS)
        ends = Event()
        selling = [tills.submit(_sell, net, till, ends) for till in range(TILLS)]
        try:
            with _kept(built.settings.database_url, KEPT_S):
                began = time.monotonic()
                migrate(database)
                waited_s = time.monotonic() - began
        finally:
            ends.set()
        took_s = [one for till in selling for one in till.result()]
        assert _revision(database) == newest
        assert waited_s > KEPT_S / 2, "nothing stood in the way of the migration"
        assert max(took_s) < STALLED_S
        with database.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM hub.event")).scalar() == SOLD_BEFORE + len(took_s)
        assert broken_rows(net.hub) == []


def test_two_that_migrate_at_once_do_so_one_after_the_other(built: Coalition) -> None:
    database = built.hub.database
    newest = _revision(database)
    _taken_back(database, BEFORE_CARDS)
    with ThreadPoolExecutor(2) as both:
        for done in [both.submit(migrate, database) for _ in range(2)]:
            done.result()
    assert _revision(database) == newest


def test_who_is_kept_waiting_for_too_long_is_told_why(built: Coalition, monkeypatch: pytest.MonkeyPatch) -> None:
    """And finds the tables as they were; a later attempt goes on from there."""
    database = built.hub.database
    newest = _revision(database)
    _taken_back(database, BEFORE_CARDS)
    monkeypatch.setattr(schema, "PATIENCE_S", 1.0)
    with psycopg.connect(built.settings.database_url.replace("+psycopg", "")) as connection:
        connection.execute("LOCK hub.event IN ACCESS SHARE MODE")
        with pytest.raises(DatabaseUnavailable, match=r"other work has a table.* 'hansa init' again"):
            migrate(database)
        assert _revision(database) == BEFORE_CARDS
    migrate(database)
    assert _revision(database) == newest


def test_what_was_migrated_before_others_had_a_table_stays(built: Coalition, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each migration is a transaction of its own: no lock of the first is kept until the last is done."""
    database = built.hub.database
    newest = _revision(database)
    _taken_back(database, BEFORE_CARDS)
    monkeypatch.setattr(schema, "PATIENCE_S", 1.0)
    with psycopg.connect(built.settings.database_url.replace("+psycopg", "")) as connection:
        connection.execute("LOCK hub.rate IN ACCESS SHARE MODE")
        with pytest.raises(DatabaseUnavailable):
            migrate(database)
        assert _revision(database) == BEFORE_CURRENCY_RATES
    migrate(database)
    assert _revision(database) == newest


def test_an_index_that_was_left_half_built_is_built_anew(built: Coalition) -> None:
    """As by a process that was killed: PostgreSQL keeps such an index, and calls it invalid."""
    database = built.hub.database
    _taken_back(database, "0018b")
    with psycopg.connect(built.settings.database_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE INDEX event_by_day ON hub.event (posted_at)")
        connection.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'hub.event_by_day'::regclass")
        migrate(database)
        valid, how = connection.execute(
            "SELECT indisvalid, pg_get_indexdef(indexrelid) FROM pg_index"
            " WHERE indexrelid = 'hub.event_by_day'::regclass"
        ).fetchone() or (None, "")
    assert valid
    assert "brin (business_date)" in how


def test_a_hub_does_not_start_on_an_earlier_schema(built: Coalition) -> None:
    start.check_environment(built.hub, built.settings)
    _taken_back(built.hub.database, BEFORE_CARDS)
    with pytest.raises(ConfigurationError, match=rf"is an earlier one \({BEFORE_CARDS}, .*run 'hansa init' first"):
        start.check_environment(built.hub, built.settings)
    migrate(built.hub.database)
    start.check_environment(built.hub, built.settings)
    with built.hub.database.connect() as connection:
        connection.execute(text("DROP SCHEMA hub CASCADE"))
    with pytest.raises(ConfigurationError, match=r"\(none, .*run 'hansa init' first"):
        start.check_environment(built.hub, built.settings)


def test_a_hub_starts_on_the_schema_of_a_later_version(built: Coalition) -> None:
    """As while an upgrade goes on, or after one that is taken back."""
    with built.hub.database.connect() as connection:
        connection.execute(text("UPDATE hub.schema_version SET version_num = '9999'"))
    start.check_environment(built.hub, built.settings)


def test_the_newest_migration_is_known_by_its_name() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(hub.store.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_current_head() == revision.NEWEST
