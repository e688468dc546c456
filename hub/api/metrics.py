"""Figures for Prometheus: requests by route and status, and how long they took.

With several workers each process writes to files in one folder (``PROMETHEUS_MULTIPROC_DIR``, set by
``hansa serve``), and whichever worker is asked sums them up.
"""

from __future__ import annotations

import time

from flask import Response, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.values import ValueClass

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class Metrics:
    """The figures of one application."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "hansa_requests_total", "Requests answered", ["route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "hansa_request_seconds",
            "Time to answer a request",
            ["route"],
            registry=self._registry,
            buckets=BUCKETS_S,
        )

        self._figures: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        """What is counted for each route and status, both of which there are few of."""

    def started(self) -> None:
        """Note when a request began."""
        g.started = time.perf_counter()

    def finished(self, answer: Response) -> Response:
        """Count an answered request under its route, never under its path, which a stranger chooses."""
        self.count(request.endpoint or "unknown", answer.status_code, time.perf_counter() - g.started)
        return answer

    def count(self, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        found = self._figures.get((route, status))
        if found is None:
            found = self._requests.labels(route, str(status)), self._seconds.labels(route)
            self._figures[route, status] = found
        answered, took = found
        answered.inc()
        took.observe(seconds)

    def exposition(self) -> bytes:
        """Return the figures of all workers in Prometheus' text format."""
        if ValueClass.__name__ != "MutexValue":
            registry = CollectorRegistry()
            MultiProcessCollector(registry)
            return generate_latest(registry)
        return generate_latest(self._registry)
