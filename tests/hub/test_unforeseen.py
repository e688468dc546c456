"""Failures that nobody foresaw: what runs in the background says so, and goes on when they are over.

Here a table is missing for a while, as where somebody works on the database by hand.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import text

from hub import messenger, watchdog
from hub.services import business_clock
from hub.services.context import Hub
from tests.support import bulk, network, server
from tests.support.bulk import SALES, row, sales
from tests.support.coalition import Coalition
from tests.support.sdk import client_of
from tests.support.waiting import wait_until


@contextmanager
def missing(hub: Hub, table: str) -> Iterator[None]:
    """Take a table away for the length of a block."""
    with hub.database.connect() as connection:
        connection.execute(text(f"ALTER TABLE hub.{table} RENAME TO away"))
    try:
        yield
    finally:
        with hub.database.connect() as connection:
            connection.execute(text(f"ALTER TABLE hub.away RENAME TO {table}"))


def test_a_hub_is_ready_again_and_works_on_files_again(built: Coalition, tmp_path: Path) -> None:
    bulk.add_template(built.hub, "fuel", SALES)
    (tmp_path / "day").write_bytes(sales("day", [row("day-1")]))
    with network.running_of(built, workers=1) as net:
        with missing(built.hub, "coalition"):
            wait_until(lambda: not server.is_ready(net.server.url), "it says that it is ready")
        with missing(built.hub, "file"):
            wait_until(lambda: "files were not looked for" in net.server.log.read_text(), "nothing was said")
        wait_until(lambda: server.is_ready(net.server.url), "it is not ready again")
        with client_of(net, "fuel") as client:
            client.send_file("day", "daily", tmp_path / "day")
            wait_until(lambda: client.file_state("day").state == "posted", "nobody works on files any more")
        assert "the small tables were not read" in net.server.log.read_text()


def test_the_background_worker_goes_on(built: Coalition, tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = (sys.executable, "-m", "hub", "worker", "--interval", "1")
    with log.open("wb") as written:
        process = subprocess.Popen(
            command, env=os.environ | built.settings.to_environment(), stdout=written, stderr=written
        )
    with process:
        try:
            wait_until(lambda: " is over" in log.read_text(), "it does not begin")
            with missing(built.hub, "webhook"):
                wait_until(lambda: "a webhook was not delivered" in log.read_text(), "nothing was said")
            with missing(built.hub, "coalition"):
                wait_until(lambda: "the day's work was not done" in log.read_text(), "nothing was said")
            business_clock.move(built.hub, datetime(2017, 8, 1, tzinfo=UTC))
            wait_until(lambda: "2017-07-31 is over" in log.read_text(), "it ends no day any more")
            assert process.poll() is None
        finally:
            process.terminate()
    assert process.returncode == 0


def test_a_carrier_tries_again(built: Coalition, caplog: pytest.LogCaptureFixture) -> None:
    carriers = messenger.Carriers(built.hub, print, count=1)
    with missing(built.hub, "webhook"):
        for _ in range(2):
            wait_until(lambda: "a webhook was not delivered" in caplog.text, "it tries no more")
            caplog.clear()
    carriers.stop()


def test_the_watchdog_looks_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "worker-1").mkdir()
    stopped = Event()
    watchdog.watch(tmp_path, 1, stopped)
    for _ in range(2):
        wait_until(lambda: "worker-1 was not looked at" in caplog.text, "it looks no more")
        caplog.clear()
    stopped.set()
