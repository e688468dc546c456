"""Cut-off by commit order: whatever is posted while cycles are cut is in exactly one of them."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from itertools import count
from threading import Event

import pytest
from sqlalchemy import Connection, Engine, text

from settlement import cycles
from settlement.core.lines import Obligation
from settlement.store.results import fetch_lines
from settlement.store.window import Window, cut_offs, lines_of, window_of
from tests.settlement.sample import AT, close, post, redemption

WRITERS, CUTS, HELD = 4, 5, 3
"""Writers at once; cut-offs, a second apart; of them, those over which the slow transaction is held open."""


def members(connection: Connection, cycle: str) -> list[str]:
    """The event ids of a cycle's obligations."""
    return [line.event_id for line, _ in fetch_lines(connection, lines_of(window_of(connection, cycle)))]


def one(event_id: str, day: date = date(2017, 1, 10)) -> list[Obligation]:
    return redemption(event_id, "fuel", {"bank": 3}, day)


def cut(engine: Engine, cycle: str) -> list[str]:
    with engine.begin() as connection:
        close(connection, cycle)
        return members(connection, cycle)


def test_a_transaction_held_open_across_cut_offs_is_in_one_later_cycle(engine: Engine) -> None:
    with engine.connect() as slow:
        post(slow, one("slow"))
        with engine.begin() as quick:
            post(quick, one("quick"))
        assert cut(engine, "2017-01") == ["quick"]
        assert cut(engine, "2017-02") == []
        assert cut(engine, "2017-03") == []
        slow.commit()
    assert cut(engine, "2017-04") == ["slow"]
    assert cut(engine, "2017-05") == []


def test_what_is_posted_for_a_later_month_waits_for_it(engine: Engine) -> None:
    with engine.connect() as slow, engine.begin() as quick:
        post(slow, one("slow", date(2017, 3, 1)))
        post(quick, [*one("march", date(2017, 3, 1)), *one("january")])
        quick.commit()
        assert cut(engine, "2017-01") == ["january"]
        slow.commit()
    assert cut(engine, "2017-02") == []
    assert sorted(cut(engine, "2017-03")) == ["march", "slow"]


def test_what_the_closing_transaction_posts_is_in_a_later_cycle(engine: Engine) -> None:
    with engine.begin() as closing:
        post(closing, one("before"))
        with engine.begin() as other:
            post(other, one("other"))
        close(closing, "2017-01")
        post(closing, one("after"))
        assert members(closing, "2017-01") == ["other"]
    with engine.begin() as connection:
        assert members(connection, "2017-01") == ["other"]
    assert sorted(cut(engine, "2017-02")) == ["after", "before"]


def test_what_was_rolled_back_is_in_none_and_savepoints_count_with_their_transaction(engine: Engine) -> None:
    with engine.connect() as undone, engine.connect() as slow:
        post(undone, one("undone"))
        with slow.begin_nested():
            post(slow, one("nested"))
        assert cut(engine, "2017-01") == []
        undone.rollback()
        slow.commit()
    assert cut(engine, "2017-02") == ["nested"]


@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ"])
def test_the_snapshot_of_the_closing_transaction_decides(engine: Engine, isolation: str) -> None:
    with engine.connect().execution_options(isolation_level=isolation) as closing:
        closing.execute(text("SELECT count(*) FROM settlement.obligation"))
        with engine.begin() as other:
            post(other, one("meanwhile"))
        close(closing, "2017-01")
        seen = members(closing, "2017-01")
        closing.commit()
    assert seen == (["meanwhile"] if isolation == "READ COMMITTED" else [])
    assert seen + cut(engine, "2017-02") == ["meanwhile"]


def test_cut_off_under_load_puts_each_obligation_into_exactly_one_cycle(engine: Engine) -> None:
    """Four writers post as fast as they can, a cycle is cut every second, one transaction is open across three cuts."""
    stop, cut_to = Event(), [f"2017-{month:02}" for month in range(1, CUTS + 1)]
    with ThreadPoolExecutor(WRITERS) as writers, engine.connect() as slow:
        post(slow, one("slow"))
        running = [writers.submit(_write, engine, f"w{number}", stop) for number in range(WRITERS)]
        try:
            for place, cycle in enumerate(cut_to):
                time.sleep(1)
                with engine.begin() as connection:
                    cycles.cut_off(connection, cycle, author="olga", at=AT)
                if place == HELD - 1:
                    slow.commit()
        finally:
            stop.set()
        posted = [event for writer in running for event in writer.result()]
    found = [Counter(cut(engine, cycle)) for cycle in [*cut_to, "2018-01"]]
    assert sum(found, Counter()) == Counter([*posted, "slow"])
    assert [place for place, members in enumerate(found) if "slow" in members] == [HELD]
    assert all(found[:CUTS])


def _write(engine: Engine, name: str, stop: Event) -> list[str]:
    """Post one redemption a transaction until told to stop; return their ids."""
    posted: list[str] = []
    for number in count():
        if stop.is_set():
            return posted
        with engine.begin() as connection:
            post(connection, one(f"{name}-{number}"))
        posted.append(f"{name}-{number}")
    raise AssertionError


def test_every_window_but_the_first_has_the_one_before(engine: Engine) -> None:
    for cycle in ("2017-01", "2017-03"):
        cut(engine, cycle)
    with engine.connect() as connection:
        first, second = cut_offs(connection)
        assert window_of(connection, "2017-01") == Window(first, None)
        assert window_of(connection, "2017-03") == Window(second, first)
        assert [first.number, second.number] == [1, 2]
