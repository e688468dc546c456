"""Fixtures of the settlement tests: fresh databases, and databases with a cycle in them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from sqlalchemy import Connection, Engine, create_engine, make_url, text

from settlement import cycles
from settlement.store.schema import migrate
from tests.settlement import agreed, sample


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    """Yield an engine on a fresh database with settlement's schema and an empty ledger side."""
    yield from _prepared(postgres_url)


@pytest.fixture
def posted(engine: Engine) -> Engine:
    """Return an engine on a database with January's and February's redemptions."""
    _post(engine)
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


@pytest.fixture(scope="session")
def posted_once(postgres_server: str, migrated_template: str) -> Iterator[Engine]:
    """Yield an engine on a database with January open; who uses it rolls back."""
    for engine in _prepared(_copied(postgres_server, migrated_template, "settlement_posted")):
        _post(engine)
        yield engine


@pytest.fixture(scope="session")
def calculated_once(postgres_server: str, migrated_template: str) -> Iterator[Engine]:
    """Yield an engine on a database with January calculated and proposed; who uses it rolls back."""
    for engine in _prepared(_copied(postgres_server, migrated_template, "settlement_calculated")):
        _post(engine)
        with engine.begin() as connection:
            cycles.close(connection, "2017-01", sample.LEDGER, author=sample.AUTHOR, at=sample.AT)
        yield engine


@pytest.fixture(scope="session")
def published_once(postgres_server: str, migrated_template: str) -> Iterator[Engine]:
    """Yield an engine on a database with January published; who uses it rolls back."""
    for engine in _prepared(_copied(postgres_server, migrated_template, "settlement_published")):
        _post(engine)
        with engine.begin() as connection:
            sample.close(connection)
        yield engine


@pytest.fixture(scope="session")
def corrected_once(postgres_server: str, migrated_template: str) -> Iterator[Engine]:
    """Yield an engine on a database with January and the corrected February published; who uses it rolls back."""
    for engine in _prepared(_copied(postgres_server, migrated_template, "settlement_corrected")):
        _post(engine)
        with engine.begin() as connection:
            sample.close(connection)
            sample.post(connection, sample.CORRECTIONS)
        with engine.begin() as connection:
            sample.close(connection, "2017-02")
        yield engine


@pytest.fixture(scope="session")
def failed_once(postgres_server: str, migrated_template: str) -> Iterator[Engine]:
    """Yield an engine on a database with a January in which late owes a and b 10,000 net; who uses it rolls back."""
    for engine in _prepared(_copied(postgres_server, migrated_template, "settlement_failed")):
        with engine.begin() as connection:
            sample.post(connection, sample.redemption("r1", "a", {"late": 7000}))
            sample.post(connection, sample.redemption("r2", "b", {"late": 3500, "a": 200}))
            sample.post(connection, sample.redemption("r3", "late", {"c": 500}))
        with engine.begin() as connection:
            sample.close(connection)
        yield engine


@pytest.fixture(scope="session")
def quarter_once(postgres_server: str, migrated_template: str) -> Iterator[Engine]:
    """Yield an engine on a database with three cycles published, through which bank carries what it owes."""
    terms = {"minimum_payment_minor": 10_000, "fee": {"side": "issued", "percent": "2"}}
    march = sample.redemption("b8-fuel-r", "fuel", {"bank": 70}, date(2017, 3, 3))
    for engine in _prepared(_copied(postgres_server, migrated_template, "settlement_quarter")):
        with engine.begin() as connection:
            agreed.agree(connection, "bank", terms)
        _post(engine)
        for cycle, later in (("2017-01", sample.CORRECTIONS), ("2017-02", march), ("2017-03", march[:0])):
            with engine.begin() as connection:
                sample.close(connection, cycle)
            if later:
                with engine.begin() as connection:
                    sample.post(connection, later)
        yield engine


def _prepared(url: str) -> Iterator[Engine]:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        migrate(connection)
        connection.execute(sample.CREATE_LEDGER_SIDE)
    yield engine
    engine.dispose()


def _post(engine: Engine) -> None:
    with engine.begin() as connection:
        sample.post(connection, [*sample.JANUARY, *sample.FEBRUARY])


def _copied(server: str, template: str, name: str) -> str:
    url = make_url(server).set(drivername="postgresql+psycopg")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {make_url(template).database}"))
    engine.dispose()
    return url.set(database=name).render_as_string(hide_password=False)
