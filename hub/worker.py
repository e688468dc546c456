"""The background worker: what becomes due by time alone.

Points are spendable until the end of the day on which they expire, to the instant, whether this runs or not;
what it does is move expired points to breakage.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import date, timedelta
from threading import Event

from hub.services import end_of_day
from hub.services.context import Hub


def run(hub: Hub, interval_s: int | None, say: Callable[[str], None]) -> None:
    """Do what is due, then again every ``interval_s`` seconds until SIGTERM or SIGINT; None: once."""
    stopped = Event()
    if interval_s is not None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
    ended = None
    while True:
        ended = _end_yesterday(hub, ended, say)
        if interval_s is None or stopped.wait(interval_s):
            return


def _end_yesterday(hub: Hub, ended: date | None, say: Callable[[str], None]) -> date:
    """End the day before the business date, unless it is the one that was ``ended`` last; return it."""
    with hub.database.connect() as connection:
        yesterday = hub.moment(connection).day - timedelta(days=1)
    if yesterday != ended:
        expired = end_of_day.run(hub, yesterday)
        say(f"{yesterday} is over: {expired} points that had expired went to breakage")
    return yesterday
