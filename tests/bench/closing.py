"""Measures settlement of a large cycle: its close, its self-checks, its export, and its recomputation by an auditor.

Each runs in a process of its own, so that its memory can be told, and stands beside a bare GROUP BY of the same rows in
the same run: in PostgreSQL, where the lines are, and in DuckDB over the exported lines.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

import duckdb

from hub.services import cycles
from hub.services.context import Hub
from hub.settings import Settings
from hub.start import open_hub
from tests.bench.measurement import Measurement
from tests.bench.plan import NOON
from tests.bench.stage import Stage
from tests.bench.usage import Watch

CYCLE = f"{NOON:%Y-%m}"
GROUP_BY = "SELECT issuer, redeemer, currency, count(*), sum(points), sum(amount_minor) FROM {} GROUP BY 1, 2, 3"
TIMES = 3
Say = Callable[[str], None]
Work = Callable[[Hub, Path, Say], int]


def measure(stage: Stage, say: Say) -> Iterator[Measurement]:
    """Close the cycle, check it again, export it and recompute it; the bare statements come last."""
    folder = stage.settings.data / "exports" / CYCLE
    try:
        in_postgresql = [_in_postgresql(stage)]
        measured = [
            _measured("close", "close of a cycle, obligations", _close, stage, folder, say),
            _measured("self-checks", "all self-checks of a cycle, obligations", _check, stage, folder, say),
            _measured("export", "export of a cycle, obligations", _export, stage, folder, say),
        ]
        measured.append(_recomputed(stage, folder, measured[0].count, say))
        in_postgresql.append(_in_postgresql(stage))
        bare = statistics.mean(in_postgresql), _in_duckdb(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for one in measured:
        beside = {"times_postgresql": _times(one.seconds / bare[0]), "times_duckdb": _times(one.seconds / bare[1])}
        yield replace(one, extra={**one.extra, **beside})
    for name, seconds in zip(("PostgreSQL", "DuckDB"), bare, strict=True):
        what = f"bare GROUP BY in {name}, obligations"
        yield Measurement(f"group-by-{name.lower()}", what, "obligations", measured[0].count, seconds, [seconds])


def _close(hub: Hub, folder: Path, say: Say) -> int:
    return int(cycles.close_and_publish(hub, CYCLE, "benchmark", "second benchmark", say)["lines"])


def _check(hub: Hub, folder: Path, say: Say) -> int:
    say(f"{CYCLE}: checking again")
    findings = cycles.audit(hub, CYCLE)
    assert findings == [], findings
    return int(cycles.show(hub, CYCLE)["lines"])


def _export(hub: Hub, folder: Path, say: Say) -> int:
    say(f"{CYCLE}: exporting")
    cycles.export(hub, CYCLE, folder)
    return int(cycles.show(hub, CYCLE)["lines"])


def _measured(name: str, what: str, work: Work, stage: Stage, folder: Path, say: Say) -> Measurement:
    spawn = get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_work, args=(work, stage.settings, folder, theirs))
    process.start()
    ours.recv()
    assert process.pid
    with Watch([process.pid], stage.postmaster) as watch:
        ours.send("go")
        steps = []
        while (told := ours.recv())[0] is not None:
            say(told[0])
            steps.append(told)
    ours.send("end")
    process.join()
    _, seconds, lines = told
    extra = {"steps_s": _lengths(steps, seconds)}
    return Measurement(name, what, "obligations", lines, seconds, [seconds], usage=watch, extra=extra)


def _lengths(steps: Sequence[tuple[str, float]], end_s: float) -> dict[str, float]:
    """How long each step took, from when each began; those of one name together."""
    ends = [began_s for _, began_s in steps[1:]] + [end_s]
    lengths: dict[str, float] = {}
    for (step, began_s), end in zip(steps, ends, strict=True):
        lengths[step] = round(lengths.get(step, 0) + end - began_s, 3)
    return lengths


def _work(work: Work, settings: Settings, folder: Path, pipe: Pipe) -> None:
    """Tell each step with the seconds until it began; at last None, the seconds, and the lines.

    The process stays until it was looked at once more, since its memory is gone with it.
    """
    hub = open_hub(settings)
    pipe.send("ready")
    pipe.recv()
    began = time.perf_counter()
    lines = work(hub, folder, lambda step: pipe.send((step, time.perf_counter() - began)))
    pipe.send((None, time.perf_counter() - began, lines))
    pipe.recv()


def _recomputed(stage: Stage, folder: Path, lines: int, say: Say) -> Measurement:
    """As an auditor does it, the start of Python included."""
    say(f"{CYCLE}: recomputing the export")
    began = time.perf_counter()
    with (
        subprocess.Popen(
            [sys.executable, "-m", "settlement", "verify", str(folder)], stdout=subprocess.PIPE, text=True
        ) as process,
        Watch([process.pid], stage.postmaster) as watch,
    ):
        printed, _ = process.communicate()
    seconds = time.perf_counter() - began
    assert process.returncode == 0, printed
    what = "recomputation of an export, obligations"
    return Measurement("recompute", what, "obligations", lines, seconds, [seconds], usage=watch)


def _in_postgresql(stage: Stage) -> float:
    """How long the database takes just to add the obligations up by pair."""
    with stage.hub.database.connect() as connection:
        return _least(lambda: connection.exec_driver_sql(GROUP_BY.format("settlement.obligation")).all())


def _in_duckdb(folder: Path) -> float:
    """How long DuckDB takes for the same over the exported lines."""
    with duckdb.connect() as connection:
        connection.read_parquet(str(folder / "lines.parquet")).create_view("line")
        return _least(lambda: connection.execute(GROUP_BY.format("line")).fetchall())


def _least(ask: Callable[[], Any]) -> float:
    took = []
    for _ in range(TIMES):
        began = time.perf_counter()
        ask()
        took.append(time.perf_counter() - began)
    return min(took)


def _times(ratio: float) -> float:
    return round(ratio, 1)
