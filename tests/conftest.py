"""What all tests share: one embedded PostgreSQL a test process, and a fresh migrated database a test."""

from __future__ import annotations

import gc
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest

from hub.store import embedded
from hub.store.database import Database
from hub.store.schema import migrate

_NUMBERS = count(1)
TEMPLATE = "hansa_template"
FAST = ("fsync = off", "full_page_writes = off", "synchronous_commit = off", "deadlock_timeout = '100ms'")
"""Nothing here must outlive a power cut, and no test should wait a second for a deadlock to be seen."""
MEMORY = Path("/dev/shm")
TESTS = Path(__file__).parent
LONG = (
    "hub/test_tampering.py", "hub/test_model.py", "settlement/test_checks.py", "test_demo.py",
    "settlement/year/test_year.py", "hub/test_exchange.py", "test_quickstart.py", "hub/test_schemathesis.py",
    "hub/test_idempotency.py", "hub/test_webhooks.py", "bench/test_bench.py", "hub/test_start.py",
    "hub/test_local_hub.py", "hub/test_cli.py", "settlement/test_disputes.py", "test_readme.py", "hub/test_hub_keys.py",
    "hub/test_storm.py",
)  # fmt: skip
"""The files that take half a minute or more where three are run at a time, longest first."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what `make soak` asks for."""
    parser.addoption("--soak", action="store_true", help="run what draws at random for minutes instead of seconds")
    parser.addoption("--seed", type=int, help="draw what a run printed that failed")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Let what runs for long do so."""
    if config.getoption("--soak"):
        config.option.timeout = 0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put first what takes longest, so that no process is left alone with it at the end."""
    order = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: order.get(str(item.path.relative_to(TESTS)), len(order)))


def pytest_collection_finish() -> None:
    """Keep Python's collector away from what was collected, which stays: looking through it takes a tenth of a run."""
    gc.freeze()


@pytest.fixture
def soaking(request: pytest.FixtureRequest) -> bool:
    """Return whether to run for long."""
    return bool(request.config.getoption("--soak"))


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Return what decides all that is drawn at random: the one asked for, or a new one."""
    given = request.config.getoption("--seed")
    return secrets.randbelow(2**32) if given is None else int(given)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Start a PostgreSQL of this test process's own; yield the URL of its maintenance database."""
    folder = Path(tempfile.mkdtemp(prefix="hansa-tests-", dir=_in_memory()))
    url = embedded.start(folder / "postgresql")
    with psycopg.connect(url, autocommit=True) as connection:
        for setting in FAST:
            connection.execute(f"ALTER SYSTEM SET {setting}")
        connection.execute("SELECT pg_reload_conf()")
    yield url
    embedded.stop(folder / "postgresql")
    shutil.rmtree(folder)


def _in_memory() -> Path | None:
    """Return where files are kept in memory, or None, since a fresh database a test is hundreds of small files."""
    is_roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 4 * 2**30
    return MEMORY if is_roomy else None


@pytest.fixture(scope="session")
def migrated_template(postgres_server: str) -> str:
    """Return the URL of a migrated, empty database that others are copied from."""
    return _create(postgres_server, TEMPLATE, None, migrated=True)


@pytest.fixture
def postgres_url(postgres_server: str, migrated_template: str) -> Iterator[str]:
    """Yield the URL of a fresh database with both schemas in place."""
    with fresh_database(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def shared_postgres_url(postgres_server: str, migrated_template: str) -> Iterator[str]:
    """Yield the URL of one more such database, for what a whole session shares."""
    with fresh_database(postgres_server) as url:
        yield url


@pytest.fixture(scope="module")
def module_postgres_url(postgres_server: str, migrated_template: str) -> Iterator[str]:
    """Yield the URL of one more, for what the tests of one file share."""
    with fresh_database(postgres_server) as url:
        yield url


@contextmanager
def fresh_database(server: str, template: str = TEMPLATE) -> Iterator[str]:
    """Copy a database to which nobody is connected, for the length of a block."""
    name = f"test_{os.getpid()}_{next(_NUMBERS)}"
    yield _create(server, name, template)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _create(server: str, name: str, template: str | None, *, migrated: bool = False) -> str:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}" + (f" TEMPLATE {template} STRATEGY FILE_COPY" if template else ""))
    url = server.replace("/hansa?", f"/{name}?")
    if migrated:
        database = Database(url)
        migrate(database)
        database.dispose()
    return url
