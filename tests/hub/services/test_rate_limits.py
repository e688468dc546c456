"""Allowances are shared: whatever process a request reaches, it counts for all of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from hub.core.rate_limits import Limit
from hub.services import rate_limits
from hub.services.context import Hub
from hub.services.rate_limits import Limits, RateLimited, RateLimits
from hub.store.database import Database
from tests.support.coalition import Coalition

THREADS, ATTEMPTS = 8, 400
LIMITS = Limits.of(100, 100, 100)
CLOSED_PORT = "postgresql://127.0.0.1:1/nothing"


def _process(hub: Hub, clock: Callable[[], float] = time.monotonic) -> RateLimits:
    """What a process of its own would have."""
    return RateLimits(hub, LIMITS, clock)


def _takes(counter: RateLimits, limit: Limit, whom: str) -> bool:
    try:
        counter.take(limit, whom)
    except RateLimited:
        return False
    return True


def _stop_time(built: Coalition) -> None:
    """Let no allowance of the shared storage fill up any more, as far as a test lasts."""
    with built.hub.database.connect() as connection:
        connection.execute(text("UPDATE hub.allowance SET drawn_at = now() + interval '1 hour'"))


def test_processes_count_together(built: Coalition) -> None:
    """Eight threads on four processes take what is there, and not one request more."""
    counters = [_process(built.hub) for _ in range(4)]
    assert _takes(counters[0], LIMITS.partner, "grocer")
    _stop_time(built)
    with ThreadPoolExecutor(THREADS) as threads:
        asked = [threads.submit(_takes, counters[n % 4], LIMITS.partner, "grocer") for n in range(ATTEMPTS)]
    assert sum(one.result() for one in asked) == LIMITS.partner.a_second - 1
    assert _takes(counters[0], LIMITS.partner, "fuel")


def test_an_allowance_fills_up_with_time_and_no_further(built: Coalition) -> None:
    clock = [0.0]
    counter = _process(built.hub, lambda: clock[0])
    assert _takes(counter, LIMITS.partner, "grocer")
    _stop_time(built)
    taken = []
    for seconds in (0, 0.25, 60):
        clock[0] += seconds
        with built.hub.database.connect() as connection:
            passed = {"requests": seconds * LIMITS.partner.a_second}
            connection.execute(text("UPDATE hub.allowance SET left_over = left_over + :requests"), passed)
        taken.append(sum(_takes(counter, LIMITS.partner, "grocer") for _ in range(ATTEMPTS)))
    assert taken == [99, 25, 100]


def test_a_refusal_costs_nothing_and_asks_nobody(built: Coalition) -> None:
    clock = [0.0]
    counter = _process(built.hub, lambda: clock[0])
    assert _takes(counter, LIMITS.partner, "grocer")
    _stop_time(built)
    assert sum(_takes(counter, LIMITS.partner, "grocer") for _ in range(ATTEMPTS)) == 99
    with pytest.raises(RateLimited) as refused:
        counter.take_now(LIMITS.partner, "grocer")
    assert refused.value.code == "rate_limited"
    assert refused.value.members == {"limit": "partner"}


def test_nobody_is_named_in_the_table(built: Coalition) -> None:
    counter = _process(built.hub)
    for limit, whom in zip(LIMITS, ("198.51.100.1", "grocer", "card:1"), strict=True):
        for _ in range(10):
            counter.take(limit, whom)
    with built.hub.database.connect() as connection:
        rows = connection.execute(text("SELECT allowance FROM hub.allowance")).scalars().all()
    assert len(rows) == len(LIMITS)
    assert {len(row) for row in rows} == {16}


def test_those_long_full_are_forgotten(built: Coalition) -> None:
    counter = _process(built.hub)
    counter.take(LIMITS.partner, "grocer")
    assert rate_limits.forget(built.hub) == 0
    with built.hub.database.connect() as connection:
        connection.execute(text("UPDATE hub.allowance SET drawn_at = now() - interval '2 minutes'"))
    assert rate_limits.forget(built.hub) == 1


def test_while_the_database_is_away_nobody_is_held_up_by_limits(built: Coalition) -> None:
    away = Hub(Database(CLOSED_PORT), built.hub.keyring)
    counter = _process(away)
    assert sum(_takes(counter, LIMITS.address, "198.51.100.1") for _ in range(20)) == 20


def test_what_is_kept_in_mind_has_an_end(built: Coalition, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "MOST_SHARES", 3)
    counter = _process(built.hub)
    for number in range(50):
        counter.take(LIMITS.address, f"198.51.100.{number}")
    assert len(counter._shares) == 3
