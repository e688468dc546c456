"""Measures the log: what sealing costs posting, how soon a checkpoint covers what was posted, how long proofs take."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count as counting
from random import Random

from hub.core.ledger import COALITION, Event, Posting
from hub.services import log_proofs, sealing
from hub.services.context import Hub
from hub.store import log, posting
from partner_sdk import Client
from tests.bench import traffic, usage
from tests.bench.bodies import saver
from tests.bench.measurement import Measurement
from tests.bench.options import Options
from tests.bench.plan import NOON
from tests.bench.stage import Stage
from tests.support.network import sale
from tests.support.raw import RawClient
from tests.support.server import Server

ORDER = (False, True, True, False, False, True, True, False)
"""When posting is measured with sealing: each way as early as late, since a database that grows slows both."""
A_SECOND, A_REQUEST = 1_000, 50
PROOFS = 1_000
FILLED_AT_ONCE = 1_000
NEVER = "9000000000:9000000000:"
"""A snapshot that has seen everything for a long time to come."""


def slow_down(connections: int, stage: Stage, server: Server, options: Options) -> Iterator[Measurement]:
    """Yield batches of earnings while nothing is sealed, and while the hub seals."""
    off, on = [], []
    for seals in ORDER:
        if seals:
            on.append(_batches(connections, stage, server, options))
        else:
            with _not_sealing(stage.hub):
                off.append(_batches(connections, stage, server, options))
    whole_off, whole_on = _together(off), _together(on)
    slower = {"slower_percent": round((1 - whole_on.rate / whole_off.rate) * 100, 2)}
    yield replace(whole_off, name="unsealed", what="batches, nothing is sealed")
    yield replace(whole_on, name="sealed", what="batches, sealed meanwhile", extra={**whole_on.extra, **slower})


def _batches(connections: int, stage: Stage, server: Server, options: Options) -> Measurement:
    """Measure batches; the processor time is of all that serve, the sealer and the database included."""
    before = usage.read(server.process.pid)
    measured = traffic.measure("batches", "", connections, stage, server, options)
    after = usage.read(server.process.pid)
    assert measured.usage
    sealer_s = after.cpu_s - before.cpu_s if before and after else 0.0
    return replace(measured, extra={"cpu_s": measured.usage.hub.cpu_s + measured.usage.database.cpu_s + sealer_s})


@contextmanager
def _not_sealing(hub: Hub) -> Iterator[None]:
    """Let the hub believe that all is sealed, for the length of a block."""
    sealing.seal_some(hub)
    with hub.database.connect() as connection:
        before = connection.exec_driver_sql("SELECT seen::text FROM hub.log_progress").scalar_one()
    _set_seen(hub, NEVER)
    yield
    _set_seen(hub, before)


def _set_seen(hub: Hub, snapshot: str) -> None:
    with hub.database.connect() as connection:
        connection.exec_driver_sql("UPDATE hub.log_progress SET seen = %(seen)s::pg_snapshot", {"seen": snapshot})


def _together(parts: Sequence[Measurement]) -> Measurement:
    took_s = [one for part in parts for one in part.took_s]
    errors = {why: number for part in parts for why, number in part.errors.items()}
    count = sum(one.count for one in parts)
    cpu_us = {"cpu_us": round(sum(one.extra["cpu_s"] for one in parts) / max(count, 1) * 1e6, 1)}
    return replace(
        parts[0], count=count, seconds=sum(one.seconds for one in parts), took_s=took_s,
        errors=errors, usage=None, extra=cpu_us,
    )  # fmt: skip


def delay(what: str, stage: Stage, server: Server, options: Options) -> Measurement:
    """Report 1,000 earnings a second and measure from each answer until the log's head covers them."""
    hub, draw, run = stage.hub, Random(options.seed), time.time_ns()
    client = RawClient(server.authority, "grocer", stage.keys["grocer"], hub.keyring.root.public)
    sealing.seal(hub)
    took_s: list[float] = []
    waiting: list[tuple[int, float]] = []
    numbers, began = counting(1), time.perf_counter()
    with hub.database.connect() as connection:
        size, _ = log.head(connection)
        while (now := time.perf_counter()) < began + options.seconds or waiting:
            asked = len(took_s) + len(waiting)
            if now < began + options.seconds and asked * A_REQUEST / A_SECOND <= now - began:
                ids = [f"delay-{run}-{next(numbers)}" for _ in range(A_REQUEST)]
                sales = [sale(one, saver(draw.randrange(options.members))) for one in ids]
                answer = client.call("POST", "/v1/earnings", {"earnings": sales})
                assert answer.status == 200, answer
                size += A_REQUEST
                waiting.append((size, time.perf_counter()))
            head, _ = log.head(connection)
            took_s += [time.perf_counter() - answered for due, answered in waiting if due <= head]
            waiting = [one for one in waiting if one[0] > head]
            time.sleep(0.002)
    seconds = time.perf_counter() - began
    worst = {"worst_ms": round(max(took_s) * 1e3, 1)}
    return Measurement("checkpoint", what, "events", len(took_s) * A_REQUEST, seconds, took_s, extra=worst)


def proofs(what: str, stage: Stage, options: Options) -> Measurement:
    """Fill the log up to so many events and prove some of them, each to the service's own answer."""
    hub = stage.hub
    _fill(hub, options.sealed)
    sealing.seal(hub)
    with hub.database.connect() as connection:
        size, _ = log.head(connection)
    names = [f"filled-{number}" for number in Random(options.seed).sample(range(_last(hub)), min(PROOFS, _last(hub)))]
    took_s = []
    for name in names:
        began = time.perf_counter()
        proof = log_proofs.proof(hub, COALITION, COALITION, name, None)
        took_s.append(time.perf_counter() - began)
        assert proof["size"] == size
    return Measurement("proofs", what, "proofs", len(took_s), sum(took_s), took_s, extra={"log_size": size})


def proofs_over_http(what: str, stage: Stage, server: Server) -> Measurement:
    """Fetch proofs of a partner's own events with the SDK, verified."""
    with stage.hub.database.connect() as connection:
        query = "SELECT event_id FROM hub.event WHERE partner_id = 'grocer' LIMIT 500"
        names = [str(name) for name in connection.exec_driver_sql(query).scalars()]
    took_s = []
    with Client(server.url, "grocer", stage.keys["grocer"], root_key=stage.hub.keyring.root.public) as client:
        checkpoint = client.checkpoint()
        for name in names:
            began = time.perf_counter()
            client.proof(name, size=checkpoint.size).check(checkpoint)
            took_s.append(time.perf_counter() - began)
    return Measurement("proofs-http", what, "proofs", len(took_s), sum(took_s), took_s)


def _fill(hub: Hub, total: int) -> None:
    """Post events of the coalition that move nothing, until there are so many."""
    with hub.database.connect() as connection:
        there = connection.exec_driver_sql("SELECT count(*) FROM hub.event").scalar_one()
        for start in range(0, max(FILLED_AT_ONCE, total - there), FILLED_AT_ONCE):
            names = [f"filled-{number}" for number in range(start, start + FILLED_AT_ONCE)]
            events = [Event(name, "pool", 0, "posted", 0, NOON, name.encode().ljust(32)) for name in names]
            posting.post(connection, Posting(COALITION, NOON, NOON.date(), events, []))


def _last(hub: Hub) -> int:
    with hub.database.connect() as connection:
        query = "SELECT count(*) FROM hub.event WHERE partner_id = 'coalition' AND kind = 'pool'"
        return int(connection.exec_driver_sql(query).scalar_one())
