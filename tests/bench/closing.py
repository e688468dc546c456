"""Measures the close of a cycle: cut off, calculate, all self-checks, publish and settle, in one transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe

from hub.services import cycles
from hub.settings import Settings
from hub.start import open_hub
from tests.bench.measurement import Measurement
from tests.bench.plan import NOON
from tests.bench.stage import Stage
from tests.bench.usage import Watch

CYCLE = f"{NOON:%Y-%m}"
_BARE = """
    SELECT issuer, redeemer, currency, count(*), sum(points), sum(amount_minor)
    FROM settlement.obligation GROUP BY 1, 2, 3
"""


def measure(what: str, stage: Stage, say: Callable[[str], None]) -> Measurement:
    """Close the cycle in a process of its own, so that its memory can be told, and return what it took."""
    bare_s = _bare_group_by(stage)
    spawn = get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_close, args=(stage.settings, theirs))
    process.start()
    ours.recv()
    assert process.pid
    with Watch([process.pid], stage.postmaster) as watch:
        ours.send("go")
        steps = []
        while (told := ours.recv())[0] is not None:
            say(told[0])
            steps.append(told)
    process.join()
    _, seconds, lines = told
    extra = {"bare_group_by_s": round(bare_s, 3), "steps_s": _lengths(steps, seconds)}
    return Measurement("close", what, "obligations", lines, seconds, [seconds], usage=watch, extra=extra)


def _lengths(steps: Sequence[tuple[str, float]], end_s: float) -> dict[str, float]:
    """How long each step took, from when each began."""
    ends = [began_s for _, began_s in steps[1:]] + [end_s]
    return {step: round(end - began_s, 3) for (step, began_s), end in zip(steps, ends, strict=True)}


def _close(settings: Settings, pipe: Pipe) -> None:
    """Close, and tell each step with the seconds until it began; at last None, the seconds, and the lines."""
    hub = open_hub(settings)
    pipe.send("ready")
    pipe.recv()
    began = time.perf_counter()
    closed = cycles.close_and_publish(
        hub, CYCLE, "benchmark", "second benchmark", lambda step: pipe.send((step, time.perf_counter() - began))
    )
    pipe.send((None, time.perf_counter() - began, closed["lines"]))


def _bare_group_by(stage: Stage) -> float:
    """How long the database takes just to add the obligations up by pair."""
    with stage.hub.database.connect() as connection:
        connection.exec_driver_sql(_BARE).all()
        began = time.perf_counter()
        connection.exec_driver_sql(_BARE).all()
        return time.perf_counter() - began
