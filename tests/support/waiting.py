"""Waiting for what comes about by itself, and not for ever."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 60.0
LOOK_S = 0.05


def wait_until(holds: Callable[[], bool], otherwise: str) -> None:
    """Wait until something holds; fail with what it means that it does not."""
    until = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < until, otherwise
        time.sleep(LOOK_S)
