"""What is recorded is on the disk; what goes wrong with the file has a name, and leaves nothing half recorded."""

from __future__ import annotations

import resource
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from partner_sdk import Item, Money
from partner_sdk.outbox import (
    Outbox,
    OutboxClosed,
    OutboxCorrupt,
    OutboxError,
    OutboxFull,
    OutboxLocked,
    OutboxOfAnother,
    OutboxReadOnly,
    OutboxTooNew,
    RecordedOtherwise,
    Unrecordable,
)
from partner_sdk.outbox.errors import outbox_error
from partner_sdk.outbox.file import OutboxFile
from partner_sdk.outbox.format import STEPS, bring_up
from partner_sdk.testing import LocalHub

PRICE = Money(1250, "USD")
FIRST_FORMAT = (
    b'{"event_id":"e-1","member":"card:1","occurred_at":"2020-01-10T09:00:00+00:00",'
    b'"amount":{"minor":1250,"currency":"USD"},"terminal":"a"}'
)
RECORD_AND_DIE = """
import os, signal, sys
from partner_sdk import Money
from partner_sdk.outbox import Outbox
outbox = Outbox(sys.argv[1])
for number in range(50):
    print(outbox.record_earning("card:1", Money(number, "USD"), terminal="till"), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


def ids_in(path: Path) -> list[str]:
    """Every event that waits in a file, in its terminal's order."""
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT event_id FROM waiting ORDER BY lane, sequence").fetchall()
    connection.close()
    return [event_id for (event_id,) in rows]


def test_what_was_recorded_survives_a_killed_process(path: Path) -> None:
    run = subprocess.run((sys.executable, "-c", RECORD_AND_DIE, path), capture_output=True, text=True, check=False)
    assert run.returncode == -signal.SIGKILL, run.stderr
    assert ids_in(path) == run.stdout.split()
    assert len(ids_in(path)) == 50


def test_each_event_gets_an_id_of_its_own_and_the_next_number_of_its_terminal(path: Path) -> None:
    with Outbox(path) as outbox:
        ids = [outbox.record_earning("card:1", PRICE, terminal=terminal) for terminal in ("a", "b", "a", "a")]
        ids.append(outbox.record_refund(ids[0], terminal="b"))
    assert len(set(ids)) == 5
    connection = sqlite3.connect(path)
    numbered = connection.execute(
        "SELECT event_id, terminal, waiting.sequence FROM waiting JOIN lane ON lane.id = lane ORDER BY 2, 3"
    ).fetchall()
    connection.close()
    assert numbered == [(ids[0], "a", 1), (ids[2], "a", 2), (ids[3], "a", 3), (ids[1], "b", 1), (ids[4], "b", 2)]


def test_an_own_id_can_be_recorded_again_but_not_with_other_content(path: Path) -> None:
    at = datetime(2017, 1, 10, tzinfo=UTC)
    with Outbox(path) as outbox:
        for _ in range(2):
            assert outbox.record_earning("card:1", PRICE, event_id="e-1", occurred_at=at) == "e-1"
        with pytest.raises(RecordedOtherwise, match="e-1"):
            outbox.record_earning("card:2", PRICE, event_id="e-1", occurred_at=at)
    assert ids_in(path) == ["e-1"]


def test_an_own_id_that_was_delivered_is_not_delivered_again(path: Path) -> None:
    """A till that was killed before it knew records again; with another number the hub would refuse it."""
    at = datetime(2017, 1, 10, tzinfo=UTC)
    hub = LocalHub()
    with hub.client("grocer") as client, Outbox(path, client, deliver=False) as outbox:
        for _ in range(2):
            assert outbox.record_earning("card:1", PRICE, event_id="e-1", occurred_at=at, terminal="a") == "e-1"
            while outbox.step() is not None:
                pass
        with pytest.raises(RecordedOtherwise):
            outbox.record_earning("card:2", PRICE, event_id="e-1", occurred_at=at, terminal="a")
        assert (outbox.stats().waiting, outbox.stats().delivered, len(hub.seen)) == (0, 1, 1)


def test_what_no_hub_would_take_is_refused_at_once_and_named(path: Path) -> None:
    with Outbox(path) as outbox:
        with pytest.raises(Unrecordable) as refused:
            outbox.record_earning("nobody", Money(-1, "USD"), items=(Item("s", "c", 0, 1),))
        assert {one["pointer"] for one in refused.value.errors} >= {"/member", "/amount/minor"}
        with pytest.raises(Unrecordable):
            outbox.record_refund("e-1", event_id="")
        assert outbox.stats().waiting == 0


def test_the_file_is_for_its_owner_only(path: Path) -> None:
    Outbox(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_closed_outbox_says_so(path: Path) -> None:
    outbox = Outbox(path)
    outbox.close()
    with pytest.raises(OutboxClosed):
        outbox.record_earning("card:1", PRICE)


# --- formats ---


def test_a_newer_format_is_left_alone(path: Path) -> None:
    Outbox(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    connection.close()
    with pytest.raises(OutboxTooNew, match="upgrade"):
        Outbox(path)


def test_an_older_format_is_brought_up_with_what_it_holds(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    bring_up(connection, path, STEPS[:1])
    connection.execute("INSERT INTO lane (terminal, sequence) VALUES ('a', 0)")
    connection.execute("INSERT INTO waiting VALUES (1, 1, 'e-1', 'earning', ?, NULL, 0.0)", (FIRST_FORMAT,))
    connection.close()
    hub = LocalHub()
    with hub.client("grocer") as client, Outbox(path, client, deliver=False) as outbox:
        assert outbox.stats().waiting == 1
        while outbox.step() is not None:
            pass
        assert outbox.stats().delivered == 1
    assert b'"event_id":"e-1"' in hub.seen[0].body


def test_a_file_of_something_else_is_not_touched(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(OutboxCorrupt, match="no outbox"):
        Outbox(path)
    assert path.read_bytes() == before


def test_a_damaged_file_is_named_and_kept(path: Path) -> None:
    path.write_bytes(b"\x00" * 5000)
    with pytest.raises(OutboxCorrupt, match="put it aside"):
        Outbox(path)
    assert path.stat().st_size == 5000


def test_the_outbox_of_another_partner_is_refused(path: Path) -> None:
    hub = LocalHub()
    Outbox(path, hub.client("grocer"), deliver=False).close()
    with pytest.raises(OutboxOfAnother, match="grocer"):
        Outbox(path, hub.client("fuel"), deliver=False)


# --- disks ---


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """Let this process write no file beyond a size, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_named_and_nothing_is_half_recorded(path: Path) -> None:
    recorded: list[str] = []

    def fill(outbox: Outbox) -> None:
        while True:
            recorded.append(outbox.record_earning("card:1", PRICE))

    with Outbox(path) as outbox:
        with no_file_larger_than(200_000), pytest.raises(OutboxFull, match="room"):
            fill(outbox)
        assert outbox.stats().waiting == len(recorded) > 10
        recorded.append(outbox.record_earning("card:1", PRICE))
    assert ids_in(path) == recorded


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutboxReadOnly, match="No such file"):
        Outbox(tmp_path / "nowhere" / "outbox.db")


def test_a_file_that_cannot_be_written_is_named(path: Path) -> None:
    Outbox(path).close()
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    with pytest.raises(sqlite3.OperationalError) as refused:
        connection.execute("DELETE FROM waiting")
    connection.close()
    named = outbox_error(path, refused.value)
    assert isinstance(named, OutboxReadOnly)
    assert "permissions" in str(named)


def test_a_file_that_another_holds_is_named_after_a_while(path: Path) -> None:
    file = OutboxFile(path, busy_s=0.01)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(OutboxLocked), file:
        raise AssertionError("two transactions at once")
    holder.close()
    with file as connection:
        assert connection.execute("SELECT count(*) FROM waiting").fetchone() == (0,)
    file.close()


def test_every_error_of_the_file_is_the_outbox_s_own(path: Path) -> None:
    assert isinstance(outbox_error(path, sqlite3.OperationalError("?")), OutboxError)
