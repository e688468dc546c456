"""Measures how long it takes until something runs, and what the SDK takes of a till's memory."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from types import MappingProxyType

from tests.bench.measurement import Measurement
from tests.bench.stage import Stage

TIMES = 7
"""How often each thing is started; before that once, so that its files are in memory."""
RECORDED = 100_000
COMMANDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "start-nothing": ("-c", "pass"),
        "start-help": ("-m", "hub", "--help"),
        "start-sdk": ("-c", "import partner_sdk"),
    }
)
"""What is started, by Python, and runs to its end; the first is what the others cannot do without."""
_TILL = f"""
import json, sys, time
from pathlib import Path
import partner_sdk
from partner_sdk import Money
from partner_sdk.outbox import Outbox

def most_kib():
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])

imported_kib = most_kib()
began = time.perf_counter()
with Outbox(Path(sys.argv[1]) / "outbox.db", sync=False) as outbox:
    for number in range({RECORDED}):
        outbox.record_earning("card:saver-1", Money(1250, "USD"), store="330", terminal=f"till-{{number % 5}}")
seconds = time.perf_counter() - began
print(json.dumps([imported_kib, most_kib(), seconds]))
"""


def command(name: str, what: str) -> Measurement:
    """Start a program that ends by itself, again and again."""
    took_s = []
    for _ in range(TIMES + 1):
        began = time.perf_counter()
        subprocess.run([sys.executable, *COMMANDS[name]], check=True, stdout=subprocess.DEVNULL)
        took_s.append(time.perf_counter() - began)
    return _of(name, what, took_s[1:])


def hub(name: str, what: str, stage: Stage) -> Measurement:
    """Start a hub on a database that is there, until it says that it is ready."""

    took_s = []
    for _ in range(TIMES + 1):
        began = time.perf_counter()
        with stage.served():
            took_s.append(time.perf_counter() - began)
    return _of(name, what, took_s[1:])


def till(name: str, what: str) -> Measurement:
    """Import the SDK and record a day's sales; the memory is what the process had at most."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-c", _TILL, folder]
        done = subprocess.run(words, check=True, capture_output=True, text=True)
    imported_kib, peak_kib, seconds = json.loads(done.stdout)
    extra = {"hub_process_mib": round(peak_kib / 1024, 1), "imported_mib": round(imported_kib / 1024, 1)}
    return Measurement(name, what, "events", RECORDED, seconds, [], extra=extra)


def _of(name: str, what: str, took_s: list[float]) -> Measurement:
    return Measurement(name, what, "starts", len(took_s), sum(took_s), took_s)
