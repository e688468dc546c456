"""Measures the SDK's outbox: what recording costs a till, and how fast one process delivers."""

from __future__ import annotations

import tempfile
import time
from itertools import cycle
from pathlib import Path

from partner_sdk import Money
from partner_sdk.outbox import Outbox
from tests.bench.measurement import Measurement
from tests.bench.options import Options

RECORDED = {"record": True, "record-nosync": False}
"""Kinds of recording, and whether each commit waits for the disk."""
TERMINALS = tuple(f"till-{number}" for number in range(5))


def record(name: str, what: str, options: Options) -> Measurement:
    """Record one sale after another, for so long."""
    took_s: list[float] = []
    with tempfile.TemporaryDirectory() as folder, Outbox(Path(folder) / "outbox.db", sync=RECORDED[name]) as outbox:
        ends = time.perf_counter() + options.seconds
        for terminal in cycle(TERMINALS):
            began = time.perf_counter()
            if began > ends:
                break
            outbox.record_earning("card:saver-1", Money(1250, "USD"), store="330", terminal=terminal)
            took_s.append(time.perf_counter() - began)
        seconds = options.seconds + time.perf_counter() - ends
    return Measurement(name, what, "events", len(took_s), seconds, took_s, extra={"p50_us": _median_us(took_s)})


def _median_us(took_s: list[float]) -> float:
    return round(sorted(took_s)[len(took_s) // 2] * 1e6, 1)
