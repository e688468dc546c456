"""What is known about one thing that was measured, whatever it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.bench.usage import MIB, Watch


@dataclass(frozen=True)
class Measurement:
    """So many of a unit in so many seconds, and what that took."""

    name: str
    what: str
    unit: str
    count: int
    seconds: float
    took_s: Sequence[float]
    """How long each request (transaction, close) took."""
    errors: Mapping[str, int] = field(default_factory=dict)
    usage: Watch | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Units a second."""
        return self.count / self.seconds

    def percentile_ms(self, percent: int) -> float | None:
        """The time within which ``percent`` of 100 requests were answered (nearest rank)."""
        ordered = sorted(self.took_s)
        return ordered[-(-percent * len(ordered) // 100) - 1] * 1e3 if ordered else None

    def as_json(self, reference: float | None) -> dict[str, Any]:
        """Return the figures; ``reference`` is the rate that the ratio is to."""
        return {
            "name": self.name,
            "what": self.what,
            "unit": self.unit,
            "count": self.count,
            "seconds": round(self.seconds, 3),
            "rate": round(self.rate, 1),
            "ratio": reference and round(self.rate / reference, 3),
            "p50_ms": _rounded(self.percentile_ms(50)),
            "p99_ms": _rounded(self.percentile_ms(99)),
            "errors": dict(self.errors),
            **self._usage(),
            **self.extra,
        }

    def _usage(self) -> dict[str, float | None]:
        if self.usage is None:
            return {}
        hub, database, units = self.usage.hub, self.usage.database, max(self.count, 1)
        figures = {
            "hub_process_mib": hub.largest_bytes / MIB,
            "database_mib": database.memory_bytes / MIB,
            "hub_cpu_us": hub.cpu_s / units * 1e6,
            "database_cpu_us": database.cpu_s / units * 1e6,
        }
        return {name: round(value, 1) if value else None for name, value in figures.items()}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
