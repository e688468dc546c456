"""The bridge under more load than it takes: it refuses at once what it has no room for."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import pytest
from sqlalchemy import text

from hub.room import QUEUED_A_THREAD
from tests.support import network
from tests.support.network import earn, redeem, sale
from tests.support.raw import Answer, RawClient

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


def test_a_greedy_partner_leaves_room_and_turns_for_others(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """While one partner's requests fill all that it may, another's waits, and is served before the most of them."""
    with (
        network.running(postgres_url, tmp_path_factory.mktemp("hub"), workers=1, threads=1) as busy,
        ThreadPoolExecutor(ADMITTED + REFUSED + 1) as callers,
    ):
        greedy, other = busy.client("grocer"), busy.client("fuel")
        earn(greedy, sale("e1", "card:1", minor=100_000))
        ends: list[str] = []
        with busy.hub.database.connect() as connection:
            connection.execute(text("BEGIN"))
            connection.execute(text("SELECT 1 FROM hub.lot FOR UPDATE"))
            calls = [callers.submit(_give_back, greedy, f"f{n}") for n in range(ADMITTED + REFUSED)]
            for call in calls:
                call.add_done_callback(lambda _: ends.append("greedy"))
            _completed(calls, REFUSED)
            patient = callers.submit(other.call, "GET", "/v1/ping")
            patient.add_done_callback(lambda _: ends.append("other"))
            assert not wait([patient], timeout=1).done
            connection.execute(text("COMMIT"))
        assert patient.result().status == 200
        wait(calls)
        assert ends.index("other") < REFUSED + ADMITTED // 2


def _give_back(client: RawClient, event_id: str) -> Answer:
    """Refund a part of the sale; refunds are answered by the threads."""
    part = {"minor": 100, "currency": "USD"}
    back = {"event_id": event_id, "refunds": "e1", "occurred_at": "2017-01-10T09:00:00Z", "amount": part}
    return client.call("POST", "/v1/refunds", {"refunds": [back]})
