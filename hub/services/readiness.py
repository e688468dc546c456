"""Whether this process can reach its database, known without asking for it."""

from __future__ import annotations

import time
from math import inf

from hub.core.errors import DatabaseUnavailable

FRESH_S = 5.0
"""A look at the database is good for so long; looks are a second apart."""


class Readiness:
    """What the last look at the database found."""

    def __init__(self) -> None:
        self._seen_at = -inf

    def seen(self) -> None:
        """Note that the database has answered."""
        self._seen_at = time.monotonic()

    def lost(self) -> None:
        """Note that it has not."""
        self._seen_at = -inf

    def check(self) -> None:
        """See whether it has answered of late.

        Raises:
            DatabaseUnavailable: it has not, or hangs.
        """
        if time.monotonic() - self._seen_at > FRESH_S:
            raise DatabaseUnavailable("the database has not answered of late")
