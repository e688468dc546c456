"""Rate limits without a clock or a database: how many requests a second, and what each process draws of that.

All processes of a hub share one allowance for each address, partner or member that is limited. Asking the shared
storage for every request would cost more than most requests do, so a process draws a portion of the allowance
and counts that down by itself.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from hub.core.errors import Refused

PORTIONS_A_SECOND = 20
"""A process that is busy asks the shared storage about so often for one allowance."""
WINDOW_S = 1


class Limit(NamedTuple):
    """So many requests a second, and as many at once."""

    name: str
    """What is limited: ``address``, ``partner`` or ``member``."""
    a_second: int
    on_credit: bool = False
    """Whether a process lets a first portion through before it asks: who comes once then costs no statement."""

    @property
    def portion(self) -> int:
        """The requests that a process draws at a time."""
        return max(1, self.a_second // PORTIONS_A_SECOND)


class Standing(NamedTuple):
    """Where somebody stands after a request: what is left, as far as this process knows, and how long to wait."""

    limit: Limit
    left: int
    wait_s: float = 0

    @property
    def whole_wait_s(self) -> int:
        """The wait in whole seconds, at least one, as ``Retry-After`` has it."""
        return max(1, math.ceil(self.wait_s))


class RateLimited(Refused):
    """``rate_limited``; ``standing`` tells which limit it was, and when there is room again."""

    def __init__(self, standing: Standing) -> None:
        name, a_second = standing.limit.name, standing.limit.a_second
        super().__init__(
            "rate_limited", f"More than {a_second} requests a second of one {name}; try again later.", limit=name
        )
        self.standing = standing


class Share:
    """What one process has drawn of one allowance and not used yet."""

    __slots__ = ("_again_at", "_left", "_shared", "_used_at")

    def __init__(self) -> None:
        self._left, self._shared, self._again_at, self._used_at = 0, 0, -math.inf, -math.inf

    def take(self, limit: Limit, now: float) -> Standing | None:
        """Count one request; None: nothing is left, and it is time to draw.

        Raises:
            RateLimited: nothing is left, and it is too early to draw again.
        """
        if limit.on_credit and now - self._used_at >= WINDOW_S:
            # Unused for as long as it takes to fill up the allowance anew.
            self._left, self._shared = limit.portion, limit.a_second - limit.portion
        if self._left >= 1:
            self._left, self._used_at = self._left - 1, now
            return Standing(limit, min(limit.a_second, self._left + self._shared))
        if now < self._again_at:
            raise RateLimited(Standing(limit, 0, self._again_at - now))
        return None

    def has_to_draw(self, now: float) -> bool:
        """Tell whether nothing is left and it is time to draw."""
        return self._left < 1 and now >= self._again_at

    def add(self, limit: Limit, granted: int, left: float, now: float) -> None:
        """Take over what was drawn, and what is left for all processes after that."""
        self._left, self._shared, self._used_at = self._left + granted, int(left), now
        # A busy process asks for whole portions; otherwise it would ask for each request, just when there are most.
        missing = max(0.0, limit.portion - left)
        self._again_at = now if granted == limit.portion else now + missing / limit.a_second
