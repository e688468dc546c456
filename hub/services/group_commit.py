"""Group commit: small requests that wait at the same time are posted together and commit once.

Balances that wait at the same time are read together too. One thread of the process does each kind. While it waits for
the database the next requests queue up, so groups grow with the load by themselves, and a request that comes alone is
not kept waiting. A group may be of many partners; its members, events and lots are locked in the order that a batch
has, so groups do not wait for each other in circles.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from queue import Empty
from threading import Thread
from typing import Any, NamedTuple

from hub.core.errors import HubError, Refused
from hub.services import earnings, members
from hub.services.authentication import Caller
from hub.services.capture_groups import capture_together
from hub.services.context import Hub, Moment
from hub.services.earnings import OfPartner, Report
from hub.services.redemption_groups import redeem_together
from hub.services.redemptions import Wish
from hub.services.turns import Turns
from hub.store.database import Connection

LOG = logging.getLogger("hansa.group_commit")
MOST_TOGETHER = 64
"""Requests that are posted together at most."""
GATHER_S = 0.010
"""How long more are waited for, at most and half as long as the group before took, where that was more than one.

What a group costs is shared by more then.
"""

Answer = dict[str, Any] | Refused
"""What answers a request: a document, or why it was refused where that was decided with the group."""


class Waiting(NamedTuple):
    """A request that waits to be posted. Its caller may have been believed under an older configuration."""

    caller: Caller
    asked: Mapping[str, Any]
    """Its body as its schema loaded it, and what varies in its path."""
    ticket: Any
    """Whatever the one who handed it in needs to answer it."""


Deliver = Callable[[list[tuple[Any, Answer | None]]], None]
"""Told, on the writing thread, the answer of each ticket; None: not posted, to be tried by itself."""
Post = Callable[[Hub, Connection, Moment, Sequence[Waiting]], Sequence[Answer | None]]
"""Posts a group whose callers are believed at a moment; None for what is to be tried by itself."""


def report(hub: Hub, connection: Connection, moment: Moment, group: Sequence[Waiting]) -> Sequence[Answer | None]:
    """Post reports of sales."""
    of_partners: dict[str, list[int]] = {}
    for place, one in sorted(enumerate(group), key=lambda placed: placed[1].caller.partner.partner_id):
        of_partners.setdefault(one.caller.partner.partner_id, []).append(place)
    reports = [
        OfPartner(
            moment.configuration.partner(partner_id),
            [Report(group[place].caller.evidence, group[place].asked["earnings"]) for place in places],
        )
        for partner_id, places in of_partners.items()
    ]
    answers: list[Answer | None] = [None] * len(group)
    found = earnings.post_for_all(hub, connection, moment, reports)
    for places, results in zip(of_partners.values(), found, strict=True):
        for place, own in zip(places, results or [], strict=results is not None):
            answers[place] = {"results": own}
    return answers


def redeem(hub: Hub, connection: Connection, moment: Moment, group: Sequence[Waiting]) -> Sequence[Answer | None]:
    """Post redemptions and holds."""
    return redeem_together(hub, connection, moment, _wishes(moment, group))


def capture(hub: Hub, connection: Connection, moment: Moment, group: Sequence[Waiting]) -> Sequence[Answer | None]:
    """Capture holds."""
    return capture_together(hub, connection, moment, _wishes(moment, group))


def look(hub: Hub, connection: Connection, moment: Moment, group: Sequence[Waiting]) -> Sequence[Answer | None]:
    """Look at members' balances; nothing is written."""
    asked = [(one.asked["member"], one.caller.partner) for one in group]
    return members.views(hub, connection, moment, asked)


def _wishes(moment: Moment, group: Sequence[Waiting]) -> list[Wish]:
    of_now = moment.configuration.partner
    return [Wish(of_now(one.caller.partner.partner_id), one.caller.evidence, one.asked) for one in group]


class GroupCommit:
    """The queue of one kind of request and its writing thread."""

    def __init__(self, hub: Hub, post: Post, deliver: Deliver) -> None:
        self._hub, self._post, self._deliver = hub, post, deliver
        self._queue: Turns[Waiting] = Turns()
        self._gather_s = 0.0
        Thread(target=self._write_for_ever, name="group-commit", daemon=True).start()

    def submit(self, waiting: Waiting) -> None:
        """Hand in a request, which waits for its partner's turn; whoever does bounds how many wait."""
        self._queue.put(waiting.caller.partner.partner_id, waiting)

    def _write_for_ever(self) -> None:
        while True:
            taken = self._take()
            began = time.perf_counter()
            self._deliver(self._posted(taken))
            took_s = time.perf_counter() - began
            self._gather_s = min(GATHER_S, took_s / 2) if len(taken) > 1 else 0.0

    def _take(self) -> list[Waiting]:
        taken = [self._queue.get()]
        time.sleep(self._gather_s)
        try:
            while len(taken) < MOST_TOGETHER:
                taken.append(self._queue.get_nowait())
        except Empty:
            pass
        return taken

    def _posted(self, taken: Sequence[Waiting]) -> list[tuple[Any, Answer | None]]:
        """Post what was taken; if that fails, each of it is left to be tried by itself, which tells who is at fault."""
        try:
            return self._post_together(taken)
        except HubError as error:
            LOG.warning("a group of %d was not posted: %s", len(taken), error)
        except Exception:
            LOG.exception("a group of %d was not posted", len(taken))
        return [(one.ticket, None) for one in taken]

    def _post_together(self, taken: Sequence[Waiting]) -> list[tuple[Any, Answer | None]]:
        with self._hub.database.connect() as connection:
            moment = self._hub.moment(connection)
            version = moment.configuration.version
            group = [one for one in taken if one.caller.moment.configuration.version == version]
            answers = iter(self._post(self._hub, connection, moment, group) if group else ())
            return [
                (one.ticket, next(answers) if one.caller.moment.configuration.version == version else None)
                for one in taken
            ]
