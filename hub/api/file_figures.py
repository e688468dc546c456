"""Figures of bulk files for Prometheus, read from the database when they are asked for: all workers share them."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily

from hub.core.errors import DatabaseUnavailable
from hub.services.context import Hub
from hub.services.files import figures


class _Files:
    """What Prometheus' library asks for the figures."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield how many files are in which state, and what became of records."""
        found = figures.of_all(self._hub)
        states = GaugeMetricFamily("hansa_files", "Bulk files by state", labels=["state"])
        read = GaugeMetricFamily("hansa_file_rows", "Rows read of bulk files, by the file's state", labels=["state"])
        for state in found.states:
            states.add_metric([state.state], state.files)
            read.add_metric([state.state], state.rows)
        outcomes = GaugeMetricFamily("hansa_file_records", "Records of bulk files by outcome", labels=["outcome"])
        for outcome, count in found.outcomes.items():
            outcomes.add_metric([outcome], count)
        yield from (states, read, outcomes)


def exposition(hub: Hub) -> bytes:
    """Return the figures in Prometheus' text format; none while the database is away, which ``/readyz`` tells."""
    registry = CollectorRegistry()
    try:
        registry.register(_Files(hub))
        return generate_latest(registry)
    except DatabaseUnavailable:
        return b""
