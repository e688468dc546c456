"""Delivery: in order, as the hub says, whatever one event does; only a signed answer takes an event out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from partner_sdk import Client, Money
from partner_sdk.outbox import Outbox, SetAside
from partner_sdk.outbox.delivery import Deliverer
from partner_sdk.outbox.file import OutboxFile
from partner_sdk.testing import Fault, LocalHub

PRICE = Money(1250, "USD")
MOST_STEPS = 400


@pytest.fixture
def hub() -> LocalHub:
    return LocalHub()


@pytest.fixture
def client(hub: LocalHub) -> Iterator[Client]:
    with hub.client("grocer") as client:
        yield client


class Till:
    """An outbox, delivered step by step on a clock that runs as fast as the pauses want."""

    def __init__(self, path: Path, client: Client, **options: Any) -> None:
        self.outbox = Outbox(path, client, deliver=False)
        self.now_s = 1000.0
        self.pauses: list[float] = []
        self.told: list[SetAside] = []
        self._file = OutboxFile(path)
        self._deliverer = Deliverer(
            self._file,
            client,
            self.told.append,
            jitter=lambda longest: longest,
            monotonic=lambda: self.now_s,
            **options,
        )

    def step(self) -> float | None:
        """One step of delivery."""
        pause = self._deliverer.step()
        if pause:
            self.pauses.append(pause)
            self.now_s += pause
        return pause

    def deliver(self, steps: int = MOST_STEPS) -> None:
        """Step until nothing waits, or so often."""
        for _ in range(steps):
            if self.step() is None:
                return

    def close(self) -> None:
        self._file.close()
        self.outbox.close()


@pytest.fixture
def till(tmp_path: Path, client: Client) -> Iterator[Till]:
    with closing(Till(tmp_path / "outbox.db", client)) as till:
        yield till


def sent(hub: LocalHub) -> list[list[str]]:
    """The event ids of each request that reached the hub."""
    return [[one["event_id"] for one in next(iter(json.loads(seen.body).values()))] for seen in hub.seen]


def test_what_was_recorded_arrives_in_each_terminal_s_order(hub: LocalHub, till: Till) -> None:
    recorded: dict[str, list[str]] = {"a": [], "b": []}
    for number in range(30):
        terminal = "ab"[number % 3 == 0]
        if number % 7 == 5:
            event_id = till.outbox.record_refund(recorded[terminal][-1], terminal=terminal)
        else:
            event_id = till.outbox.record_earning("card:1", PRICE, terminal=terminal)
        recorded[terminal].append(event_id)
    till.deliver()
    arrived = [event_id for request in sent(hub) for event_id in request]
    for ids in recorded.values():
        assert [event_id for event_id in arrived if event_id in ids] == ids
    assert till.outbox.stats().delivered == 30
    assert till.outbox.stats().waiting == 0


def test_each_event_bears_its_terminal_s_number_whenever_it_is_sent(hub: LocalHub, till: Till) -> None:
    sale = till.outbox.record_earning("card:1", PRICE, terminal="a")
    till.outbox.record_refund(sale, terminal="a")
    till.outbox.record_earning("card:1", PRICE)
    hub.fail_next(Fault.ANSWER_LOST, Fault.ANSWER_LOST)
    till.deliver()
    elements = [one for seen in hub.seen for one in next(iter(json.loads(seen.body).values()))]
    numbers = {(one["event_id"], one.get("terminal"), one.get("sequence")) for one in elements}
    assert len(numbers) == 3 < len(elements)
    assert {number[1:] for number in numbers} == {("a", 1), ("a", 2), (None, None)}


def test_a_refund_waits_for_its_sale_of_another_terminal(hub: LocalHub, till: Till) -> None:
    sales = [till.outbox.record_earning("card:1", PRICE, terminal="a") for _ in range(1100)]
    till.outbox.record_refund(sales[-1], terminal="b")
    till.deliver()
    assert till.outbox.set_aside() == []
    assert till.outbox.stats().delivered == 1101


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault not in (Fault.SERVER_ERROR, Fault.RATE_LIMITED)])
def test_no_word_of_the_hub_leaves_the_event_where_it_was(hub: LocalHub, till: Till, fault: Fault) -> None:
    event_id = till.outbox.record_earning("card:1", PRICE)
    hub.fail_next(fault, fault)
    assert [till.step(), till.step()] != [0.0, 0.0]
    assert till.outbox.stats().waiting == 1
    assert till.outbox.stats().failure
    till.deliver()
    assert [one for request in sent(hub) for one in request] == [event_id] * 3
    stats = till.outbox.stats()
    assert (stats.waiting, stats.delivered, stats.failure) == (0, 1, None)


def test_pauses_grow_and_begin_again_after_a_delivery(hub: LocalHub, till: Till) -> None:
    till.outbox.record_earning("card:1", PRICE)
    hub.fail_next(*[Fault.UNREACHABLE] * 12)
    till.deliver()
    assert till.pauses == [0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    till.outbox.record_earning("card:1", PRICE)
    hub.fail_next(Fault.UNREACHABLE)
    till.deliver()
    assert till.pauses[12:] == [0.5]


def test_a_pause_is_never_shorter_than_the_hub_asked_for(hub: LocalHub, till: Till) -> None:
    till.outbox.record_earning("card:1", PRICE)
    hub.fail_next(Fault.RATE_LIMITED)
    assert till.step() == 1.5
    assert till.outbox.stats().waiting == 1


def test_rejected_events_are_listed_told_and_can_be_retried(hub: LocalHub, till: Till) -> None:
    wrong = till.outbox.record_earning("card:1", Money(5, "EUR"), terminal="a")
    right = till.outbox.record_earning("card:1", PRICE, terminal="a")
    till.deliver()
    [entry] = till.outbox.set_aside()
    assert till.told == [entry]
    assert (entry.event_id, entry.kind, entry.status, entry.code) == (wrong, "earning", "rejected", "currency_mismatch")
    assert (entry.terminal, entry.content["amount"]) == ("a", {"minor": 5, "currency": "EUR"})
    assert "USD" in entry.detail
    assert till.outbox.stats().delivered == 1
    assert sent(hub) == [[wrong, right]]
    assert (till.outbox.retry(["other"]), till.outbox.retry()) == (0, 1)
    till.deliver()
    assert sent(hub)[1] == [wrong]
    till.outbox.record_earning("card:1", PRICE, event_id=wrong, terminal="a")
    till.deliver()
    assert till.outbox.set_aside() == []
    assert till.outbox.stats().delivered == 2


def test_quarantined_events_are_listed_and_not_retried(till: Till) -> None:
    event_id = till.outbox.record_earning("token:sandbox-quarantined", PRICE)
    till.deliver()
    assert [(one.event_id, one.status) for one in till.outbox.set_aside()] == [(event_id, "quarantined")]
    assert (till.outbox.stats().quarantined, till.outbox.retry()) == (1, 0)
    assert till.told == []


def test_a_hook_that_fails_holds_nothing_up(hub: LocalHub, client: Client, tmp_path: Path) -> None:
    def fails(entry: SetAside) -> None:
        raise RuntimeError("the hook's own fault")

    with Outbox(tmp_path / "outbox.db", client, on_rejected=fails) as outbox:
        outbox.record_earning("card:1", Money(5, "EUR"))
        outbox.record_earning("card:1", PRICE)
        assert outbox.flush(30)
        assert (outbox.stats().rejected, outbox.stats().delivered) == (1, 1)


# --- poison ---


def spoil(path: Path, event_id: str) -> None:
    """Make an event malformed in its file, as an SDK with a fault, or of another version, might have."""
    file = OutboxFile(path)
    with file as connection:
        broken = b'{"event_id":"%s","member":"card:1","surprise":true}' % event_id.encode()
        connection.execute("UPDATE waiting SET element = ? WHERE event_id = ?", (broken, event_id))
    file.close()


def test_poison_events_are_singled_out_and_all_others_arrive(hub: LocalHub, till: Till, tmp_path: Path) -> None:
    ids = [till.outbox.record_earning("card:1", PRICE, terminal=f"t{number % 4}") for number in range(300)]
    bad = [ids[3], ids[150], ids[151], ids[299]]
    for event_id in bad:
        spoil(tmp_path / "outbox.db", event_id)
    till.deliver()
    listed = till.outbox.set_aside()
    assert {one.event_id for one in listed} == set(bad) == {one.event_id for one in till.told}
    assert {one.code for one in listed} == {"invalid_request"}
    assert all("/surprise" in one.detail for one in listed)
    assert till.outbox.stats().delivered == 296
    assert len(hub.seen) < 120
    assert till.pauses == []


def test_an_event_that_makes_the_hub_fail_stops_its_own_terminal_only(hub: LocalHub, till: Till) -> None:
    poison = till.outbox.record_earning("token:sandbox-error", PRICE, terminal="a")
    behind = till.outbox.record_earning("card:1", PRICE, terminal="a")
    others = [till.outbox.record_earning("card:1", PRICE, terminal=f"t{number % 5}") for number in range(50)]
    till.deliver(steps=60)
    stats = till.outbox.stats()
    assert (stats.waiting, stats.terminals, stats.delivered, stats.rejected) == (2, 1, len(others), 0)
    assert "internal_error" in str(stats.failure)
    assert all(poison in request for request in sent(hub) if behind in request)


def test_a_key_that_is_not_active_is_no_fault_of_the_events(hub: LocalHub, till: Till) -> None:
    till.outbox.record_earning("card:1", PRICE)
    [key] = hub.keys.values()
    key.state = "revoked"
    till.deliver(steps=5)
    assert till.outbox.set_aside() == []
    assert "key_revoked" in str(till.outbox.stats().failure)
    key.state = "active"
    till.deliver()
    assert till.outbox.stats().delivered == 1


# --- several deliverers ---


def test_two_deliverers_share_terminals_and_keep_each_one_s_order(
    hub: LocalHub, client: Client, till: Till, tmp_path: Path
) -> None:
    recorded = {f"t{number}": list[str]() for number in range(6)}
    for number in range(600):
        terminal = f"t{number % 6}"
        recorded[terminal].append(till.outbox.record_earning("card:1", PRICE, terminal=terminal))
    with closing(Till(tmp_path / "outbox.db", client)) as other:
        while (till.step(), other.step()) != (None, None):
            pass
    arrived = [event_id for request in sent(hub) for event_id in request]
    assert len(arrived) == 600
    for ids in recorded.values():
        assert [event_id for event_id in arrived if event_id in set(ids)] == ids
