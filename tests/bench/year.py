"""Measures the sample year, by the command that an operator gives, and holds its figures against the golden file."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.measurement import Measurement

LAST = "2017-12-31"
GOLDEN = Path(__file__).parents[1] / "golden" / f"sample-2017-01-01-{LAST}.json"


def measure(name: str, what: str) -> Measurement:
    """Replay and settle the year from nothing; other figures than the golden file's are an error."""
    with tempfile.TemporaryDirectory() as folder:
        figures = Path(folder) / "year.json"
        words = ["-m", "hub", "demo", "--to", LAST, "--out", str(Path(folder) / "out"), "--json", str(figures)]
        began = time.perf_counter()
        done = subprocess.run([sys.executable, *words], check=False, capture_output=True, text=True)
        seconds = time.perf_counter() - began
        if done.returncode:
            raise RuntimeError(f"hansa demo ended with {done.returncode}: {done.stderr[-2000:]}")
        found = json.loads(figures.read_text())
    errors = {} if found == json.loads(GOLDEN.read_text()) else {f"other figures than {GOLDEN.name}": 1}
    events = found["earnings"]["count"] + found["redemptions"]["accepted"] + found["redemptions"]["declined"]
    return Measurement(name, what, "events", events, seconds, [seconds], errors)
