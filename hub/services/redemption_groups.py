"""Redemptions and holds that wait at the same time: locked in order, decided one after another, committed once.

Who is unknown is refused as he would be alone, and so is who has too few points, which is recorded with the rest. What
does not go straight through is left to `hub.services.redemptions.redeem`, alone: who owes points, pools, ids that were
used before, a price that is missing, points whose issuer has come to the end of its credit line, and who spends for the
second time while some of its points have expired.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from itertools import chain
from typing import Any

from hub.core.content import content_digest
from hub.core.errors import Refused
from hub.core.ledger import Event, Evidence, Posting, Transfer
from hub.services import accounts, members, redemptions, reimbursement, spending
from hub.services.accounts import Standing
from hub.services.context import Hub, Moment
from hub.services.redemptions import Wish
from hub.services.reimbursement import OverLimit
from hub.store import holds, posting
from hub.store.database import Connection
from hub.store.holds import NewHold
from settlement.intake import Obligation
from settlement.limits import Promised

TRIES = 3
"""How often a group is tried, each time without those that stood in the way of all; then each of it is done alone."""

Answer = dict[str, Any] | Refused
Key = tuple[str, str]
"""A redemption: its partner and its id."""


class _Apart(Exception):
    """Some have to be done alone, so nothing was done."""

    def __init__(self, keys: frozenset[Key]) -> None:
        super().__init__(f"{len(keys)} have to be done alone")
        self.keys = keys


def redeem_together(hub: Hub, connection: Connection, moment: Moment, wishes: Sequence[Wish]) -> list[Answer | None]:
    """Do what partners wish, in order, in one transaction; return each answer, None for what is to be done alone."""
    found = members.resolve(hub, connection, list({one.asked["member"] for one in wishes}), None, moment.now)
    places: dict[Key, int] = {}
    answers: list[Answer | None] = [None] * len(wishes)
    for place, one in enumerate(wishes):
        if one.asked["member"] not in found:
            answers[place] = members.unknown()
        elif not one.asked.get("pool"):
            places.setdefault((one.partner.partner_id, one.asked["redemption_id"]), place)
    wished = {key: (wishes[place], found[wishes[place].asked["member"]]) for key, place in places.items()}
    for key, answer in _redeem(hub, connection, moment, wished).items():
        answers[places[key]] = answer
    return answers


def _redeem(
    hub: Hub, connection: Connection, moment: Moment, wished: Mapping[Key, tuple[Wish, int]]
) -> dict[Key, Answer | None]:
    """Do all that need not be done alone; none where a key was revoked meanwhile, since each alone tells whose."""
    for _ in range(TRIES):
        if not wished:
            break
        try:
            done = hub.database.transact_on(connection, partial(_inside, moment, list(wished.values())))
        except _Apart as apart:
            # After an outage many tills ask again, and an issuer's credit may be used up for days: others go on.
            wished = {key: one for key, one in wished.items() if key not in apart.keys}
        except Refused:
            break
        else:
            return dict(zip(wished, done, strict=True))
    return {}


def _inside(moment: Moment, wishes: Sequence[tuple[Wish, int]], connection: Connection) -> list[Answer | None]:
    return _Group(connection, moment).redeem(wishes)


class _Group:
    """Wishes in one transaction, under the locks of all their members."""

    def __init__(self, connection: Connection, moment: Moment) -> None:
        self._connection, self._moment = connection, moment
        self._postings: dict[str, tuple[list[Event], list[Transfer], list[Evidence]]] = {}
        self._holds: list[NewHold] = []
        self._promised: list[Promised] = []
        self._owed: list[Obligation] = []

    def redeem(self, wishes: Sequence[tuple[Wish, int]]) -> list[Answer | None]:
        """Decide in order, write all, and return the answers.

        Raises:
            Refused: ``key_revoked``.
            _Apart: ids that were used before, and issuers that may owe no more.
        """
        standings = accounts.lock(self._connection, self._moment, [member_id for _, member_id in wishes])
        answers = [self._decide(wish, member_id, standings[member_id]) for wish, member_id in wishes]
        if self._postings:
            self._write()
        return answers

    def _decide(self, wish: Wish, member_id: int, standing: Standing) -> Answer | None:
        moment, (partner, evidence, asked) = self._moment, wish
        price = partner.prices.on(moment.day)
        if price is None or standing.debts or standing.is_outdated():
            return None
        purse = spending.own(standing)
        taken = purse.take(partner.partner_id, asked["points"], moment.scheme.burn_order)
        content = content_digest("redemption", asked)
        event = redemptions.event_of(moment, wish, content, price, member_id, purse, taken)
        events, transfers, evidences = self._postings.setdefault(partner.partner_id, ([], [], []))
        events.append(event)
        evidences.append(evidence)
        if taken is None:
            return redemptions.declined(event.event_id)
        standing.spend(lot for _, lot in taken)
        parts = redemptions.priced(taken, price)
        if "hold" in asked:
            until = moment.now + timedelta(seconds=asked["hold"])
            self._holds.append(NewHold(partner.partner_id, event.event_id, taken, until))
            if moment.configuration.credit_lines:
                self._promised.append(redemptions.promised(moment, partner, event, price, taken, until))
            return redemptions.held_answer(event.event_id, price.currency, parts, until)
        transfers += redemptions.transfers_of(partner, event.event_id, taken)
        reporter, lines = partner.partner_id, redemptions.burnt(taken)
        self._owed += reimbursement.obligations(moment, reporter, event, reporter, price, lines)
        return redemptions.answer(event.event_id, price.currency, parts)

    def _write(self) -> None:
        moment = self._moment
        entries = [
            Posting(partner_id, moment.now, moment.day, *rows) for partner_id, rows in sorted(self._postings.items())
        ]
        fresh = posting.post_together(self._connection, entries)
        used = frozenset(
            (entry.partner_id, event.event_id)
            for new, entry in zip(fresh, entries, strict=True)
            for event in entry.events
            if event.event_id not in new
        )
        if used:
            raise _Apart(used)
        if self._holds:
            holds.add_all(self._connection, self._holds)
        try:
            reimbursement.reserve(self._connection, moment, self._promised)
            reimbursement.record(self._connection, moment, self._owed, authorise=True)
        except OverLimit as over:
            promised = chain.from_iterable(one.lines for one in self._promised)
            raise _Apart(over.raised_by([*self._owed, *promised])) from over
