"""A queue in which those who wait for different partners are served in turns.

Whoever sends very much waits behind what is his own, and not in front of everybody else.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from queue import Empty
from threading import Condition
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Turns(Generic[Item]):
    """Items by whose they are; each of these has one taken, and then it is the next one's turn.

    Safe to share between threads. Whoever puts bounds how many wait.
    """

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, deque[Item]] = OrderedDict()
        self._changed = Condition()

    def put(self, whose: str, item: Item) -> None:
        """Let an item wait."""
        with self._changed:
            self._waiting.setdefault(whose, deque()).append(item)
            self._changed.notify()

    def get(self) -> Item:
        """Take the item whose turn it is, and wait for one if there is none."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting)
            return self._next()

    def get_nowait(self) -> Item:
        """Take the item whose turn it is.

        Raises:
            Empty: nothing waits.
        """
        with self._changed:
            if not self._waiting:
                raise Empty
            return self._next()

    def _next(self) -> Item:
        whose, items = self._waiting.popitem(last=False)
        item = items.popleft()
        if items:
            self._waiting[whose] = items
        return item
