"""A storm over tills, counters and hub: in the end all that was acknowledged is there, and the books hold.

Terminals in several processes, some of which share a file, record and deliver sales and refunds, and counters redeem,
hold, capture and void, while those processes, the hub, its database and its background worker are killed with -9, a
worker of the hub hangs, answers are lost after the commit, files cannot grow, and clocks jump by years. Every event
that was recorded is posted once or listed with a reason; every redemption that was acknowledged is there. `make soak`
does it for ten minutes with 100,000 events; ``--seed`` throws the same dice again.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import text

from hub.services import business_clock, cycles, log_check, sealing
from hub.store import embedded
from partner_sdk.outbox import Outbox, SetAside
from tests.support import coalition, network
from tests.support.liar import LyingProxy
from tests.support.network import Network, broken_rows, earn, sale
from tests.support.storm import Shop, Storm
from tests.support.till import MEMBERS, REJECTED_EACH, Plan, is_refund, names_its_events, own_id

PARTNER = "grocer"
FINISHED_S = 170


class Size(NamedTuple):
    """How much happens."""

    terminals: int
    processes: int
    events: int
    pause_s: float
    tick_s: float
    ticks: int

    @property
    def spent(self) -> int:
        """Things that each counter does; each of them takes requests of its own."""
        return self.events // 2


SHORT = Size(terminals=12, processes=4, events=60, pause_s=0.05, tick_s=0.6, ticks=12)
LONG = Size(terminals=50, processes=8, events=2020, pause_s=0.035, tick_s=1.0, ticks=600)
SPENDING_AT = "fuel"
FILES = 2
COUNTERS = [["t1000", "t1002"], ["t1004", "t1006"]]
"""Those of each process that spends; they name their events, as tills with even numbers do."""
TILL, SPENDER = "tests.support.till", "tests.support.spender"


def shops_of(net: Network, proxy: LyingProxy, folder: Path, size: Size) -> list[Shop]:
    """The processes, each with its terminals; every other one shares a file."""
    (folder / "clock").write_bytes(struct.pack("<d", 0.0))
    terminals = [f"t{number}" for number in range(size.terminals)]
    plan = Plan(
        outbox="", sync=True, lease_s=3.0, hub=net.server.url, proxy=proxy.url, partner=PARTNER,
        key=net.coalition.keys[PARTNER].to_pem().decode(), root=net.hub.keyring.root.public.text(),
        clock=str(folder / "clock"), first={}, last=size.events, pause_s=size.pause_s,
    )  # fmt: skip
    spending = replace(
        plan, last=size.spent, partner=SPENDING_AT, key=net.coalition.keys[SPENDING_AT].to_pem().decode()
    )
    tills = [
        Shop(
            replace(plan, outbox=str(folder / f"outbox-{process % FILES}.db"), sync=process % FILES == 0),
            TILL,
            {terminal: [] for terminal in terminals[process :: size.processes]},
        )
        for process in range(size.processes)
    ]
    return tills + [Shop(spending, SPENDER, {counter: [] for counter in counters}) for counters in COUNTERS]


def fund(net: Network) -> None:
    """Give members 100 points each, so that counters do not wait for the tills."""
    sales = [sale(f"fund-{number}", f"card:{number}", minor=10_000) for number in range(MEMBERS)]
    assert earn(net.client(PARTNER), *sales).status == 200


@contextmanager
def storm_over(net: Network, folder: Path, size: Size, seed: int) -> Iterator[list[Shop]]:
    """Yield the shops when all is recorded and their outboxes are empty."""
    with LyingProxy(net.server.authority) as proxy:
        shops = shops_of(net, proxy, folder, size)
        for shop in shops:
            shop.start()
        storm = Storm(net, proxy, shops, folder / "clock", seed)
        try:
            storm.rage(size.tick_s, size.ticks)
            assert [shop.wait(FINISHED_S) for shop in shops] == [0] * len(shops)
            sys.stdout.write(f"{dict(storm.happened)}\n")
            yield shops
        finally:
            storm.end()
            for shop in shops:
                shop.kill()


def posted_in_order(net: Network, partner: str) -> dict[str, int]:
    """Every event of a partner on record, with its transaction."""
    with net.hub.database.connect() as connection:
        rows = connection.execute(
            text("SELECT event_id, tx::text::bigint FROM hub.event WHERE partner_id = :partner"), {"partner": partner}
        ).all()
    posted = {event_id: int(tx) for event_id, tx in rows}
    assert len(posted) == len(rows)
    return posted


def set_aside_in(folder: Path) -> dict[str, SetAside]:
    """What the outboxes have set aside; nothing waits there any more."""
    listed: dict[str, SetAside] = {}
    for number in range(FILES):
        with Outbox(folder / f"outbox-{number}.db") as outbox:
            assert outbox.stats().waiting == 0
            listed |= {one.event_id: one for one in outbox.set_aside()}
    return listed


def check_outcome(net: Network, folder: Path, shops: list[Shop], size: Size) -> None:
    """Hold what the tills knew against what the hub has and the outboxes list."""
    posted, listed = posted_in_order(net, PARTNER), set_aside_in(folder)
    known = {terminal: events for shop in shops if shop.module == TILL for terminal, events in shop.known.items()}
    all_known = {event_id for events in known.values() for _, event_id in events}
    sys.stdout.write(f"{len(all_known)} known, {len(posted)} posted, {len(listed)} set aside\n")
    assert all_known <= posted.keys() | listed.keys()
    assert not posted.keys() & listed.keys()
    assert all(one.status == "rejected" and one.code and one.detail for one in listed.values())
    for terminal, events in known.items():
        if names_its_events(terminal):
            check_named(terminal, posted, listed, size)
        transactions = [posted[event_id] for _, event_id in events if event_id in posted]
        assert transactions == sorted(transactions), f"{terminal} was delivered out of order"


def check_spending(net: Network, shops: list[Shop], size: Size) -> None:
    """Hold what the counters were told against what the hub has."""
    spent = posted_in_order(net, SPENDING_AT)
    told = [event_id for shop in shops if shop.module == SPENDER for own in shop.known.values() for _, event_id in own]
    assert len(told) >= size.spent * sum(map(len, COUNTERS))
    done = [event_id for event_id in told if event_id != "-"]
    sys.stdout.write(f"{len(done)} spent, {len(told) - len(done)} refused\n")
    assert done
    assert set(done) <= spent.keys()


def check_books(net: Network) -> None:
    """The ledger, the log and the month's cycle hold."""
    assert broken_rows(net.hub) == []
    sealing.seal(net.hub)
    assert log_check.run(net.hub).findings == []
    business_clock.move(net.hub, datetime(2017, 2, 1, tzinfo=UTC))
    cycles.close_and_publish(net.hub, "2017-01", "ada", "grace")
    assert cycles.audit(net.hub, "2017-01") == []


def check_named(terminal: str, posted: dict[str, int], listed: dict[str, SetAside], size: Size) -> None:
    """Of a till that names its events all are there, and just those are rejected that a rule refuses."""
    for number in range(1, size.events + 1):
        sold_wrong = number % REJECTED_EACH == 0
        returns_wrong = is_refund(terminal, number) and (number - 1) % REJECTED_EACH == 0
        is_rejected = returns_wrong if is_refund(terminal, number) else sold_wrong
        assert own_id(terminal, number) in (listed if is_rejected else posted)


@contextmanager
def stopped_at_last(database: Path) -> Iterator[None]:
    """Stop an embedded database after a block."""
    try:
        yield
    finally:
        embedded.stop(database)


def test_what_was_acknowledged_is_there_and_the_books_hold(tmp_path: Path, soaking: bool, seed: int) -> None:
    sys.stdout.write(f"--seed {seed}\n")
    size = LONG if soaking else SHORT
    limits = {"rate_limit": 10**6, "address_rate_limit": 10**6, "member_rate_limit": 10**6, "hang_timeout_s": 5}
    built = coalition.build("", tmp_path / "hub")
    with stopped_at_last(tmp_path / "hub" / "postgresql"), network.running_of(built, **limits) as net:
        try:
            fund(net)
            with storm_over(net, tmp_path, size, seed) as shops:
                # What this process keeps are connections to a server that was killed.
                net.hub.database.dispose()
                check_outcome(net, tmp_path, shops, size)
                check_spending(net, shops, size)
                check_books(net)
        finally:
            net.server.stop()
