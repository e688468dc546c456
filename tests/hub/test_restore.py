"""A backup restored to a point in time by PostgreSQL's own tools is sound, and the log tells what is missing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hub.core.errors import Refused
from hub.services import log_check, log_proofs, sealing
from hub.services.context import Hub
from hub.start import open_hub
from hub.store.database import Database
from hub.store.schema import migrate
from partner_sdk.wire.checkpoints import origin_of, parse_checkpoint
from tests.support import coalition, postgres, server
from tests.support.coalition import Coalition
from tests.support.network import Network, broken_rows, earn, sale
from tests.support.postgres import Postgres

KEPT, LOST = 3, 4
"""Sales before the point in time and after it."""


@pytest.fixture
def primary() -> Iterator[Postgres]:
    """Yield a running server that archives what it writes."""
    with postgres.place() as folder:
        archive = folder / "archive"
        archive.mkdir()
        archive.chmod(0o777)
        made = Postgres(folder / "primary", server.free_port())
        made.make()
        made.configure(f"archive_mode = on\narchive_command = 'test ! -f {archive}/%f && cp %p {archive}/%f'")
        made.start()
        yield made


def _built(primary: Postgres, data: Path) -> Coalition:
    database = Database(primary.url)
    migrate(database)
    database.dispose()
    return coalition.build(primary.url, data)


def _sell(net: Network, first: int, count: int) -> str:
    """Report sales, seal them, and return the checkpoint that a partner keeps of it."""
    for number in range(first, first + count):
        assert earn(net.client("grocer"), sale(f"e{number}", f"card:{number}")).status == 200
    sealing.seal(net.hub)
    return str(log_proofs.checkpoint(net.hub)["checkpoint"])


def _restored(primary: Postgres, backup: Postgres, until: str) -> Postgres:
    archive = primary.folder.parent / "archive"
    segment = primary.ask("SELECT pg_walfile_name(pg_switch_wal())")
    primary.wait_for(f"SELECT last_archived_wal >= '{segment}' FROM pg_stat_archiver")
    primary.kill()
    backup.configure(
        f"restore_command = 'cp {archive}/%f %p'\nrecovery_target_time = '{until}'\n"
        "recovery_target_action = 'promote'\narchive_mode = off"
    )
    (backup.folder / "recovery.signal").touch()
    backup.start()
    backup.wait_for("SELECT NOT pg_is_in_recovery()")
    return backup


def test_a_log_restored_to_a_point_in_time_tells_what_is_missing(primary: Postgres, tmp_path: Path) -> None:
    built = _built(primary, tmp_path / "hub")
    backup = primary.back_up(primary.folder.parent / "backup")
    with server.running(built.settings, workers=1) as served:
        net = Network(built, served)
        before = _sell(net, 1, KEPT)
        time.sleep(1.0)
        until = str(primary.ask("SELECT clock_timestamp()"))
        time.sleep(1.0)
        after = _sell(net, 1 + KEPT, LOST)
    built.hub.database.dispose()
    restored = _restored(primary, backup, until)
    hub = open_hub(replace(built.settings, database_url=restored.url))
    try:
        assert broken_rows(hub) == []
        assert log_check.run(hub, [before]).findings == []
        newest, size = _size(hub, before), _size(hub, after)
        assert (newest, size) == (KEPT, KEPT + LOST)
        lost = f"is of more entries than the {newest} that the log has"
        assert log_check.run(hub, [before, after]).findings == [(f"kept checkpoint of {size}", lost)]
        with pytest.raises(Refused, match=f"The log has {newest} entries"):
            log_proofs.consistency(hub, size, newest)
    finally:
        hub.database.dispose()


def _size(hub: Hub, note: str) -> int:
    return parse_checkpoint(note, origin_of(hub.keyring.root.public)).size
