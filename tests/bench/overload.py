"""Measures a hub that is asked for more than it can do: by all partners, and by one of them beside another.

What it can do is measured just before, on the connections of the usual load. ``of_peak`` and ``of_alone`` are shares of
a rate in the same run: what stays useful under five times the load, what is done right after it, and what is left to a
partner that asks for little while another asks for too much.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

from tests.bench import traffic
from tests.bench.measurement import Measurement
from tests.bench.options import Options
from tests.bench.plan import Plan
from tests.bench.stage import Stage
from tests.bench.usage import Watch, children
from tests.support.server import Server

KIND = "singles"
TIMES = 5
CONNECTIONS, MODEST_CONNECTIONS, GREEDY_CONNECTIONS = 2_500, 16, 1_000
MODEST_SHARE = 0.2
"""Of the peak, which is what the modest partner asks for."""
WHAT = f"single earnings, {TIMES} times too many asked for"
WHAT_MODEST = "single earnings of a modest partner beside a greedy one"


def measure(stage: Stage, server: Server, options: Options, connections: int) -> Iterator[Measurement]:
    """Yield what is useful when all ask for too much, and what a modest partner gets beside a greedy one."""
    peak = traffic.measure(KIND, KIND, connections, stage, server, options).rate
    everybody = traffic.plan_of(KIND, CONNECTIONS, stage, server, options, stage.keys)
    with Watch(children(server.process.pid), stage.postmaster) as watch:
        [figures] = _asked([(everybody, TIMES * peak)])
    after = traffic.measure(KIND, KIND, connections, stage, server, options).rate
    of_peak = {"of_peak": _share(figures, peak), "recovered_of_peak": round(after / peak, 3)}
    yield _measurement("overload", WHAT, figures, watch, of_peak)
    modest_id, greedy_id, *_ = sorted(stage.keys)
    modest = traffic.plan_of(KIND, MODEST_CONNECTIONS, stage, server, options, [modest_id]), MODEST_SHARE * peak
    greedy = traffic.plan_of(KIND, GREEDY_CONNECTIONS, stage, server, options, [greedy_id]), TIMES * peak
    [alone] = _asked([modest])
    modest = replace(modest[0], run=f"beside-{secrets.token_hex(4)}"), modest[1]
    with Watch(children(server.process.pid), stage.postmaster) as watch:
        figures, _ = _asked([modest, greedy])
    of_alone = {"of_alone": _share(figures, alone["events"] / alone["seconds"])}
    yield _measurement("modest", WHAT_MODEST, figures, watch, of_alone)


def _asked(paces: Sequence[tuple[Plan, float]]) -> list[dict[str, Any]]:
    """Let a process ask by each plan, at so many requests a second, all at the same time; return what each counted."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.bench.paced"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in paces
    ]
    for process, (plan, rate) in zip(processes, paces, strict=True):
        assert process.stdin
        process.stdin.write(json.dumps({"plan": asdict(plan), "rate": rate}) + "\n")
        process.stdin.flush()
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.close()
    return [_figures(process) for process in processes]


def _figures(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout
    with process.stdout:
        figures: dict[str, Any] = json.loads(process.stdout.read())
    assert process.wait() == 0
    return figures


def _measurement(name: str, what: str, figures: dict[str, Any], watch: Watch, shares: dict[str, float]) -> Measurement:
    counted = {key: figures[key] for key in ("asked", "shed", "given_up")}
    return Measurement(
        name, what, "events", figures["events"], figures["seconds"], figures["took_s"], figures["errors"], watch,
        shares | counted,
    )  # fmt: skip


def _share(figures: dict[str, Any], of: float) -> float:
    rate: float = figures["events"] / figures["seconds"]
    return round(rate / of, 3)
