"""The test kit as an integrator uses it: the real client, a hub in the same process, and every way to fail."""

from __future__ import annotations

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from partner_sdk import (
    Client,
    Earning,
    HubUnavailable,
    InsufficientPoints,
    Money,
    NoAnswer,
    PrivateKey,
    RateLimited,
    TransportError,
    Unauthenticated,
    UntrustedAnswer,
    WrongEnvironment,
)
from partner_sdk.errors import InvalidRequestError, NotFound
from partner_sdk.testing import Fault, LocalHub, Terms
from partner_sdk.testing.fixtures import hansa_client, hansa_clock, hansa_hub
from partner_sdk.wire.keys import key_id

__all__ = ["hansa_client", "hansa_clock", "hansa_hub"]

NOW = datetime.now(UTC)
DONE_ANYWAY = (Fault.ANSWER_LOST, Fault.SLOW, Fault.BAD_SIGNATURE, Fault.ALTERED)
WHAT_THE_CALLER_SEES = {
    Fault.UNREACHABLE: NoAnswer,
    Fault.ANSWER_LOST: NoAnswer,
    Fault.SLOW: NoAnswer,
    Fault.BAD_SIGNATURE: UntrustedAnswer,
    Fault.ALTERED: UntrustedAnswer,
    Fault.PROXY_ERROR: UntrustedAnswer,
    Fault.REDIRECT: UntrustedAnswer,
    Fault.SERVER_ERROR: HubUnavailable,
    Fault.UNAVAILABLE: HubUnavailable,
    Fault.RATE_LIMITED: RateLimited,
}


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("the test kit must not open a connection")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


def sale(event_id: str, minor: int = 10_000) -> Earning:
    return Earning(event_id, "card:1", NOW, Money(minor, "USD"))


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_is_the_error_that_it_stands_for(hansa_hub: LocalHub, fault: Fault) -> None:
    with hansa_hub.client("grocer", attempts=1) as impatient:
        hansa_hub.fail_next(fault)
        with pytest.raises(WHAT_THE_CALLER_SEES[fault]):
            impatient.earn([sale("e1")])
        [result] = impatient.earn([sale("e1")])
    assert result.duplicate is (fault in DONE_ANYWAY)


@pytest.mark.parametrize("fault", Fault)
def test_a_client_with_patience_gets_over_every_fault_and_does_it_once(hansa_hub: LocalHub, fault: Fault) -> None:
    with hansa_hub.client("grocer") as client:
        hansa_hub.fail_next(fault, fault, fault)
        client.earn([sale("e1")])
        assert client.member("card:1").available == 100
    assert len(hansa_hub.pauses) == 3


def test_a_fault_can_hit_a_later_request(hansa_hub: LocalHub, hansa_client: Client) -> None:
    hansa_client.earn([sale("e1")])
    hansa_hub.fail_next(None, Fault.ANSWER_LOST)
    assert not hansa_client.redeem("r1", "card:1", 60).duplicate
    assert hansa_client.redeem("r2", "card:1", 40).duplicate
    with pytest.raises(InsufficientPoints):
        hansa_client.redeem("r3", "card:1", 1)


def test_a_wrong_clock_is_corrected_once(hansa_hub: LocalHub, hansa_client: Client) -> None:
    hansa_hub.skew_s = 3_600
    assert hansa_client.ping().key_state == "active"
    assert len(hansa_hub.seen) == 2
    hansa_client.ping()
    assert len(hansa_hub.seen) == 3


def test_a_key_waits_for_approval_and_can_end(hansa_hub: LocalHub) -> None:
    hansa_hub.join("grocer")
    key = PrivateKey.generate()
    with hansa_hub.client("grocer", key, attempts=1) as client:
        with pytest.raises(Unauthenticated, match="unknown_key"):
            client.ping()
        assert client.register_key().state == "pending"
        with pytest.raises(Unauthenticated, match="key_pending"):
            client.ping()
        hansa_hub.approve(key_id("grocer", key.public))
        assert client.ping().key_state == "active"
        hansa_hub.keys[key_id("grocer", key.public)].state = "revoked"
        with pytest.raises(Unauthenticated, match="key_revoked"):
            client.ping()


def test_a_partner_that_nobody_knows_cannot_register(hansa_hub: LocalHub) -> None:
    key = PrivateKey.generate()
    stranger = Client(hansa_hub.url, "nobody", key, root_key=hansa_hub.root_key, session=hansa_hub.session())
    with stranger, pytest.raises(NotFound, match="unknown_partner"):
        stranger.register_key()


def test_a_live_key_is_not_used_with_the_local_hub_nor_taken_in(hansa_hub: LocalHub) -> None:
    hansa_hub.join("grocer")
    with hansa_hub.client("grocer", PrivateKey.generate("live"), attempts=1) as client:
        for call in (client.ping, client.register_key):
            with pytest.raises(WrongEnvironment, match="for live hubs, and"):
                call()
    assert hansa_hub.seen == []
    with hansa_hub.client("grocer", PrivateKey.generate("sandbox")) as client:
        assert client.register_key().state == "pending"


def test_another_root_key_trusts_nothing(hansa_hub: LocalHub) -> None:
    wrong = PrivateKey.generate().public
    with hansa_hub.client("grocer", root_key=wrong, attempts=1) as client, pytest.raises(TransportError):
        client.ping()


def test_business_time_stands_where_it_was_moved(
    hansa_hub: LocalHub, hansa_clock: Callable[[timedelta], None], hansa_client: Client
) -> None:
    hansa_client.earn([sale("e1")])
    hansa_client.hold("h1", "card:1", 70, 60)
    with pytest.raises(InsufficientPoints):
        hansa_client.redeem("r1", "card:1", 31)
    hansa_clock(timedelta(seconds=60))
    assert hansa_client.redeem("r2", "card:1", 31).points == 31
    hansa_clock(timedelta(days=400))
    assert hansa_client.member("card:1").available == 0
    with pytest.raises(ValueError, match="forward"):
        hansa_hub.move_to(hansa_hub.now - timedelta(seconds=1))


def test_points_and_terms_to_start_from(hansa_hub: LocalHub) -> None:
    hansa_hub.join("fuel", Terms(price=(1, 2)))
    hansa_hub.give("fuel", "card:7", 100, date(2999, 1, 1))
    hansa_hub.name_charity("card:9")
    with hansa_hub.client("fuel") as client:
        assert client.quote_redemption("card:7", 100).value == Money(50, "USD")
        assert client.transfer("t1", "card:7", "card:9", 40, kind="donation").points == 40
        assert [one.expires_on for one in client.member("card:9").expiring] == [date(2999, 1, 1)]
    with pytest.raises(ValueError, match="within_balance"):
        Terms(refunds="never")


def test_what_reached_the_hub_can_be_looked_at(hansa_hub: LocalHub, hansa_client: Client) -> None:
    hansa_client.earn([sale("e1")])
    [seen] = hansa_hub.seen
    assert (seen.method, seen.path) == ("POST", "/v1/earnings")
    assert b'"event_id":"e1"' in seen.body


def test_a_body_that_breaks_the_contract_is_refused_with_pointers(hansa_client: Client) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        hansa_client.redeem("r1", "no scheme", 1)
    assert [error["pointer"] for error in refusal.value.errors] == ["/member"]


def test_many_tills_spend_no_point_twice(hansa_hub: LocalHub, hansa_client: Client) -> None:
    hansa_hub.give("partner", "card:1", 50)

    def spend(number: int) -> bool:
        try:
            hansa_client.redeem(f"r{number}", "card:1", 10)
        except InsufficientPoints:
            return False
        return True

    with ThreadPoolExecutor(8) as tills:
        assert sum(tills.map(spend, range(40))) == 5
