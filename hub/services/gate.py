"""A gate that bounds how many requests of each partner are at work on an event loop."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict, deque


class Gate:
    """Lets in so many of each partner at a time, the others of it in order. Used on one event loop only."""

    def __init__(self, most_of_one: int) -> None:
        self._most_of_one = most_of_one
        self._inside: Counter[str] = Counter()
        self._waiting: defaultdict[str, deque[asyncio.Future[None]]] = defaultdict(deque)

    async def enter(self, whose: str) -> None:
        """Come in, at once or when another one of the partner's leaves; whoever has come in has to `leave`."""
        if self._inside[whose] < self._most_of_one:
            self._inside[whose] += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting[whose].append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self.leave(whose)
            raise

    def leave(self, whose: str) -> None:
        """Go, and let the partner's next one in that still waits."""
        waiting = self._waiting.get(whose)
        while waiting:
            turn = waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._waiting.pop(whose, None)
        self._inside[whose] -= 1
        if not self._inside[whose]:
            del self._inside[whose]
