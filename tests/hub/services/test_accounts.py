"""Members' locks: taken in one order, also of members that are one by now, whose account is put in order once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from hub.core.errors import Refused
from hub.services import business_clock, gifts, members, merges, reporting
from hub.services.context import Hub
from tests.support import coalition
from tests.support.coalition import NOON, Coalition
from tests.support.network import broken_rows
from tests.support.services import earn, redeem, refund

OPERATOR = reporting.by_operator("ada", "one person")
LOCK = "SELECT 1 FROM hub.member WHERE member_id = %s FOR UPDATE NOWAIT"
WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")


@pytest.fixture
def hub(built: Coalition) -> Hub:
    coalition.join(built.hub, "shop", terms={"refunds": "debt"})
    coalition.join(built.hub, "slow", terms={"maturity": {"days": 3}})
    for number in (1, 2, 3):
        earn(built.hub, "shop", f"e{number}", f"card:{number}", 1_000)
    return built.hub


@pytest.fixture
def other(hub: Hub) -> Iterator[psycopg.Connection[Any]]:
    """A connection of somebody else's."""
    with psycopg.connect(hub.database.url.replace("+psycopg", "")) as connection:
        yield connection


def merge(hub: Hub, gone: str, survivor: str) -> None:
    merges.merge(
        hub, OPERATOR, {"event_id": f"{gone}-{survivor}", "member": gone, "into": survivor, "reason": "one person"}
    )


def give(hub: Hub, transfer_id: str, giver: str, taker: str, points: int = 5) -> dict[str, Any]:
    return gifts.give(hub, OPERATOR, {"transfer_id": transfer_id, "member": giver, "to": taker, "points": points})


def member_id(hub: Hub, name: str) -> int:
    return members.ids(hub, [name])[0]


def until_waiting(hub: Hub, callers: int) -> None:
    """Wait until so many connections wait for a lock."""
    for _ in range(500):
        with hub.database.connect() as connection:
            if connection.execute(WAITING).scalar_one() == callers:
                return
        time.sleep(0.01)
    pytest.fail(f"there are no {callers} that wait for a lock")


def test_two_cards_of_one_person_pay_its_debt_once(hub: Hub) -> None:
    """Points that matured meanwhile pay when both are locked for a transfer between them, which is then refused."""
    earn(hub, "slow", "e4", "card:1", 3_000)
    redeem(hub, "shop", "r1", "card:1", 10)
    assert refund(hub, "shop", "f1", "e1")["owed"] == 10
    redeem(hub, "shop", "r2", "card:2", 10)
    redeem(hub, "shop", "r3", "card:3", 10)
    merge(hub, "card:2", "card:1")
    merge(hub, "card:3", "card:1")
    business_clock.move(hub, NOON + timedelta(days=4))
    with pytest.raises(Refused) as refusal:
        give(hub, "t1", "card:2", "card:3")
    assert refusal.value.code == "same_member"
    assert members.view(hub, "card:1")["available"] == 20
    assert broken_rows(hub) == []


def test_a_survivor_is_locked_in_its_own_place(hub: Hub, other: psycopg.Connection[Any]) -> None:
    """The third was merged into the first: a transfer from it locks the first before the second, and not after."""
    merge(hub, "card:3", "card:1")
    first, second = member_id(hub, "card:1"), member_id(hub, "card:2")
    assert first < second
    other.execute(LOCK, [first])
    with ThreadPoolExecutor(1) as thread:
        given = thread.submit(give, hub, "t1", "card:3", "card:2")
        until_waiting(hub, 1)
        other.execute(LOCK, [second])
        other.commit()
        assert given.result()["points"] == 5
    assert broken_rows(hub) == []


def test_whoever_waited_for_a_member_that_was_merged_meanwhile_spends_from_the_survivor(
    hub: Hub, other: psycopg.Connection[Any]
) -> None:
    """The merge waits for the member first, so it has it first; the redemption then starts over."""
    other.execute(LOCK, [member_id(hub, "card:3")])
    with ThreadPoolExecutor(2) as threads:
        merged = threads.submit(merge, hub, "card:3", "card:1")
        until_waiting(hub, 1)
        redeemed = threads.submit(redeem, hub, "shop", "r1", "card:3", 15)
        until_waiting(hub, 2)
        other.commit()
        merged.result()
        assert redeemed.result()["points"] == 15
    assert members.view(hub, "card:1")["available"] == 5
    assert broken_rows(hub) == []
