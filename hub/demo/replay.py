"""Replaying the days: each partner's tills talk to the hub through the SDK, over HTTP; the bank sends files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, time

from hub.core.errors import LedgerBroken
from hub.core.expiry import is_month_end
from hub.demo.card_files import CardFiles
from hub.demo.coalition import CURRENCY
from hub.demo.purchases import CARD_ISSUER, Day, Earning, Redemption
from hub.services import business_clock, end_of_day
from hub.services.context import Hub
from partner_sdk import Client, Enrolment, InsufficientPoints, Money
from partner_sdk import Earning as Report
from partner_sdk import Redemption as Answer

END_OF_DAY = time(23, 59, 59, tzinfo=UTC)
TILLS = 16
"""How many of all partners' talk to the hub at a time."""


@dataclass
class Totals:
    """What the partners were answered, added up."""

    earnings: int = 0
    earned: Counter[str] = field(default_factory=Counter)
    """Points by partner."""
    accepted: int = 0
    declined: int = 0
    redeemed_points: int = 0
    redeemed_minor: int = 0
    expired_points: int = 0


class Replay:
    """The tills of all partners, and the operator who moves the sandbox's clock from day to day."""

    def __init__(self, hub: Hub, clients: Mapping[str, Client]) -> None:
        self._hub, self._clients = hub, clients
        self._files = CardFiles(hub, clients[CARD_ISSUER])
        self._pool = ThreadPoolExecutor(TILLS, thread_name_prefix="till")
        self.totals = Totals()

    def enrol(self, enroller: str, households: Sequence[int]) -> None:
        """Enrol every household as a member, before the first day."""
        results = self._clients[enroller].enrol(Enrolment(_member(one)) for one in households)
        _insist(all(one.status == "enrolled" for one in results), "a member was not enrolled")

    def run(self, day: Day) -> None:
        """Replay one business day: each household's redemptions in order, then all earnings, then the end of the day.

        Tills serve several households at a time, as they do in life. What one redeems changes nothing of another's, so
        it comes to the same as one after another.
        """
        business_clock.move(self._hub, datetime.combine(day.date, END_OF_DAY))
        of_households: dict[int, list[Redemption]] = {}
        for redemption in day.redemptions:
            of_households.setdefault(redemption.household_id, []).append(redemption)
        for answers in self._pool.map(self._redeem, of_households.values()):
            for answer in answers:
                self._count(answer)
        if cards := day.earnings.get(CARD_ISSUER):
            # Before the batches, behind which its few small requests would wait; and not before the redemptions, since
            # the hub posts a file as soon as it is there.
            self._files.send(cards)
        for points in self._pool.map(self._earn, day.earnings, day.earnings.values()):
            self.totals.earned.update(points)
        self.totals.earnings += sum(map(len, day.earnings.values()))
        if is_month_end(day.date):
            self.totals.expired_points += end_of_day.run(self._hub, day.date)

    def close(self) -> None:
        """End the tills' threads and connections."""
        self._pool.shutdown()
        for client in self._clients.values():
            client.close()

    def _redeem(self, wishes: Sequence[Redemption]) -> list[Answer | None]:
        """Redeem one after another; return the answers, None where it was declined."""
        answers: list[Answer | None] = []
        for wish in wishes:
            till, redemption_id = self._clients[wish.partner], f"{wish.basket_id}-{wish.partner}-r"
            try:
                answers.append(till.redeem(redemption_id, _member(wish.household_id), wish.points))
            except InsufficientPoints:
                answers.append(None)
        return answers

    def _count(self, answer: Answer | None) -> None:
        if answer is None:
            self.totals.declined += 1
            return
        self.totals.accepted += 1
        self.totals.redeemed_points += answer.points
        self.totals.redeemed_minor += answer.value.minor

    def _earn(self, partner: str, sales: Sequence[Earning]) -> Counter[str]:
        if partner == CARD_ISSUER:
            return Counter({partner: self._files.post(sales)})
        results = self._clients[partner].earn(_report(sale) for sale in sales)
        refused = [one for one in results if one.status != "posted" or one.duplicate]
        _insist(not refused, f"{partner}: not posted as new: {refused[:1]}")
        return Counter({partner: sum(one.points for one in results)})


def _member(household_id: int) -> str:
    return f"card:{household_id}"


def _report(sale: Earning) -> Report:
    return Report(
        event_id=f"{sale.basket_id}-{sale.partner}",
        member=_member(sale.household_id),
        occurred_at=sale.at,
        amount=Money(sale.amount_minor, CURRENCY),
        store=str(sale.store_id),
    )


def _insist(holds: bool, otherwise: str) -> None:
    if not holds:
        raise LedgerBroken(otherwise)
