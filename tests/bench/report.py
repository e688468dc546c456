"""The figures as a table for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.targets import UNITS, compared

SHARES: Mapping[str, str] = {
    "of_peak": "of the peak rate was useful while five times as much was asked for",
    "recovered_of_peak": "of the peak rate right after that",
    "of_alone": "of what a modest partner gets alone, beside a greedy one",
}
COLUMNS = (
    "rate",
    "ratio",
    "p50_ms",
    "p99_ms",
    "hub_process_mib",
    "database_mib",
    "hub_cpu_us",
    "database_cpu_us",
)
HEADINGS = (
    "",
    "a second",
    "ratio",
    "p50 ms",
    "p99 ms",
    "hub MiB",
    "database MiB",
    "hub us",
    "database us",
    "errors",
)
WIDTH = 170
NOTE = (
    "Ratio: to the transactions a second of TPC-B in the same run. Hub MiB: the largest worker, or the process that"
    " closes, or the till's.\nDatabase MiB: all processes, shared memory once. us: processor microseconds an event."
)


def table(report: Mapping[str, Any]) -> Table:
    """Return the measurements of a report, one a row."""
    drawn = Table(title="Hansa benchmark", caption=NOTE, caption_justify="left")
    for place, heading in enumerate(HEADINGS):
        drawn.add_column(heading, justify="right" if place else "left", no_wrap=not place)
    for one in report["measurements"]:
        errors = sum(one["errors"].values())
        drawn.add_row(one["what"], *(_figure(name, one.get(name)) for name in COLUMNS), f"{errors:,}" if errors else "")
    return drawn


def beside_targets(report: Mapping[str, Any]) -> Table | None:
    """Return what is asked for beside what the run gave, or None if nothing of that was measured."""
    drawn = Table(title="What is asked for, and what this run gave")
    for place, heading in enumerate(("", "at least", "at most", "this run", "")):
        drawn.add_column(heading, justify="right" if 0 < place < 4 else "left")
    for target, what, value in compared(report["measurements"]):
        bounds = ("", f"{target.bound:,g}") if target.is_most else (f"{target.bound:,g}", "")
        reached = "" if target.is_reached(value) else "short"
        drawn.add_row(
            f"{what}: {UNITS[target.figure]}", *bounds, f"{value:,.3g}" if value < 100 else f"{value:,.0f}", reached
        )
    return drawn if drawn.row_count else None


def beside_group_by(report: Mapping[str, Any]) -> Table | None:
    """Return what a cycle takes beside a bare GROUP BY of its lines, or None if no cycle was measured."""
    drawn = Table(title="Beside a bare GROUP BY of the same rows, in how many times its time")
    for place, heading in enumerate(("", "seconds", "times PostgreSQL's", "times DuckDB's")):
        drawn.add_column(heading, justify="right" if place else "left")
    for one in report["measurements"]:
        if "times_duckdb" in one:
            figures = (one["seconds"], one["times_postgresql"], one["times_duckdb"])
            drawn.add_row(one["what"], *(f"{figure:,.1f}" for figure in figures))
    return drawn if drawn.row_count else None


def show(console: Console, report: Mapping[str, Any]) -> None:
    """Print machine, table, and whatever went wrong."""
    for name, value in report["machine"].items():
        console.print(f"{name:20} {value}", highlight=False)
    for one in filter(None, (table(report), beside_group_by(report), beside_targets(report))):
        console.print(one)
    for line in remarks(report):
        console.print(line, highlight=False)


def remarks(report: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each share of a rate, each kind of error and each broken invariant."""
    measured: Sequence[Mapping[str, Any]] = report["measurements"]
    shares = [
        f"{one['name']}: {one[name]:.0%} {words}; {one['asked']:,} asked for, {one['shed']:,} told to come back later"
        for one in measured
        for name, words in SHARES.items()
        if name in one
    ]
    errors = [f"{one['name']}: {count:,} times {why}" for one in measured for why, count in one["errors"].items()]
    return shares + errors + [f"ledger check: {row}" for row in report["broken_invariants"]]


def failed(report: Mapping[str, Any]) -> bool:
    """Tell whether a request or an invariant failed; a target depends on the machine and fails nothing."""
    return bool(report["broken_invariants"]) or any(one["errors"] for one in report["measurements"])


def _figure(name: str, value: float | None) -> str:
    if value is None:
        return ""
    if name == "ratio":
        return f"{value:.2f}"
    if name.endswith("_ms") and value < 1:
        return f"{value:.3f}"
    return f"{value:,.0f}" if value >= 100 or name.endswith("mib") else f"{value:,.1f}"
