"""The figures as a table for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

FLOORS: Mapping[str, float] = {"batches": 2.5, "singles": 0.25}
"""The least ratio to TPC-B that is asked for."""
SHARES: Mapping[str, str] = {
    "of_peak": "of the peak rate was useful while five times as much was asked for",
    "recovered_of_peak": "of the peak rate right after that",
    "of_alone": "of what a modest partner gets alone, beside a greedy one",
}
COLUMNS = (
    "rate",
    "ratio",
    "floor",
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
    "floor",
    "p50 ms",
    "p99 ms",
    "hub MiB",
    "database MiB",
    "hub us",
    "database us",
    "errors",
)
WIDTH = 140
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
    for one in filter(None, (table(report), beside_group_by(report))):
        console.print(one)
    for line in remarks(report):
        console.print(line, highlight=False)


def remarks(report: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each floor missed, each kind of error and each broken invariant."""
    measured: Sequence[Mapping[str, Any]] = report["measurements"]
    missed = [
        f"{one['name']}: the ratio {one['ratio']} is below the floor of {one['floor']}"
        for one in measured
        if one["floor"] and one["ratio"] is not None and one["ratio"] < one["floor"]
    ]
    shares = [
        f"{one['name']}: {one[name]:.0%} {words}; {one['asked']:,} asked for, {one['shed']:,} told to come back later"
        for one in measured
        for name, words in SHARES.items()
        if name in one
    ]
    errors = [f"{one['name']}: {count:,} times {why}" for one in measured for why, count in one["errors"].items()]
    return missed + shares + errors + [f"ledger check: {row}" for row in report["broken_invariants"]]


def failed(report: Mapping[str, Any]) -> bool:
    """Tell whether a request or an invariant failed; a floor depends on the machine and fails nothing."""
    return bool(report["broken_invariants"]) or any(one["errors"] for one in report["measurements"])


def _figure(name: str, value: float | None) -> str:
    if value is None:
        return ""
    if name in {"ratio", "floor"}:
        return f"{value:.2f}"
    if name.endswith("_ms") and value < 1:
        return f"{value:.3f}"
    return f"{value:,.0f}" if value >= 100 or name.endswith("mib") else f"{value:,.1f}"
