"""The background worker: what becomes due by time alone.

Points are spendable until the end of the day on which they expire, to the instant, whether this runs or not;
what it does is move expired points to breakage. It also delivers webhooks, posts bulk files, and each day it brings the
credit lines to the contracts in force and says which are used up.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable
from datetime import date, timedelta
from threading import Event

from hub import file_worker
from hub.core.errors import DatabaseUnavailable
from hub.messenger import Carriers, deliver_all
from hub.services import disputes, end_of_day, exposure, pack_sales, rate_limits, retro_claims, suspects, webhooks
from hub.services.context import Hub
from hub.services.files import work
from hub.start import settle_in

LOG = logging.getLogger("hansa.worker")


def run(hub: Hub, interval_s: int | None, say: Callable[[str], None]) -> None:
    """Do what is due, then again every ``interval_s`` seconds until SIGTERM or SIGINT; None: once."""
    if interval_s is None:
        _daily(hub, None, say)
        file_worker.work_off(hub)
        deliver_all(hub)
        return
    settle_in()
    stopped = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    carriers = Carriers(hub, say)
    file_worker.start(hub, stopped)
    ended = None
    while not stopped.is_set():
        try:
            ended = _daily(hub, ended, say)
        except DatabaseUnavailable as error:
            say(f"the day's work waits: {error}")
        except Exception:
            LOG.exception("the day's work was not done; it is tried again")
        stopped.wait(interval_s)
    carriers.stop()


def _daily(hub: Hub, ended: date | None, say: Callable[[str], None]) -> date:
    """Do what a day's end, or a key's, makes due; return the day that was ended last."""
    webhooks.announce_retiring_keys(hub)
    webhooks.forget_delivered(hub)
    rate_limits.forget(hub)
    work.forget_left_lying(hub)
    suspects.quarantine_all(hub)
    disputes.end_stages(hub)
    retro_claims.end_stages(hub)
    for pack in pack_sales.close_ended(hub):
        say(f"pack {pack['pack']} of {pack['partner']} is over: {pack['drawn_points']} points of it were given out")
    return _end_yesterday(hub, ended, say)


def _end_yesterday(hub: Hub, ended: date | None, say: Callable[[str], None]) -> date:
    """End the day before the business date, unless it is the one that was ``ended`` last; return it."""
    with hub.database.connect() as connection:
        yesterday = hub.moment(connection).day - timedelta(days=1)
    if yesterday != ended:
        expired = end_of_day.run(hub, yesterday)
        say(f"{yesterday} is over: {expired} points that had expired went to breakage")
        for line in exposure.renew(hub):
            if line["state"] != "open":
                say(f"{line['partner']} owes {line['exposure_minor']} {line['currency']}: its line is {line['state']}")
    return yesterday
