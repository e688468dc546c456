"""A file whose worker is killed again and again: each record once, an answer to each line, totals that are right.

With ``--soak`` it has a million records and is killed ten times, and the worker's memory is measured.
"""

from __future__ import annotations

import os
import resource
import signal
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import text

from hub import file_worker, start
from hub.services.context import Hub
from hub.services.files import receiving
from hub.settings import Settings
from tests.support import bulk, coalition
from tests.support.bulk import answers, row, sales
from tests.support.network import broken_rows

MEMBERS = 500
REPEATED_EACH, BROKEN_EACH = 50, 40
"""Of so many rows one has the id of an earlier one, and one is no record."""
MOST_MIB = 300
CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(["hub.file_worker", "hub.start", "tests.support.bulk"])


def work(settings: Settings, peak: Path) -> None:
    """What a worker process does: work off the files, and note how much memory that took at most."""
    hub = start.open_hub(settings)
    file_worker.work_off(hub)
    hub.database.dispose()
    peak.write_text(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024))


def rows(count: int) -> Iterator[str]:
    for number in range(count):
        again = number and number % REPEATED_EACH == 0
        if number % BROKEN_EACH == BROKEN_EACH - 1:
            yield row(f"kill-{number}", "x", "1,00", day="2017")
        else:
            first = number - 7 if again else number
            yield row(f"kill-{first}", str(first % MEMBERS), "10,00")


@pytest.fixture
def size(soaking: bool) -> int:
    return 1_000_000 if soaking else 8_000


def test_a_worker_that_is_killed_leaves_each_record_once(
    module_postgres_url: str, tmp_path: Path, size: int, soaking: bool
) -> None:
    kills = 10 if soaking else 4
    built = coalition.build(module_postgres_url, tmp_path)
    hub, draw = built.hub, Random(size)
    bulk.add_template(hub, "fuel")
    bulk.receive(hub, "fuel", "big", sales("big", rows(size), minor=total_minor(size)))
    longest_s, peak = size / 20_000 / kills, tmp_path / "peak"
    for _ in range(kills):
        before, process = progress(hub), begin(built.settings, peak)
        while progress(hub) == before and process.is_alive():
            time.sleep(0.002)
        time.sleep(draw.uniform(0.0, longest_s))
        kill(process)
    assert receiving.view(hub, "fuel", "big")["state"] != "posted", "the kills came too late to hurt"
    process = begin(built.settings, peak)
    process.join()
    assert int(peak.read_text()) < MOST_MIB
    expect_whole(hub, size)
    hub.database.dispose()


def begin(settings: Settings, peak: Path) -> BaseProcess:
    process = CONTEXT.Process(target=work, args=(settings, peak))
    process.start()
    return process


def progress(hub: Hub) -> int:
    """How many chunks have been read and posted."""
    with hub.database.connect() as connection:
        count = text("SELECT count(*) + count(results) FROM hub.file_chunk")
        return int(connection.execute(count).scalar_one())


def kill(process: BaseProcess) -> None:
    if process.is_alive():
        assert process.pid
        os.kill(process.pid, signal.SIGKILL)
    process.join()


def total_minor(size: int) -> int:
    return sum(100 if number % BROKEN_EACH == BROKEN_EACH - 1 else 1_000 for number in range(size))


def expected(size: int) -> Iterator[tuple[str, str]]:
    """The id and the outcome of each row; of two rows with one id the one in the earlier chunk is posted."""
    seen: set[str] = set()
    for one in rows(size):
        event_id, _, day, *_ = one.split(";")
        is_record = day != "2017"
        yield event_id, "rejected" if not is_record else "duplicate" if event_id in seen else "posted"
        if is_record:
            seen.add(event_id)


def expect_whole(hub: Hub, size: int) -> None:
    state = receiving.view(hub, "fuel", "big")
    wanted = Counter(outcome for _, outcome in expected(size))
    assert state["state"] == "posted"
    assert {name: state["counts"][name] for name in wanted} == wanted
    assert state["counts"]["points"] == wanted["posted"] * 5
    found = answers(hub, "fuel", "big")
    assert [(one["record"], one["status"]) for one in found] == list(expected(size))
    assert [one["line"] for one in found] == list(range(3, size + 3))
    with hub.database.connect() as connection:
        count = text("SELECT count(*), sum(points) FROM hub.event WHERE partner_id = 'fuel' AND kind = 'earning'")
        assert tuple(connection.execute(count).one()) == (wanted["posted"], wanted["posted"] * 5)
    assert broken_rows(hub) == []
