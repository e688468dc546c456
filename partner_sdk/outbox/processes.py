"""What all outboxes of a process have to do when it forks and when it ends.

A fork copies only the thread that forks: locks that others held would stay locked in the child for ever, and the
connection to the file must not be used there. So a fork waits for the transaction under way, closes the file and
lets both sides open it anew. At the end of the process the thread is asked to stop; what waits then is in the file.
"""

import atexit
import os
import threading
from collections.abc import Callable
from typing import Protocol


class Forkable(Protocol):
    """What an outbox does around a fork, and at the end."""

    def before_fork(self) -> None:
        """Come to rest."""

    def after_fork_in_parent(self) -> None:
        """Go on."""

    def after_fork_in_child(self) -> None:
        """Begin anew."""

    def at_exit(self) -> None:
        """Stop soon."""


class _Watched:
    """The outboxes of this process until they are closed; the hooks are in place from the first one on."""

    def __init__(self) -> None:
        self._open: set[Forkable] = set()
        self._forking: list[Forkable] = []
        self._hooked = False
        self._lock = threading.Lock()

    def add(self, one: Forkable) -> None:
        with self._lock:
            self._open.add(one)
            if not self._hooked:
                self._hook()
                self._hooked = True

    def discard(self, one: Forkable) -> None:
        with self._lock:
            self._open.discard(one)

    def _hook(self) -> None:
        atexit.register(lambda: self._each(list(self._open), lambda one: one.at_exit()))
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._before_fork,
                after_in_parent=self._after_fork_in_parent,
                after_in_child=self._after_fork_in_child,
            )

    def _before_fork(self) -> None:
        self._lock.acquire()
        self._forking = list(self._open)
        self._each(self._forking, lambda one: one.before_fork())

    def _after_fork_in_parent(self) -> None:
        self._each(self._forking, lambda one: one.after_fork_in_parent())
        self._lock.release()

    def _after_fork_in_child(self) -> None:
        self._lock = threading.Lock()
        self._each(self._forking, lambda one: one.after_fork_in_child())

    @staticmethod
    def _each(outboxes: list[Forkable], act: Callable[[Forkable], None]) -> None:
        for one in outboxes:
            act(one)


_WATCHED = _Watched()


def watch(one: Forkable) -> None:
    """Care for an outbox until it is closed."""
    _WATCHED.add(one)


def forget(one: Forkable) -> None:
    """Care no longer."""
    _WATCHED.discard(one)
