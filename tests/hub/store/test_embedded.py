"""The embedded PostgreSQL: it starts whatever became of the one before, stops with its last user, and says why not."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import PIPE

import psutil
import psycopg
import pytest

from hub.core.errors import ConfigurationError
from hub.store import embedded

USE = "import sys; from pathlib import Path; from hub.store import embedded; "
USE += "embedded.start(Path(sys.argv[1])); print('up', flush=True); sys.stdin.read()"
PATIENCE_S = 60


@contextmanager
def user(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a process that uses the server of a folder until its standard input ends."""
    with subprocess.Popen([sys.executable, "-c", USE, folder], stdin=PIPE, stdout=PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"up\n"
        yield process


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder whose server is stopped at last."""
    yield tmp_path / "postgresql"
    embedded.stop(tmp_path / "postgresql")


def number_of(folder: Path) -> int:
    return int((folder / "postmaster.pid").read_text().split()[0])


def kill(folder: Path) -> int:
    """Kill a server's first process, wait until those after it have ended too, and return its number."""
    first = psutil.Process(number_of(folder))
    others = first.children()
    first.kill()
    psutil.wait_procs([first, *others], timeout=PATIENCE_S)
    return first.pid


def answer(url: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT 1").fetchone()
    return row and row[0]


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "postgresql"
    folder.mkdir()
    (folder / "notes.txt").write_text("not a database")
    with pytest.raises(ConfigurationError, match="postgresql is to hold the database, and holds something else"):
        embedded.start(folder)
    assert capfd.readouterr() == ("", "")
    assert [one.name for one in folder.iterdir()] == ["notes.txt"]


def test_what_keeps_it_from_starting_is_told_in_postgresqls_own_words(folder: Path) -> None:
    embedded.start(folder)
    embedded.stop(folder)
    (folder / "postgresql.conf").write_text("max_connections = none\n")
    with pytest.raises(ConfigurationError, match="could not start server"):
        embedded.start(folder)
    assert "invalid value for parameter" in (folder / "log").read_text()


def test_it_stops_with_its_last_user_though_others_were_killed(folder: Path) -> None:
    running = folder / "postmaster.pid"
    with user(folder) as other:
        with user(folder) as killed:
            killed.kill()
        embedded.start(folder)
        embedded.stop(folder)
        assert running.exists(), "another process still uses it"
    assert other.returncode == 0
    assert not running.exists()


def test_a_child_that_ends_does_not_stop_it_under_its_parent(folder: Path) -> None:
    program = "import os, sys; from pathlib import Path; from hub.store import embedded; folder = Path(sys.argv[1]);"
    program += "embedded.start(folder); os.fork() or sys.exit(0); os.wait(); print(*folder.glob('postmaster.pid'))"
    done = subprocess.run([sys.executable, "-c", program, folder], capture_output=True, text=True, timeout=PATIENCE_S)
    assert (done.stdout, done.stderr) == (f"{folder / 'postmaster.pid'}\n", "")
    assert not (folder / "postmaster.pid").exists()


def test_it_starts_again_after_it_was_killed(folder: Path) -> None:
    embedded.start(folder)
    killed = kill(folder)
    assert answer(embedded.start(folder)) == 1
    assert number_of(folder) != killed


def test_it_starts_though_another_process_has_its_number_by_now(folder: Path) -> None:
    """As after a power cut, or in a new container, where numbers are given out from the first on again.

    The other process is one of the user that the server belongs to: PostgreSQL itself passes over those of others.
    """
    embedded.start(folder)
    killed, owner = kill(folder), folder.owner()
    with subprocess.Popen(["sleep", "600"], user=owner) as other:
        for note in (folder / "postmaster.pid", folder / ".s.PGSQL.5432.lock"):
            note.write_text(note.read_text().replace(str(killed), str(other.pid), 1))
        assert answer(embedded.start(folder)) == 1
        assert other.poll() is None
        other.kill()


def test_it_starts_though_nobody_has_asked_how_the_killed_one_ended(folder: Path) -> None:
    """As in a container whose first process does not care for processes that lost their parent."""
    embedded.start(folder)
    kill(folder)
    with subprocess.Popen(["true"], user=folder.owner()) as ended:
        while psutil.Process(ended.pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        for note in (folder / "postmaster.pid", folder / ".s.PGSQL.5432.lock"):
            note.write_text("\n".join([str(ended.pid), *note.read_text().split("\n")[1:]]))
        assert answer(embedded.start(folder)) == 1


def test_one_that_was_killed_while_it_was_made_is_made_anew(folder: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", USE, folder], stdout=PIPE, start_new_session=True) as killed:
        new = folder.with_name(".postgresql.new")
        while not (new / "PG_VERSION").exists():
            assert killed.poll() is None
            time.sleep(0.001)
        os.killpg(killed.pid, signal.SIGKILL)
    assert not (folder / "PG_VERSION").exists()
    assert answer(embedded.start(folder)) == 1
    assert not new.exists()


def test_a_process_that_stands_still_while_it_starts_one_holds_up_no_other_folder(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And whoever waits for this one is told in the end."""
    (tmp_path / "other").mkdir()
    with subprocess.Popen([sys.executable, "-c", USE, folder], stdout=PIPE, start_new_session=True) as stopped:
        while not folder.with_name(".postgresql.new").exists():
            time.sleep(0.001)
        os.killpg(stopped.pid, signal.SIGSTOP)
        other = tmp_path / "other" / "postgresql"
        assert answer(embedded.start(other)) == 1
        embedded.stop(other)
        monkeypatch.setattr(embedded, "START_S", 0.5)
        monkeypatch.setattr(embedded, "STOP_S", 0.5)
        with pytest.raises(ConfigurationError, match=r"has been starting or stopping .* for 1\.0 s; end it and try"):
            embedded.start(folder)
        os.killpg(stopped.pid, signal.SIGKILL)


def test_one_that_does_not_end_in_order_is_ended_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here one of its processes stands still, which PostgreSQL kills five seconds after it was told to end at once."""
    monkeypatch.setattr(embedded, "STOP_S", 7)
    with psycopg.connect(embedded.start(folder), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1")
        os.kill(connection.info.backend_pid, signal.SIGSTOP)
        embedded.stop(folder)
        assert not (folder / "postmaster.pid").exists()
    with psycopg.connect(embedded.start(folder)) as connection:
        assert connection.execute("SELECT * FROM kept").fetchall() == [(1,)]


def test_who_joins_one_whose_connections_are_all_taken_finds_that_it_runs(folder: Path) -> None:
    url = embedded.start(folder)
    with ExitStack() as taken:
        for _ in range(200):
            taken.enter_context(psycopg.connect(url))
        with pytest.raises(psycopg.OperationalError, match="too many clients"):
            psycopg.connect(url)
        assert embedded.start(folder) == url


@pytest.mark.parametrize("name", ["it's Müller & Söhne's; 100 %", "l" * 120], ids=["odd", "long"])
def test_any_name_will_do(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name / "postgresql"
    assert answer(embedded.start(folder)) == 1
    embedded.stop(folder)
    assert not (folder / "postmaster.pid").exists()


def test_only_its_own_user_may_speak_to_it(folder: Path) -> None:
    embedded.start(folder)
    assert stat.S_IMODE((folder / ".s.PGSQL.5432").stat().st_mode) == 0o700
    assert [stat.S_IMODE(one.stat().st_mode) for one in folder.parent.glob(".postgresql.*")] == [0o600, 0o600]


def test_it_looks_soon_for_tables_that_have_grown(folder: Path) -> None:
    # Until it has, plans that were made for empty tables are kept, and each redemption reads all lots.
    with psycopg.connect(embedded.start(folder)) as connection:
        assert connection.execute("SHOW autovacuum_naptime").fetchall() == [("10s",)]
