"""The thread that works on bulk files, in `hansa serve` and in `hansa worker`; both may, and several of each.

It looks often, since a look costs one small query, and a partner waits for the answers to its file.
"""

from __future__ import annotations

import logging
from threading import Event, Thread

from hub.core.errors import DatabaseUnavailable
from hub.services.context import Hub
from hub.services.files import work

LOG = logging.getLogger("hansa.files")
INTERVAL_S = 0.25
AFTER_FAILURE_S = 5.0


def start(hub: Hub, stopped: Event) -> Thread:
    """Work in a thread of its own until stopped."""
    thread = Thread(target=_run, args=(hub, stopped), name="files", daemon=True)
    thread.start()
    return thread


def work_off(hub: Hub) -> None:
    """Work until nothing is left to do."""
    while work.work(hub):
        pass


def _run(hub: Hub, stopped: Event) -> None:
    pause_s = 0.0
    while not stopped.wait(pause_s):
        try:
            pause_s = 0.0 if work.work(hub) else INTERVAL_S
        except DatabaseUnavailable as error:
            LOG.warning("files wait: %s", error)
            pause_s = AFTER_FAILURE_S
        except Exception:
            LOG.exception("files were not looked for; it is tried again")
            pause_s = AFTER_FAILURE_S
