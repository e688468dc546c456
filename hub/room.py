"""How much a worker process takes on at once: requests, those of one partner, and the bytes of their bodies."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Thread
from typing import Generic, TypeVar

from hub.core.errors import Refused
from hub.services.turns import Turns

QUEUED_A_THREAD = 32
"""Requests of one partner that may wait for each thread before others of it are refused with ``unavailable``."""
PARTNERS_AT_ONCE = 2
"""How many partners find so much room at the same time."""
MOST_BYTES = 64 * 2**20
"""What the bodies of all these requests may come to."""
Result = TypeVar("Result")


class Room:
    """Counts what is at work and what waits for it. Used on one event loop only."""

    def __init__(self, threads: int) -> None:
        self._most_of_one = threads * (1 + QUEUED_A_THREAD)
        self._most, self._count, self._bytes = PARTNERS_AT_ONCE * self._most_of_one, 0, 0
        self._of: Counter[str] = Counter()

    def check(self, whose: str, size: int) -> None:
        """See whether there is room for one more request.

        Raises:
            Refused: ``unavailable``.
        """
        is_full = self._count >= self._most or self._bytes + size > MOST_BYTES
        if is_full or self._of[whose] >= self._most_of_one:
            raise Refused("unavailable", "The hub is busy; try again later.")

    @contextmanager
    def taken(self, whose: str, size: int) -> Iterator[None]:
        """Take the room of a request for the length of a block."""
        self._count, self._bytes = self._count + 1, self._bytes + size
        self._of[whose] += 1
        try:
            yield
        finally:
            self._count, self._bytes = self._count - 1, self._bytes - size
            self._of[whose] -= 1
            if not self._of[whose]:
                del self._of[whose]


class FairPool(Generic[Result]):
    """Threads that work for partners in turns."""

    def __init__(self, threads: int, name: str) -> None:
        self._turns: Turns[tuple[Future[Result], Callable[[], Result]]] = Turns()
        for number in range(threads):
            Thread(target=self._work, name=f"{name}_{number}", daemon=True).start()

    async def run(self, whose: str, work: Callable[[], Result]) -> Result:
        """Let a thread do some work and return what it returns."""
        future: Future[Result] = Future()
        self._turns.put(whose, (future, work))
        return await asyncio.wrap_future(future)

    def _work(self) -> None:
        while True:
            future, work = self._turns.get()
            if future.set_running_or_notify_cancel():
                _do(future, work)


def _do(future: Future[Result], work: Callable[[], Result]) -> None:
    try:
        result = work()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)
