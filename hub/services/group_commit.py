"""Group commit: small reports that wait at the same time are posted together and commit once.

One thread of the process writes. While it waits for the database the next reports queue up, so groups grow with
the load by themselves, and a report that comes alone is not kept waiting. A group may be of many partners; its events
and lots are locked in the order that a batch has, so groups do not wait for each other in circles.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from queue import Empty
from threading import Thread
from typing import Any, NamedTuple

from hub.core.errors import HubError
from hub.services import earnings
from hub.services.authentication import Caller
from hub.services.context import Hub
from hub.services.earnings import OfPartner, Report
from hub.services.turns import Turns

LOG = logging.getLogger("hansa.group_commit")
MOST_TOGETHER = 64
"""Reports that are posted together at most."""
GATHER_S = 0.003
"""How long more are waited for where the group before was more than one: what a group costs is shared by more then."""

Results = list[dict[str, Any]]


class Waiting(NamedTuple):
    """A report that waits to be posted. Its caller may have been believed under an older configuration."""

    caller: Caller
    sales: Sequence[Mapping[str, Any]]
    ticket: Any
    """Whatever the one who handed it in needs to answer it."""


Deliver = Callable[[list[tuple[Any, Results | None]]], None]
"""Told, on the writing thread, the results of each ticket; None: not posted, to be tried by itself."""


class GroupCommit:
    """The queue and its writing thread."""

    def __init__(self, hub: Hub, deliver: Deliver) -> None:
        self._hub, self._deliver = hub, deliver
        self._queue: Turns[Waiting] = Turns()
        self._is_busy = False
        Thread(target=self._write_for_ever, name="group-commit", daemon=True).start()

    def submit(self, waiting: Waiting) -> None:
        """Hand in a report, which waits for its partner's turn; whoever does bounds how many wait."""
        self._queue.put(waiting.caller.partner.partner_id, waiting)

    def _write_for_ever(self) -> None:
        while True:
            taken = self._take()
            self._deliver(self._post(taken))

    def _take(self) -> list[Waiting]:
        taken = [self._queue.get()]
        if self._is_busy:
            time.sleep(GATHER_S)
        try:
            while len(taken) < MOST_TOGETHER:
                taken.append(self._queue.get_nowait())
        except Empty:
            pass
        self._is_busy = len(taken) > 1
        return taken

    def _post(self, taken: Sequence[Waiting]) -> list[tuple[Any, Results | None]]:
        """Post what was taken; if that fails, each of it is left to be tried by itself, which tells who is at fault."""
        try:
            return self._post_together(taken)
        except HubError as error:
            LOG.warning("a group of %d was not posted: %s", len(taken), error)
        except Exception:
            LOG.exception("a group of %d was not posted", len(taken))
        return [(one.ticket, None) for one in taken]

    def _post_together(self, taken: Sequence[Waiting]) -> list[tuple[Any, Results | None]]:
        with self._hub.database.connect() as connection:
            moment = self._hub.moment(connection)
            current: dict[str, list[Waiting]] = {}
            for one in sorted(taken, key=lambda one: one.caller.partner.partner_id):
                if one.caller.moment.configuration.version == moment.configuration.version:
                    current.setdefault(one.caller.partner.partner_id, []).append(one)
            reports = [
                OfPartner(
                    moment.configuration.partner(partner_id),
                    [Report(one.caller.evidence, one.sales) for one in waiting],
                )
                for partner_id, waiting in current.items()
            ]
            found = earnings.post_for_all(self._hub, connection, moment, reports)
        results: dict[int, Results] = {}
        for waiting, own in zip(current.values(), found, strict=True):
            if own is not None:
                results |= {id(one): result for one, result in zip(waiting, own, strict=True)}
        return [(one.ticket, results.get(id(one))) for one in taken]
