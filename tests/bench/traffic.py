"""Measures one kind of request: the load comes from another process, and the hub's processes are watched."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Iterable
from typing import IO

from tests.bench.bodies import BATCH, kind_of
from tests.bench.measurement import Measurement
from tests.bench.options import Options
from tests.bench.plan import Plan
from tests.bench.stage import Stage
from tests.bench.usage import Watch, children
from tests.support.server import Server

WARM_UP_S = 2.0
LOAD, DELIVERY = "tests.bench.load", "tests.bench.deliver"
"""The processes that make requests by a plan: connections that say what a kind says, and an SDK's outbox."""


def measure(kind: str, what: str, connections: int, stage: Stage, server: Server, options: Options) -> Measurement:
    """Send one kind of request on so many connections and return what was counted."""
    plan = plan_of(kind, connections, stage, server, options, stage.keys)
    workers = children(server.process.pid)
    load_of = kind_of(kind)
    command = [sys.executable, "-m", LOAD if load_of else DELIVERY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as load:
        assert load.stdin
        assert load.stdout
        load.stdin.write(plan.to_json() + "\n")
        load.stdin.flush()
        _line(load.stdout)
        before = _written(stage)
        with Watch(workers, stage.postmaster) as watch:
            figures = json.loads(_line(load.stdout))
        after = _written(stage)
    count, seconds = figures["events"], figures["seconds"]
    names = ("wal_bytes", "stored_bytes")
    written = {name: round((new - old) / max(count, 1)) for name, new, old in zip(names, after, before, strict=True)}
    extra = {"connections": connections, "events_a_request": load_of.events if load_of else BATCH}
    load_us = {"load_cpu_us": round(figures["cpu_s"] / max(count, 1) * 1e6, 1)}
    return Measurement(
        kind, what, "events", count, seconds, figures["took_s"], figures["errors"], watch, extra | load_us | written
    )


def plan_of(
    kind: str, connections: int, stage: Stage, server: Server, options: Options, partners: Iterable[str]
) -> Plan:
    """Return the plan of a kind of load by these partners; its run has a name of its own."""
    return Plan(
        kind=kind,
        connections=connections,
        warm_up_s=min(WARM_UP_S, options.seconds),
        seconds=options.seconds,
        seed=options.seed,
        run=f"{kind}-{secrets.token_hex(4)}",
        members=options.members,
        authority=server.authority,
        root=stage.hub.keyring.root.public.text(),
        partners={partner: stage.keys[partner].to_pem().decode() for partner in partners},
    )


def _written(stage: Stage) -> tuple[int, int]:
    """Return the bytes of the write-ahead log up to now, and those of the database's files."""
    with stage.hub.database.connect() as connection:
        row = connection.exec_driver_sql(
            "SELECT pg_current_wal_insert_lsn() - '0/0', pg_database_size(current_database())"
        ).one()
    return int(row[0]), int(row[1])


def _line(stream: IO[str]) -> str:
    line = stream.readline()
    if not line:
        raise RuntimeError("the process that makes the load has failed")
    return line
