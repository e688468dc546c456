"""Fixtures of the settlement tests: a fresh database, and one in which January is posted or published."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, create_engine, make_url

from settlement.store.schema import migrate
from tests.settlement import sample


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    """Yield an engine on a fresh database with settlement's schema and an empty ledger side."""
    engine = create_engine(make_url(postgres_url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        migrate(connection)
        connection.execute(sample.CREATE_LEDGER_SIDE)
    yield engine
    engine.dispose()


@pytest.fixture
def posted(engine: Engine) -> Engine:
    """Return an engine on a database with January's and February's redemptions."""
    with engine.begin() as connection:
        sample.post(connection, [*sample.JANUARY, *sample.FEBRUARY])
    return engine


@pytest.fixture
def published(posted: Engine) -> Engine:
    """Return an engine on a database with January published."""
    with posted.begin() as connection:
        sample.close(connection)
    return posted


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    """Yield a connection to the fresh database; what it does is rolled back."""
    with engine.connect() as connection:
        yield connection
