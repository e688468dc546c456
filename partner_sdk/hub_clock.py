"""The hub's clock, as a partner's machine sees it.

Tills have wrong clocks. A request's signature is fresh by the hub's clock, so the difference is learnt from the
hub's own signed refusal, and kept for this client only; the machine's clock is left alone.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any


class HubClock:
    """A clock that runs with the machine's, shifted by what the hub said."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._offset_s = 0.0

    def now(self) -> float:
        """The hub's time in epoch seconds, as far as it is known."""
        return self._clock() + self._offset_s

    def correct(self, server_time: Any) -> bool:
        """Take over the `server_time` of a clock_skew refusal; False when it is not an instant."""
        try:
            told = datetime.fromisoformat(server_time)
        except (TypeError, ValueError):
            return False
        if told.tzinfo is None:
            return False
        self._offset_s = told.timestamp() - self._clock()
        return True
