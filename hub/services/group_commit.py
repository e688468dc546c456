"""Group commit: small reports that wait at the same time are posted together and commit once.

One thread of the process writes. While it waits for the database the next reports queue up, so groups grow with
the load by themselves, and a report that comes alone is not kept waiting. A group never spans two partners,
since lots of different issuers are different rows and the order of locks stays that of a batch.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, NamedTuple

from hub.core.errors import HubError
from hub.services import earnings
from hub.services.authentication import Caller
from hub.services.context import Hub

LOG = logging.getLogger("hansa.group_commit")
MOST_TOGETHER = 64
"""Reports that are posted together at most."""

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
        self._queue: SimpleQueue[Waiting] = SimpleQueue()
        Thread(target=self._write_for_ever, name="group-commit", daemon=True).start()

    def submit(self, waiting: Waiting) -> None:
        """Hand in a report; whoever does bounds how many wait."""
        self._queue.put(waiting)

    def _write_for_ever(self) -> None:
        while True:
            taken = self._take()
            self._deliver([answer for group in _by_partner(taken) for answer in self._post(group)])

    def _take(self) -> list[Waiting]:
        taken = [self._queue.get()]
        try:
            while len(taken) < MOST_TOGETHER:
                taken.append(self._queue.get_nowait())
        except Empty:
            return taken
        return taken

    def _post(self, group: Sequence[Waiting]) -> list[tuple[Any, Results | None]]:
        """Post a group; if that fails, each of it is left to be tried by itself, which tells who is at fault."""
        try:
            results: Sequence[Results | None] = self._post_together(group)
        except HubError as error:
            LOG.warning("a group of %d was not posted: %s", len(group), error)
            results = [None] * len(group)
        except Exception:
            LOG.exception("a group of %d was not posted", len(group))
            results = [None] * len(group)
        return [(one.ticket, result) for one, result in zip(group, results, strict=True)]

    def _post_together(self, group: Sequence[Waiting]) -> Sequence[Results | None]:
        with self._hub.database.connect() as connection:
            moment = self._hub.moment(connection)
            if any(one.caller.moment.configuration.version != moment.configuration.version for one in group):
                return [None] * len(group)
            partner = moment.configuration.partner(group[0].caller.partner.partner_id)
            reports = [earnings.Report(one.caller.evidence, one.sales) for one in group]
            return earnings.post_together(self._hub, connection, moment, partner, reports)


def _by_partner(taken: Sequence[Waiting]) -> list[list[Waiting]]:
    groups: dict[str, list[Waiting]] = {}
    for one in taken:
        groups.setdefault(one.caller.partner.partner_id, []).append(one)
    return list(groups.values())
