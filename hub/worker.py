"""The background worker: what becomes due by time alone.

Points are spendable until the end of the day on which they expire, to the instant, whether this runs or not;
what it does is move expired points to breakage.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import timedelta
from threading import Event

from hub.services import end_of_day
from hub.services.context import Hub


def run(hub: Hub, interval_s: int | None, say: Callable[[str], None]) -> None:
    """Do what is due, then again every ``interval_s`` seconds until SIGTERM or SIGINT; None: once."""
    stopped = Event()
    if interval_s is not None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
    while True:
        _expire_days_over(hub, say)
        if interval_s is None or stopped.wait(interval_s):
            return


def _expire_days_over(hub: Hub, say: Callable[[str], None]) -> None:
    with hub.database.connect() as connection:
        yesterday = hub.moment(connection).day - timedelta(days=1)
    expired = end_of_day.run(hub, yesterday)
    if expired:
        say(f"{expired} points that expired by {yesterday} went to breakage")
