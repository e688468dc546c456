"""Rate limits by address, partner and member, counted together by all processes of a hub.

What is counted is never written down by its name: allowances are keyed by an HMAC of it, since addresses and
members' identifiers are personal.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import NamedTuple

from hub.core.errors import DatabaseUnavailable
from hub.core.rate_limits import Limit, Share
from hub.core.rate_limits import RateLimited as RateLimited
from hub.core.rate_limits import Standing as Standing
from hub.services.context import Hub, Partner
from hub.store import allowances
from hub.store.allowances import Drawn

LOG = logging.getLogger("hansa.rate_limits")
MOST_SHARES = 20_000
"""Addresses, partners and members that one process keeps in mind; who was seen longest ago is forgotten."""


class Limits(NamedTuple):
    """The limits of a hub."""

    address: Limit
    partner: Limit
    member: Limit

    @classmethod
    def of(cls, address: int, partner: int, member: int) -> Limits:
        """Return limits of so many requests a second."""
        return cls(Limit("address", address, True), Limit("partner", partner), Limit("member", member, True))

    def of_partner(self, partner: Partner) -> Limit:
        """The partner's own limit, or the usual one."""
        if partner.requests_a_second is None:
            return self.partner
        return Limit("partner", partner.requests_a_second)


class RateLimits:
    """Counts requests. Safe to share between threads."""

    def __init__(self, hub: Hub, limits: Limits, clock: Callable[[], float]) -> None:
        self._hub, self.limits, self._clock = hub, limits, clock
        self._shares: OrderedDict[tuple[str, str], tuple[Share, Lock]] = OrderedDict()
        self._lock = Lock()
        # One thread is enough for portions, and leaves the connections of the pool to those who need more of them.
        self._drawing = ThreadPoolExecutor(1, thread_name_prefix="hansa-limits")

    def take(self, limit: Limit, whom: str) -> Standing:
        """Count one request, and draw on the shared allowance if need be.

        Raises:
            RateLimited: there is no room.
        """
        while (standing := self.take_now(limit, whom)) is None:
            self._draw(limit, whom)
        return standing

    def take_now(self, limit: Limit, whom: str) -> Standing | None:
        """Like `take`, but never wait: None means that `take` would ask the database.

        Raises:
            RateLimited: there is no room.
        """
        with self._lock:
            return self._share(limit, whom)[0].take(limit, self._clock())

    async def wait(self, limit: Limit, whom: str) -> Standing:
        """Like `take`, on an event loop; only who has to draw leaves it, once for many requests.

        Raises:
            RateLimited: there is no room.
        """
        standing = self.take_now(limit, whom)
        if standing is not None:
            return standing
        return await asyncio.get_running_loop().run_in_executor(self._drawing, self.take, limit, whom)

    def _share(self, limit: Limit, whom: str) -> tuple[Share, Lock]:
        key = (limit.name, whom)
        found = self._shares.get(key)
        if found is None:
            found = self._shares[key] = (Share(), Lock())
            if len(self._shares) > MOST_SHARES:
                self._shares.popitem(last=False)
        else:
            self._shares.move_to_end(key)
        return found

    def _draw(self, limit: Limit, whom: str) -> None:
        with self._lock:
            share, drawing = self._share(limit, whom)
        with drawing:
            # Those who waited for another's draw find what that brought.
            if not share.has_to_draw(self._clock()):
                return
            drawn = self._drawn(limit, whom)
            with self._lock:
                share.add(limit, drawn.granted, drawn.left, self._clock())

    def _drawn(self, limit: Limit, whom: str) -> Drawn:
        allowance = hmac.digest(self._hub.keyring.blind, f"limit {limit.name}\n{whom}".encode(), "sha256")[:16]
        try:
            with self._hub.database.connect() as connection:
                return allowances.draw(connection, allowance, limit.a_second, limit.portion)
        except DatabaseUnavailable as error:
            # Whoever needs the database is told that it is away; who does not is let through.
            LOG.warning("nothing is limited while the database is away: %s", error)
            return Drawn(limit.portion, 0)


def forget(hub: Hub) -> int:
    """Delete the allowances that nobody has drawn on lately."""
    with hub.database.connect() as connection:
        return allowances.forget(connection)
