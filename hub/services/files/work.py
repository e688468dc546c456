"""The work that files make: looked through, posted, taken back, those of one partner in the order of their opening.

Any number of processes may do it at once: each looks through a file alone, and shares the chunks that are to be posted.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from hub.core.errors import DatabaseUnavailable
from hub.core.files.faults import TRUNCATED, FileFault
from hub.services.context import Hub
from hub.services.files import validating
from hub.services.files.posting import post_all
from hub.services.files.reversing import reverse_all
from hub.services.files.validating import look_through
from hub.store import files
from hub.store.files import File

LOG = logging.getLogger("hansa.files")
DAYS_TO_COME = 30


def is_due(hub: Hub) -> bool:
    """Tell whether a file waits for work."""
    with hub.database.connect() as connection:
        return bool(files.at_work(connection, files.RECEIVED, files.POSTING, files.REVERSING))


def work(hub: Hub) -> bool:
    """Do what there is to do on each file that is next; False when nothing was done.

    A failure on one file is logged and does not keep the others from their turn.
    """
    with hub.database.connect() as connection:
        due = files.at_work(connection, files.RECEIVED, files.POSTING, files.REVERSING)
    done = [_done(hub, file) for file in due]
    return any(done)


def forget_left_lying(hub: Hub) -> None:
    """Refuse files that did not come whole in `DAYS_TO_COME`, and erase what has come of them."""
    with hub.database.connect() as connection:
        left = files.left_lying(connection, hub.moment(connection).now - timedelta(days=DAYS_TO_COME))
    for file in left:
        validating.refuse(hub, file, FileFault(TRUNCATED, f"it did not come whole in {DAYS_TO_COME} days"))


def _done(hub: Hub, file: File) -> bool:
    try:
        if file.state == files.RECEIVED:
            return look_through(hub, file)
        return bool(post_all(hub, file) if file.state == files.POSTING else reverse_all(hub, file))
    except DatabaseUnavailable:
        raise
    except Exception:
        LOG.exception("the file %s was not worked on; it is tried again", file.name)
        return False
