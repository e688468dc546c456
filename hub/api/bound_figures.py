"""The hub's bounds for Prometheus, so that what comes near one can be seen beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily


class _Bounds:
    """What Prometheus' library asks for the figures."""

    def __init__(self, bounds: Mapping[str, float]) -> None:
        self._bounds = bounds

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield all of them."""
        family = GaugeMetricFamily("hansa_bound", "What bounds the hub, by name", labels=["bound"])
        for name, value in self._bounds.items():
            family.add_metric([name], value)
        yield family


def exposition(bounds: Mapping[str, float]) -> bytes:
    """Return them in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Bounds(bounds))
    return generate_latest(registry)
