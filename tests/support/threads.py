"""Many callers at once, all off the same mark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

Result = TypeVar("Result")


def at_once(calls: Sequence[Callable[[], Result]]) -> list[Result]:
    """Run every call in a thread of its own, all started together; return their results in order."""
    mark = Barrier(len(calls))

    def run(call: Callable[[], Result]) -> Result:
        mark.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))
