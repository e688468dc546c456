"""Leases: one process at a time delivers a terminal, and neither a killed one nor a clock holds it up for long."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from partner_sdk.outbox import leasing
from partner_sdk.outbox.file import OutboxFile
from partner_sdk.outbox.leasing import LEASE_S, MAX_LEASE_S, MAX_PAUSE_S, Batch
from partner_sdk.outbox.recording import Recorded, record

NOW_S = 5000.0


@pytest.fixture
def file(tmp_path: Path) -> Iterator[OutboxFile]:
    file = OutboxFile(tmp_path / "outbox.db", sync=False)
    with file as connection:
        for number in range(10):
            terminal = "a" if number < 8 else "b"
            record(connection, Recorded(f"e{number}", "earning", terminal, b"{}", 0.0))
    yield file
    file.close()


def claimed(file: OutboxFile, now_s: float, most: int = 5) -> Batch | None:
    with file as connection:
        return leasing.claim(connection, now_s, most)


def ids(batch: Batch | None) -> list[str]:
    return [event.event_id for event in batch.events] if batch else []


def test_a_terminal_is_with_one_deliverer_until_it_is_released(file: OutboxFile) -> None:
    first = claimed(file, NOW_S)
    assert ids(first) == ["e0", "e1", "e2", "e3", "e4"]
    assert ids(claimed(file, NOW_S)) == ["e8", "e9"]
    assert claimed(file, NOW_S) is None
    assert first is not None
    with file as connection:
        leasing.release(connection, first)
    assert ids(claimed(file, NOW_S)) == ids(first)


def test_terminals_take_turns(file: OutboxFile) -> None:
    for expected in ("e0", "e8", "e0", "e8"):
        batch = claimed(file, NOW_S, most=1)
        assert batch is not None
        assert ids(batch) == [expected]
        with file as connection:
            leasing.release(connection, batch)


def test_the_lease_of_a_process_that_is_gone_ends(file: OutboxFile) -> None:
    gone = claimed(file, NOW_S)
    claimed(file, NOW_S)
    assert claimed(file, NOW_S + LEASE_S - 1) is None
    assert ids(claimed(file, NOW_S + LEASE_S)) == ids(gone)


def test_who_lost_a_lease_does_not_release_another_s(file: OutboxFile) -> None:
    late, _ = claimed(file, NOW_S), claimed(file, NOW_S)
    assert claimed(file, NOW_S + LEASE_S) is not None
    assert late is not None
    with file as connection:
        leasing.release(connection, late)
    assert ids(claimed(file, NOW_S + LEASE_S)) == ["e8", "e9"]


@pytest.mark.parametrize("after_reboot_s", [0.0, 30.0, NOW_S - MAX_LEASE_S])
def test_a_lease_from_before_a_reboot_is_over(file: OutboxFile, after_reboot_s: float) -> None:
    before = claimed(file, NOW_S)
    assert set(ids(before)) <= set(ids(claimed(file, after_reboot_s, most=10)))


def test_a_pause_stops_one_terminal_and_no_reboot_makes_it_longer(file: OutboxFile) -> None:
    with file as connection:
        leasing.pause(connection, 1, NOW_S + MAX_PAUSE_S)
    assert ids(claimed(file, NOW_S)) == ["e8", "e9"]
    assert claimed(file, NOW_S) is None
    assert ids(claimed(file, 10.0))[0] == "e0"
