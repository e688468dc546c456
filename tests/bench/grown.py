"""Measures a hub that has many events beside one that has none."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from tests.bench import stage, traffic
from tests.bench.bodies import saver
from tests.bench.measurement import Measurement
from tests.bench.options import Options
from tests.bench.stage import PARTNERS, Stage
from tests.support.server import Server

BATCHES, CONNECTIONS = "batches", 4
LONGEST_S = 60.0
A_SECOND = 20_000
"""How many events one counts on when the rest is to be posted."""


@contextmanager
def own_hub(options: Options, partners: int = len(PARTNERS)) -> Iterator[tuple[Stage, Server]]:
    """Yield a hub of its own with so many members and partners, served."""
    with stage.embedded_folder() as data:
        own = stage.build(data, partners - len(PARTNERS))
        stage.enrol(own.hub, [saver(number) for number in range(options.members)])
        own.settle()
        with own.served() as server:
            yield own, server
        own.hub.database.dispose()


def measure(name: str, what: str, options: Options, say: Callable[[str], None]) -> Measurement:
    """Post batches until `options.events` are stored, and measure; empty hubs before and after are the reference."""
    empty = [_empty_rate(options)]
    with own_hub(options) as (own, server):
        [(stored, grown)] = stored_points([options.events], own, server, options, say)
    empty.append(_empty_rate(options))
    extra = {**grown.extra, "stored": stored, "of_empty": round(grown.rate / statistics.mean(empty), 3)}
    return replace(grown, name=name, what=what, extra=extra)


def stored_points(
    values: Sequence[int], own: Stage, server: Server, options: Options, say: Callable[[str], None] = lambda step: None
) -> Iterator[tuple[int, Measurement]]:
    """Post batches until so many events are there, and measure then; yield how many there were, and the measurement."""
    for wanted in values:
        while (stored := _events(own)) < wanted:
            say(f"{stored:,} of {wanted:,} events stored")
            seconds = min(LONGEST_S, max(options.seconds, (wanted - stored) / A_SECOND))
            _batches(own, server, replace(options, seconds=seconds))
        own.settle()
        yield _events(own), _batches(own, server, options)


def _empty_rate(options: Options) -> float:
    with own_hub(options) as (own, server):
        return _batches(own, server, options).rate


def _batches(own: Stage, server: Server, options: Options) -> Measurement:
    return traffic.measure(BATCHES, BATCHES, CONNECTIONS, own, server, options)


def _events(own: Stage) -> int:
    with own.hub.database.connect() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM hub.event").scalar_one())
