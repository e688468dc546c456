"""Figures of packs for Prometheus, read from the database when they are asked for: all workers share them."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily

from hub.core.errors import DatabaseUnavailable
from hub.services import pack_sales
from hub.services.context import Hub

FIGURES = {
    "left_points": "Points of a pack that are left to be given out",
    "drawn_points": "Points of a pack that were given out",
}


class _Packs:
    """What Prometheus' library asks for the figures."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield each figure of each open pack."""
        found = pack_sales.open_packs(self._hub)
        for name, words in FIGURES.items():
            family = GaugeMetricFamily(f"hansa_pack_{name}", words, labels=["partner", "pack"])
            for one in found:
                family.add_metric([one["partner"], one["pack"]], one[name])
            yield family


def exposition(hub: Hub) -> bytes:
    """Return the figures in Prometheus' text format; none while the database is away, which ``/readyz`` tells."""
    registry = CollectorRegistry()
    try:
        registry.register(_Packs(hub))
        return generate_latest(registry)
    except DatabaseUnavailable:
        return b""
