"""How long to wait after a failure: longer each time, at random, and never shorter than the hub asked for."""

from collections.abc import Callable

from partner_sdk.errors import HansaError, Refused
from partner_sdk.outbox.leasing import MAX_PAUSE_S

FIRST_PAUSE_S = 0.5
MAX_ASKED_S = 3600


def longest_pause_s(failures: int) -> float:
    """The most to wait after so many failures in a row."""
    return min(FIRST_PAUSE_S * 2.0 ** min(failures, 30), MAX_PAUSE_S)


class Backoff:
    """Counts failures in a row. With full jitter, many tills that lost one hub do not come back all at once."""

    def __init__(self, jitter: Callable[[float], float]) -> None:
        self._jitter = jitter
        self._failures = 0

    def next_s(self) -> float:
        """Seconds to wait after one more failure."""
        pause_s = self._jitter(longest_pause_s(self._failures))
        self._failures += 1
        return pause_s

    def reset(self) -> None:
        """Begin again with short waits."""
        self._failures = 0


def asked_s(failure: HansaError) -> int:
    """Seconds that the hub asked to wait (Retry-After); it is not signed, so it is not followed for ever."""
    asked = failure.retry_after_s if isinstance(failure, Refused) else None
    return min(asked or 0, MAX_ASKED_S)
