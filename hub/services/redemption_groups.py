"""Redemptions and holds that wait at the same time: locked in order, decided one after another, committed once.

What does not go straight through is left to `hub.services.redemptions.redeem`, alone: who has too few points or owes
some, pools, ids that were used before, a price that is missing, a credit line that is reached.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hub.core.content import content_digest
from hub.core.errors import Refused
from hub.core.ledger import Event, Evidence, Posting, Transfer
from hub.services import accounts, members, redemptions, reimbursement, spending
from hub.services.accounts import Standing
from hub.services.context import Hub, Moment
from hub.services.redemptions import Wish
from hub.store import holds, posting
from hub.store.database import Connection
from hub.store.holds import NewHold
from settlement.intake import Obligation

Answer = dict[str, Any]


class _Used(Exception):
    """An id was used before."""


def redeem_together(hub: Hub, connection: Connection, moment: Moment, wishes: Sequence[Wish]) -> list[Answer | None]:
    """Do what partners wish, in order, in one transaction; return each answer, None for what is to be done alone."""
    found = members.resolve(hub, connection, list({one.asked["member"] for one in wishes}), None, moment.now)
    plain = {
        (one.partner.partner_id, one.asked["redemption_id"]): place
        for place, one in reversed(list(enumerate(wishes)))
        if one.asked["member"] in found and not one.asked.get("pool")
    }
    if moment.configuration.credit_lines:
        plain = {key: place for key, place in plain.items() if "hold" not in wishes[place].asked}
    places = sorted(plain.values())
    answers: list[Answer | None] = [None] * len(wishes)
    if not places:
        return answers
    try:
        done = hub.database.transact_on(
            connection,
            lambda transaction: _Group(transaction, moment).redeem(
                [(wishes[place], found[wishes[place].asked["member"]]) for place in places]
            ),
        )
    except (Refused, _Used):
        return answers
    for place, one in zip(places, done, strict=True):
        answers[place] = one
    return answers


class _Group:
    """Wishes in one transaction, under the locks of all their members."""

    def __init__(self, connection: Connection, moment: Moment) -> None:
        self._connection, self._moment = connection, moment
        self._postings: dict[str, tuple[list[Event], list[Transfer], list[Evidence]]] = {}
        self._holds: list[NewHold] = []
        self._owed: list[Obligation] = []

    def redeem(self, wishes: Sequence[tuple[Wish, int]]) -> list[Answer | None]:
        """Decide in order, write all, and return the answers.

        Raises:
            Refused: ``credit_limit_reached``, ``key_revoked``.
            _Used: one of the ids was used before.
        """
        standings = accounts.lock(self._connection, self._moment, [member_id for _, member_id in wishes])
        answers = [self._decide(wish, member_id, standings[member_id]) for wish, member_id in wishes]
        if self._postings:
            self._write()
        return answers

    def _decide(self, wish: Wish, member_id: int, standing: Standing) -> Answer | None:
        moment, (partner, evidence, asked) = self._moment, wish
        price = partner.prices.on(moment.day)
        if price is None or standing.debts:
            return None
        taken = spending.own(standing).take(partner.partner_id, asked["points"], moment.scheme.burn_order)
        if taken is None:
            return None
        standing.spend(lot for _, lot in taken)
        content = content_digest("redemption", asked)
        event = redemptions.event_of(moment, asked, content, price, member_id, standing.member_id, taken, evidence)
        events, transfers, evidences = self._postings.setdefault(partner.partner_id, ([], [], []))
        events.append(event)
        evidences.append(evidence)
        parts = redemptions.priced(taken, price)
        if "hold" in asked:
            until = moment.now + timedelta(seconds=asked["hold"])
            self._holds.append(NewHold(partner.partner_id, event.event_id, taken, until))
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
        if any(len(new) < len(entry.events) for new, entry in zip(fresh, entries, strict=True)):
            raise _Used
        if self._holds:
            holds.add_all(self._connection, self._holds)
        reimbursement.record(self._connection, moment, self._owed, authorise=True)
