"""The hub's connections when their server goes away: one caller is told, and the next has a new connection."""

from __future__ import annotations

from contextlib import ExitStack

import psycopg
import pytest

from hub.core.errors import DatabaseUnavailable
from hub.store.database import Database, fetch

CONNECTIONS = 5


def test_when_one_connection_is_gone_all_that_were_kept_are_given_up(postgres_url: str, postgres_server: str) -> None:
    database = Database(postgres_url, CONNECTIONS)
    with ExitStack() as stack:
        kept = [stack.enter_context(database.connect()) for _ in range(CONNECTIONS)]
        backends = [fetch(one, "SELECT pg_backend_pid()", {})[0][0] for one in kept]
    with psycopg.connect(postgres_server, autocommit=True) as server:
        server.execute("SELECT pg_terminate_backend(pid, 5000) FROM unnest(%s::int[]) AS pid", (backends,))
    with pytest.raises(DatabaseUnavailable), database.connect() as connection:
        fetch(connection, "SELECT 1", {})
    with ExitStack() as stack:
        renewed = [stack.enter_context(database.connect()) for _ in range(CONNECTIONS)]
        assert [fetch(one, "SELECT 1", {}) for one in renewed] == [[(1,)]] * CONNECTIONS
    database.dispose()


def test_a_transaction_on_a_connection_that_is_gone_is_told_of_and_the_next_is_done(postgres_url: str) -> None:
    database = Database(postgres_url, CONNECTIONS)
    with pytest.raises(DatabaseUnavailable):
        database.transact(lambda connection: fetch(connection, "SELECT pg_terminate_backend(pg_backend_pid())", {}))
    assert database.transact(lambda connection: fetch(connection, "SELECT 1", {})) == [(1,)]
    database.dispose()
