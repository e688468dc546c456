"""Tills record through a storm: in the end every event that was recorded is posted once, or listed with a reason.

Fifty terminals in eight processes, four processes a file, record and deliver while those processes and the hub are
killed with -9, answers are lost after the commit, files cannot grow, and clocks jump by years. `make soak` does it
with 100,000 events; ``--seed`` throws the same dice again.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import text

from partner_sdk.outbox import Outbox, SetAside
from tests.support import network
from tests.support.liar import LyingProxy
from tests.support.network import Network, broken_rows
from tests.support.storm import Shop, Storm
from tests.support.till import REJECTED_EACH, Plan, is_refund, names_its_events, own_id

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


SHORT = Size(terminals=12, processes=4, events=40, pause_s=0.02, tick_s=0.3, ticks=7)
LONG = Size(terminals=50, processes=8, events=2020, pause_s=0.0, tick_s=1.0, ticks=60)
FILES = 2


def shops_of(net: Network, proxy: LyingProxy, folder: Path, size: Size) -> list[Shop]:
    """The processes, each with its terminals; every other one shares a file."""
    (folder / "clock").write_bytes(struct.pack("<d", 0.0))
    terminals = [f"t{number}" for number in range(size.terminals)]
    plan = Plan(
        outbox="", sync=True, lease_s=3.0, hub=net.server.url, proxy=proxy.url, partner=PARTNER,
        key=net.coalition.keys[PARTNER].to_pem().decode(), root=net.hub.keyring.root.public.text(),
        clock=str(folder / "clock"), first={}, last=size.events, pause_s=size.pause_s,
    )  # fmt: skip
    return [
        Shop(
            replace(plan, outbox=str(folder / f"outbox-{process % FILES}.db"), sync=process % FILES == 0),
            {terminal: [] for terminal in terminals[process :: size.processes]},
        )
        for process in range(size.processes)
    ]


@contextmanager
def storm_over(net: Network, folder: Path, size: Size, seed: int) -> Iterator[list[Shop]]:
    """Yield the shops when all is recorded and their outboxes are empty."""
    with LyingProxy(net.server.authority) as proxy:
        shops = shops_of(net, proxy, folder, size)
        for shop in shops:
            shop.start()
        try:
            storm = Storm(net, proxy, shops, folder / "clock", seed)
            storm.rage(size.tick_s, size.ticks)
            assert [shop.wait(FINISHED_S) for shop in shops] == [0] * len(shops)
            sys.stdout.write(f"{dict(storm.happened)}\n")
            yield shops
        finally:
            for shop in shops:
                shop.kill()


def posted_in_order(net: Network) -> dict[str, int]:
    """Every event of the partner on record, with its transaction."""
    with net.hub.database.connect() as connection:
        rows = connection.execute(
            text("SELECT event_id, tx::text::bigint FROM hub.event WHERE partner_id = :partner"), {"partner": PARTNER}
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
    posted, listed = posted_in_order(net), set_aside_in(folder)
    known = {terminal: events for shop in shops for terminal, events in shop.known.items()}
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
    assert broken_rows(net.hub) == []


def check_named(terminal: str, posted: dict[str, int], listed: dict[str, SetAside], size: Size) -> None:
    """Of a till that names its events all are there, and just those are rejected that a rule refuses."""
    for number in range(1, size.events + 1):
        sold_wrong = number % REJECTED_EACH == 0
        returns_wrong = is_refund(terminal, number) and (number - 1) % REJECTED_EACH == 0
        is_rejected = returns_wrong if is_refund(terminal, number) else sold_wrong
        assert own_id(terminal, number) in (listed if is_rejected else posted)


def test_every_recorded_event_is_posted_once_or_listed_with_a_reason(
    postgres_url: str, tmp_path: Path, soaking: bool, seed: int
) -> None:
    sys.stdout.write(f"--seed {seed}\n")
    size = LONG if soaking else SHORT
    limits = {"rate_limit": 10**6, "address_rate_limit": 10**6, "member_rate_limit": 10**6}
    with network.running(postgres_url, tmp_path / "hub", **limits) as net:
        try:
            with storm_over(net, tmp_path, size, seed) as shops:
                check_outcome(net, tmp_path, shops, size)
        finally:
            net.server.stop()
