"""The benchmark itself runs, counts what it should, and leaves clean books."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from random import Random

from hub.core.burning import burn
from hub.core.ledger import BASE, MATURE_AT_ONCE, NEVER_EXPIRES, Lot, LotKey
from tests.bench.__main__ import main
from tests.bench.books import LINES_A_MEMBER, LOTS_A_MEMBER, divided, without
from tests.bench.measurement import Measurement
from tests.bench.report import beside_targets, remarks
from tests.bench.run import NAMES
from tests.bench.targets import TARGETS, UNITS, compared

OF_A_CYCLE = {"self-checks", "export", "recompute", "group-by-postgresql", "group-by-duckdb"}
SMALL = ["--seconds", "0.4", "--members", "50", "--obligations", "1000", "--sealed", "2000", "--events", "9000"]


OFTEN = ["batches", "files", "record-nosync", "close"]
SELDOM = [
    "start-help",
    "start-hub",
    "till",
    "outbox",
    "redemptions",
    "declines",
    "faithful",
    "overload",
    "checkpoint",
    "proofs",
    "grown",
    "year",
]


def test_a_small_run_measures_everything_without_an_error(tmp_path: Path, soaking: bool) -> None:
    """With `--soak` what takes long to prepare too."""
    kinds = OFTEN + (SELDOM if soaking else [])
    assert main([*SMALL, "--only", *kinds, "--json", str(tmp_path / "figures.json")]) == 0
    figures = json.loads((tmp_path / "figures.json").read_text())
    measured = {one["name"]: one for one in figures["measurements"]}
    assert set(measured) == {*kinds, *OF_A_CYCLE, *(["proofs-http", "modest"] if soaking else [])}
    assert measured["close"]["count"] == 1000
    assert all(one["rate"] > 0 and one["errors"] == {} for one in measured.values())
    assert figures["broken_invariants"] == []


def test_redeeming_everything_gives_a_hundred_lines_a_member() -> None:
    left = [Lot(LotKey(NEVER_EXPIRES, f"issuer-{number:02}", BASE, MATURE_AT_ONCE), 100) for number in range(30)]
    lines = 0
    for points in divided(Random(1), [lot.points for lot in left]):
        taken = burn(left, points) or []
        left, lines = without(left, taken), lines + len(taken)
    assert len(left) == 0
    assert (lines, LOTS_A_MEMBER) == (LINES_A_MEMBER, 30)


def test_percentiles_are_of_the_nearest_rank() -> None:
    one = Measurement("singles", "", "events", 100, 2.0, [number / 1000 for number in range(1, 101)])
    assert (one.percentile_ms(50), one.percentile_ms(99), one.rate) == (50.0, 99.0, 50.0)


def test_each_target_is_of_something_that_is_measured() -> None:
    made = {*NAMES, *OF_A_CYCLE, "modest"}
    assert {one.name for one in TARGETS} <= made
    assert {one.figure for one in TARGETS} <= set(UNITS)


def test_what_is_asked_for_stands_beside_what_a_run_gave() -> None:
    slow = Measurement("singles", "single earnings", "events", 79, 1.0, [0.030])
    report = {"measurements": [slow.as_json(100.0)]}
    found = [
        (one.target.figure, one.value, one.target.is_reached(one.value)) for one in compared(report["measurements"])
    ]
    assert found == [("ratio", 0.79, False), ("p99_ms", 30.0, True)]
    table = beside_targets(report)
    assert table is not None
    assert table.row_count == 2
    assert beside_targets({"measurements": []}) is None


def test_an_error_and_a_broken_invariant_are_each_named() -> None:
    slow = Measurement("singles", "", "events", 10, 1.0, [0.1], Counter({"status 503: unavailable": 2}))
    report = {"measurements": [slow.as_json(100.0)], "broken_invariants": ["lots: lot of member 1"]}
    assert remarks(report) == [
        "singles: 2 times status 503: unavailable",
        "ledger check: lots: lot of member 1",
    ]
