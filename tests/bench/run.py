"""One run from beginning to end: what is measured, in which order, and what is set up for it beforehand.

TPC-B is measured first and again after the requests, and its mean is the reference, so a machine that other
work slows down half-way shows. The cycle is closed in a copy of the database, which keeps its million
obligations out of the requests' way.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hub.services import ledger_check
from tests.bench import (
    bare,
    books,
    closing,
    files,
    grown,
    log,
    machine,
    outbox,
    overload,
    stage,
    starting,
    traffic,
    year,
)
from tests.bench.bodies import FAITHFUL, saver, spender
from tests.bench.measurement import Measurement
from tests.bench.options import Options
from tests.bench.stage import Stage
from tests.bench.steps import Steps
from tests.bench.tpcb import Pgbench
from tests.bench.usage import Watch
from tests.support.server import Server

WHAT: Mapping[str, str] = MappingProxyType(
    {
        "tpcb": "pgbench TPC-B, 16 clients",
        "batches": "earnings, batches of 1,000, 4 connections",
        "batches-100": "earnings, batches of 100, 8 connections",
        "files": "earnings in two bulk files, looked through and posted by 2 workers",
        "singles": "single earnings, 64 connections",
        "bare": "signed requests, 64 connections, and nothing behind their signatures",
        "one-member": "single earnings of one member, 64 connections",
        "redemptions": "redemptions, 30 lots, 32 connections",
        "declines": "redemptions that are declined, 30 lots, 32 connections",
        "holds": "holds and their captures, in pairs, 32 connections",
        "balances": "balance reads, 32 connections",
        "faithful": "redemptions of one member with 10,000 earnings, 1 connection",
        "outbox": "earnings delivered by one process from an outbox, 3 connections",
        "record": "earnings recorded in an outbox, each on the disk",
        "record-nosync": "earnings recorded in an outbox, not waiting for the disk",
        "sealing": "batches of earnings with and without sealing, 4 connections",
        "checkpoint": "from an answer to the checkpoint that covers it, 1,000 earnings a second",
        "proofs": "inclusion proofs of a large log",
        "start-nothing": "Python alone, until it has ended",
        "start-help": "hansa --help, until it has ended",
        "start-sdk": "import partner_sdk, until Python has ended",
        "start-hub": "hansa serve on a database that is there, until it is ready",
        "till": "100,000 earnings recorded by a process that has just imported the SDK",
        "overload": "a hub asked for five times what it can do",
        "close": "close, self-checks, export and recomputation of a cycle",
        "grown": "earnings, batches of 1,000, many events stored",
        "year": "the sample year through hansa demo",
    }
)
NAMES = tuple(WHAT)
CONNECTIONS: Mapping[str, int] = MappingProxyType(
    {
        "batches": 4,
        "batches-100": 8,
        "outbox": 3,
        "singles": 64,
        "one-member": 64,
        "redemptions": 32,
        "declines": 32,
        "holds": 32,
        "balances": 32,
        "faithful": 1,
    }
)
OF_THE_LOG = frozenset({"sealing", "checkpoint", "proofs"})
COPY = "hansa_closed"
"""The copy of the database in which the cycle is closed."""


def run(options: Options, steps: Steps) -> dict[str, Any]:
    """Set up, measure, check the books, and return all figures."""
    alone = list(_alone(options, steps))
    with stage.embedded_folder() as data:
        steps.begin("setting up")
        benchmark = Benchmark(stage.build(data), options, steps)
        described = machine.describe(benchmark.stage.hub.database, options.seed)
        measured = list(benchmark.measured())
        broken = list(benchmark.broken())
    measured += alone
    rates = [one.rate for one in measured if one.name == "tpcb"]
    reference = statistics.mean(rates) if rates else None
    return {
        "machine": described,
        "reference_rate": reference,
        "measurements": [one.as_json(reference) for one in measured],
        "broken_invariants": broken,
    }


def _alone(options: Options, steps: Steps) -> Iterator[Measurement]:
    """Measure what has hubs of its own, while there is no other whose tables are still vacuumed."""
    if "year" in options.only:
        steps.begin(WHAT["year"])
        yield year.measure("year", WHAT["year"])
    if "grown" in options.only:
        steps.begin(WHAT["grown"])
        yield grown.measure("grown", WHAT["grown"], options, steps.begin)


@dataclass
class Benchmark:
    """One hub and what is asked about it."""

    stage: Stage
    options: Options
    steps: Steps
    copy: Stage | None = None

    def measured(self) -> Iterator[Measurement]:
        """Measure what is asked for."""
        spenders = self._members()
        if "tpcb" in self.options.only:
            self.steps.begin("filling the database of pgbench")
            Pgbench.of(self.stage).prepare()
            yield self._tpcb()
        yield from self._requests()
        if "files" in self.options.only:
            self.steps.begin(WHAT["files"])
            yield files.measure(WHAT["files"], self.stage, self.options)
        yield from self._starts()
        for kind in (kind for kind in outbox.RECORDED if kind in self.options.only):
            self.steps.begin(WHAT[kind])
            yield outbox.record(kind, WHAT[kind], self.options)
        if "tpcb" in self.options.only:
            yield self._tpcb()
        if self.copy:
            yield from self._close(self.copy, spenders)

    def broken(self) -> Iterator[str]:
        """Check the ledger, the copy's too, and name what breaks an invariant."""
        for one in filter(None, (self.stage, self.copy)):
            self.steps.begin("checking the ledger")
            for check in ledger_check.run(one.hub):
                if check["row"]:
                    yield f"{check['check']}: {check['row']}"
            one.hub.database.dispose()

    def _members(self) -> Sequence[books.Member]:
        """Enrol all members, give those that redeem their lots, and copy the database while it is quiet."""
        hub, numbers = self.stage.hub, range(self.options.members)
        stage.enrol(hub, [saver(number) for number in numbers])
        spenders = list(stage.enrol(hub, [spender(number) for number in numbers]).items())
        if self.options.only & {"redemptions", "declines", "holds", "close"}:
            self.steps.begin("giving each member 30 lots", len(spenders))
            for done in books.fund(books.tasks(self.stage, spenders, self.options.seed)):
                self.steps.advance(done)
        if "faithful" in self.options.only:
            self.steps.begin("five years of one member")
            stage.enrol(hub, [FAITHFUL])
            books.fund_faithful(self.stage, self.options.seed)
        if "close" in self.options.only:
            self.copy = self.stage.copied(COPY)
        self.stage.settle()
        return spenders

    def _tpcb(self) -> Measurement:
        self.steps.begin(WHAT["tpcb"])
        with tempfile.TemporaryDirectory() as folder, Watch([], self.stage.postmaster) as watch:
            took_s = Pgbench.of(self.stage).measure(self.options.seconds, Path(folder))
        count, seconds = len(took_s), max(1, round(self.options.seconds))
        return Measurement("tpcb", WHAT["tpcb"], "transactions", count, seconds, took_s, usage=watch)

    def _requests(self) -> Iterator[Measurement]:
        kinds = [kind for kind in CONNECTIONS if kind in self.options.only]
        if not kinds and not self.options.only & (OF_THE_LOG | {"bare", "overload"}):
            return
        with self.stage.served() as server:
            for kind in kinds:
                self.steps.begin(WHAT[kind])
                yield traffic.measure(kind, WHAT[kind], CONNECTIONS[kind], self.stage, server, self.options)
            if "bare" in self.options.only:
                self.steps.begin(WHAT["bare"])
                connections = CONNECTIONS[bare.KIND]
                yield bare.measure("bare", WHAT["bare"], connections, self.stage, server, self.options)
            yield from self._log(server)
            if "overload" in self.options.only:
                # Last: for a while after it the hub still tells callers to come back later.
                self.steps.begin(WHAT["overload"])
                yield from overload.measure(self.stage, server, self.options, CONNECTIONS["singles"])

    def _starts(self) -> Iterator[Measurement]:
        for kind in (kind for kind in starting.COMMANDS if kind in self.options.only):
            self.steps.begin(WHAT[kind])
            yield starting.command(kind, WHAT[kind])
        if "start-hub" in self.options.only:
            self.steps.begin(WHAT["start-hub"])
            yield starting.hub("start-hub", WHAT["start-hub"], self.stage)
        if "till" in self.options.only:
            self.steps.begin(WHAT["till"])
            yield starting.till("till", WHAT["till"])

    def _log(self, server: Server) -> Iterator[Measurement]:
        wanted = self.options.only & OF_THE_LOG
        if "checkpoint" in wanted:
            self.steps.begin(WHAT["checkpoint"])
            yield log.delay(WHAT["checkpoint"], self.stage, server, self.options)
        if "sealing" in wanted:
            self.steps.begin(WHAT["sealing"])
            yield from log.slow_down(CONNECTIONS["batches"], self.stage, server, self.options)
        if "proofs" in wanted:
            self.steps.begin(WHAT["proofs"])
            yield log.proofs("inclusion proofs, by the service", self.stage, self.options)
            yield log.proofs_over_http("inclusion proofs, by the SDK over HTTP", self.stage, server)

    def _close(self, copy: Stage, spenders: Sequence[books.Member]) -> Iterator[Measurement]:
        redeeming = spenders[: self.options.obligations // books.LINES_A_MEMBER]
        self.steps.begin("filling the cycle with obligations", len(redeeming))
        for done in books.redeem_all(books.tasks(copy, redeeming, self.options.seed)):
            self.steps.advance(done)
        copy.settle()
        yield from closing.measure(copy, self.steps.begin)
