"""The sealer: a thread that keeps the log up with what is posted, and gives way to posting.

It looks twice a second, and rests fourteen times as long as it worked. So it takes a fifteenth of one processor at
most: some 6,000 events a second. What is posted faster is sealed later.
"""

from __future__ import annotations

import logging
import time
from threading import Event, Thread

from hub.core.errors import DatabaseUnavailable
from hub.services import sealing
from hub.services.context import Hub

LOG = logging.getLogger("hansa.sealer")
INTERVAL_S = 0.5
REST = 14
AFTER_FAILURE_S = 10.0


def start(hub: Hub, stopped: Event) -> Thread:
    """Seal in a thread of its own until stopped."""
    thread = Thread(target=_run, args=(hub, stopped), name="sealer", daemon=True)
    thread.start()
    return thread


def _run(hub: Hub, stopped: Event) -> None:
    pause_s = INTERVAL_S
    while not stopped.wait(pause_s):
        began = time.monotonic()
        failed = not _seal(hub)
        pause_s = max(AFTER_FAILURE_S if failed else INTERVAL_S, REST * (time.monotonic() - began))


def _seal(hub: Hub) -> bool:
    """Seal what is due; a failure is logged and does not end the thread."""
    try:
        if sealing.is_due(hub):
            sealing.seal_unless_others_do(hub)
    except DatabaseUnavailable as error:
        LOG.warning("sealing waits: %s", error)
    except Exception:
        LOG.exception("sealing failed; is the log as it was left? 'hansa log verify' tells")
        return False
    return True
