"""What is asked for: the least or the most that a figure of a measurement is to be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple


class Target(NamedTuple):
    """A bound on one figure of one measurement."""

    name: str
    """Of the measurement."""
    figure: str
    """A name of `UNITS`."""
    bound: float
    is_most: bool
    """Whether less is better."""

    def is_reached(self, value: float) -> bool:
        """Tell whether a figure is within the bound."""
        return value <= self.bound if self.is_most else value >= self.bound


class Compared(NamedTuple):
    """A target beside what a run gave."""

    target: Target
    what: str
    value: float


UNITS: Mapping[str, str] = {
    "ratio": "of TPC-B's rate",
    "p50_ms": "ms at the median",
    "p99_ms": "ms in 99 of 100",
    "seconds": "s",
    "hub_process_mib": "MiB",
    "of_peak": "of the peak rate",
    "of_alone": "of its rate alone",
    "of_empty": "of an empty hub's rate",
    "times_postgresql": "times PostgreSQL's GROUP BY",
    "times_duckdb": "times DuckDB's GROUP BY",
}
WORKER_MIB = 200
TARGETS: Sequence[Target] = (
    Target("batches", "ratio", 6.0, False),
    Target("batches", "hub_process_mib", WORKER_MIB, True),
    Target("batches-100", "ratio", 3.0, False),
    Target("singles", "ratio", 0.80, False),
    Target("singles", "p99_ms", 40, True),
    Target("singles", "hub_process_mib", WORKER_MIB, True),
    Target("one-member", "ratio", 0.15, False),
    Target("redemptions", "ratio", 0.30, False),
    Target("redemptions", "p99_ms", 60, True),
    Target("holds", "ratio", 0.15, False),
    Target("balances", "ratio", 0.70, False),
    Target("overload", "of_peak", 0.80, False),
    Target("overload", "hub_process_mib", WORKER_MIB, True),
    Target("modest", "of_alone", 0.80, False),
    Target("start-help", "p50_ms", 200, True),
    Target("start-sdk", "p50_ms", 150, True),
    Target("start-hub", "p50_ms", 2_000, True),
    Target("till", "hub_process_mib", 60, True),
    Target("close", "times_postgresql", 3, True),
    Target("recompute", "times_duckdb", 3, True),
    Target("recompute", "hub_process_mib", 600, True),
    Target("grown", "of_empty", 0.85, False),
    Target("year", "seconds", 90, True),
)


def compared(measured: Sequence[Mapping[str, Any]]) -> Iterator[Compared]:
    """Yield each target whose figure was measured."""
    of_name = {one["name"]: one for one in measured}
    for target in TARGETS:
        one = of_name.get(target.name, {})
        if one.get(target.figure) is not None:
            yield Compared(target, one["what"], one[target.figure])
