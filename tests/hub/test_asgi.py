"""The bridge under more load than it takes: it refuses at once what it has no room for."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import pytest
from sqlalchemy import text

from hub.asgi import QUEUED_A_THREAD
from tests.support import network
from tests.support.network import earn, redeem, sale
from tests.support.raw import Answer

ADMITTED = 1 + QUEUED_A_THREAD
REFUSED = 7


def test_a_busy_hub_refuses_at_once(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """One thread stands still on a locked lot and as many wait as may; all others are told to come back later."""
    with (
        network.running(postgres_url, tmp_path_factory.mktemp("hub"), workers=1, threads=1) as busy,
        ThreadPoolExecutor(ADMITTED + REFUSED) as callers,
    ):
        client = busy.client("grocer")
        earn(client, sale("e1", "card:1", minor=100_000))
        with busy.hub.database.connect() as connection:
            connection.execute(text("BEGIN"))
            connection.execute(text("SELECT 1 FROM hub.lot FOR UPDATE"))
            calls = [callers.submit(redeem, client, f"r{n}", "card:1", 1) for n in range(ADMITTED + REFUSED)]
            refused = _completed(calls, REFUSED)
            assert busy.client("grocer").call("GET", "/livez").status == 200
            connection.execute(text("COMMIT"))
        assert [(answer.status, answer.code, answer.signed) for answer in refused] == [
            (503, "unavailable", True)
        ] * REFUSED
        assert {answer.headers["Retry-After"] for answer in refused} == {"1"}
        assert sum(call.result().status == 200 for call in calls) == ADMITTED


def _completed(calls: list[Future[Answer]], count: int) -> list[Answer]:
    """Wait until so many have an answer, and return these."""
    pending = set(calls)
    while len(calls) - len(pending) < count:
        done, pending = wait(pending, timeout=20, return_when=FIRST_COMPLETED)
        assert done, "nothing was answered while the hub was busy"
    return [call.result() for call in calls if call not in pending]
