"""The embedded PostgreSQL: what its own programs say of a failure reaches the operator."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE

import psycopg
import pytest

from hub.core.errors import ConfigurationError
from hub.store import embedded


def test_a_folder_that_cannot_become_a_database_is_told_in_postgresqls_own_words(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("not a database")
    with pytest.raises(ConfigurationError, match="exists but is not empty"):
        embedded.start(tmp_path)
    assert capfd.readouterr() == ("", "")
    assert [one.name for one in tmp_path.iterdir() if one.name == "notes.txt"]


USE = "import sys; from pathlib import Path; from hub.store import embedded; "
USE += "embedded.start(Path(sys.argv[1])); print('up', flush=True); sys.stdin.read()"


@contextmanager
def user(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a process that uses the server of a folder until its standard input ends."""
    with subprocess.Popen([sys.executable, "-c", USE, folder], stdin=PIPE, stdout=PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"up\n"
        yield process


def test_it_stops_with_its_last_user_though_others_were_killed(tmp_path: Path) -> None:
    folder = tmp_path / "postgresql"
    running = folder / "postmaster.pid"
    with user(folder) as other:
        with user(folder) as killed:
            killed.kill()
        embedded.start(folder)
        embedded.stop(folder)
        assert running.exists(), "another process still uses it"
    assert other.returncode == 0
    assert not running.exists()


def test_it_looks_soon_for_tables_that_have_grown(tmp_path: Path) -> None:
    # Until it has, plans that were made for empty tables are kept, and each redemption reads all lots.
    folder = tmp_path / "postgresql"
    with psycopg.connect(embedded.start(folder)) as connection:
        assert connection.execute("SHOW autovacuum_naptime").fetchall() == [("10s",)]
    embedded.stop(folder)
