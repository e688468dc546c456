"""The token bucket: so many at once, so many a second, each partner for itself."""

from __future__ import annotations

import pytest

from hub.api.rate_limit import RateLimit
from hub.core.errors import Refused
from partner_sdk.wire.codes import CODES
from tests.support import network


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def _taken(limit: RateLimit, partner: str, attempts: int) -> int:
    """How many of so many requests at this instant are let through."""
    return sum(_takes(limit, partner) for _ in range(attempts))


def _takes(limit: RateLimit, partner: str) -> bool:
    try:
        limit.take(partner)
    except Refused as refused:
        return refused.code != "rate_limited"
    return True


def test_a_bucket_holds_a_second_of_requests_and_fills_with_time() -> None:
    clock = Clock()
    limit = RateLimit(12, clock)
    assert _taken(limit, "grocer", 15) == 12
    clock.now += 0.25
    assert _taken(limit, "grocer", 15) == 3
    clock.now += 60
    assert _taken(limit, "grocer", 15) == 12


def test_partners_do_not_share_a_bucket() -> None:
    limit = RateLimit(2, Clock())
    assert _taken(limit, "grocer", 5) == 2
    assert _taken(limit, "fuel", 5) == 2


def test_a_refused_request_costs_nothing() -> None:
    clock = Clock()
    limit = RateLimit(1, clock)
    assert _taken(limit, "grocer", 50) == 1
    clock.now += 1
    assert _taken(limit, "grocer", 50) == 1


def test_a_partner_over_its_limit_is_told_when_to_come_back(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with network.running(postgres_url, tmp_path_factory.mktemp("hub"), workers=1, rate_limit=1) as slow:
        client = slow.client("grocer")
        answers = [client.call("GET", "/v1/ping") for _ in range(10)]
        refused = [answer for answer in answers if answer.status != 200]
        assert refused
        for answer in refused:
            assert (answer.status, answer.code, answer.signed) == (429, "rate_limited", True)
            assert answer.headers["Retry-After"] == "1"
        assert CODES["rate_limited"].retryable
        assert slow.client("fuel").call("GET", "/v1/ping").status == 200


def test_a_refused_report_counts_once(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Also one that the express lane has looked at before the usual way refuses it."""
    with network.running(postgres_url, tmp_path_factory.mktemp("hub"), workers=1, rate_limit=1) as slow:
        slow.client("fuel").call("GET", "/v1/ping")
        assert slow.client("grocer").call("POST", "/v1/earnings", {"earnings": []}).code == "invalid_request"
