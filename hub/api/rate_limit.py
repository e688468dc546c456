"""A token bucket a partner: so many requests a second from one partner to one worker, and as many at once."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from hub.core.errors import Refused


class RateLimit:
    """Counts requests by partner; there is one bucket for each registered partner, so memory is bounded."""

    def __init__(self, a_second: int, clock: Callable[[], float]) -> None:
        self._rate, self._clock = a_second, clock
        self._buckets: dict[str, tuple[float, float]] = {}
        self._lock = Lock()

    def take(self, partner_id: str) -> None:
        """Count one request.

        Raises:
            Refused: ``rate_limited``, when the bucket is empty.
        """
        now = self._clock()
        with self._lock:
            tokens, at = self._buckets.get(partner_id, (float(self._rate), now))
            tokens = min(self._rate, tokens + (now - at) * self._rate)
            self._buckets[partner_id] = (max(tokens - 1, 0) if tokens >= 1 else tokens, now)
        if tokens < 1:
            raise Refused("rate_limited", f"More than {self._rate} requests a second; try again later.")
