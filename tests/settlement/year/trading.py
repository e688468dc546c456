"""A day of trade, drawn at random and asked of the hub and of the model alike: both must answer the same."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from random import Random
from typing import Any

from hub.core.errors import Refused
from hub.services import earnings, reviews
from hub.services.context import Hub
from partner_sdk.wire.schemas import EarningsRequest, validate
from tests.settlement.year.founding import MAKER
from tests.settlement.year.ledger_model import LedgerModel
from tests.settlement.year.plan import FIRST_DAY, Plan
from tests.settlement.year.settlement_model import SettlementModel
from tests.support.services import evidence, partner, post, redeem, report_refund, reverse


class Trading:
    """What tills report; ids count upwards."""

    def __init__(self, hub: Hub, plan: Plan, ledger: LedgerModel, settlement: SettlementModel) -> None:
        self.hub, self.plan, self.ledger, self.settlement = hub, plan, ledger, settlement
        self.draw = Random(f"trade {plan.seed}")
        self.frozen: set[str] = set()
        self._accepting = [one for one in plan.names if one != plan.failing]
        self.disputed: list[str] = []
        """Events of which a line was disputed, which are taken back more often than others."""
        self.seen: defaultdict[str, int] = defaultdict(int)
        """How often each kind of thing happened."""
        self._numbers = count(1)

    def happen(self, day: date) -> None:
        """Sales by batches, redemptions, and what takes either back."""
        self._sales(day)
        for _ in range(self.plan.size.redemptions):
            self._redemption(day)
        for _ in range(1 + self.plan.size.redemptions // 6):
            self._refund(day)
            self._reversal(day)
        self._late(day)

    def _sales(self, day: date) -> None:
        batches: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        names = self.draw.sample(self.plan.names, min(len(self.plan.names), 1 + self.plan.size.sales // 3))
        for place in range(self.plan.size.sales):
            name = self.draw.choice(names) if place or not self.frozen else self.plan.failing
            batches[name].append(self._sale(name, day))
        for name, sales in batches.items():
            answers = post(self.hub, name, *sales)
            self._compare_sales(name, sales, answers, day)

    def _sale(self, name: str, sold_on: date) -> dict[str, Any]:
        minor = self.draw.choice((self.draw.randint(1, 900), self.draw.randint(500, 20_000)))
        return {
            "event_id": self._id("s"),
            "member": f"card:{self.draw.randrange(self.plan.size.members)}",
            "occurred_at": datetime.combine(sold_on, time(5), UTC).strftime("%FT%TZ"),
            "amount": {"minor": minor, "currency": self.ledger.business(name).currency},
        }

    def _compare_sales(self, name: str, sales: list[dict[str, Any]], answers: list[dict[str, Any]], day: date) -> None:
        """All of a batch is posted or, where its issuer may not owe so much or is leaving, nothing."""
        lines = [
            line for one in sales for line in self.ledger.sale_lines(name, one["event_id"], one["amount"]["minor"], day)
        ]
        due = "issuing_frozen" if name in self.frozen else ""
        if not due and not self.settlement.allows(lines, day):
            due = "credit_limit_reached"
        assert {one.get("error", {}).get("code", "") for one in answers} == {due}, (name, answers)
        self.seen[due or "sale"] += len(sales)
        if due:
            return
        self.settlement.count(lines)
        for one, answer in zip(sales, answers, strict=True):
            minor = one["amount"]["minor"]
            self.ledger.earn(name, one["event_id"], one["member"], minor, day, day)
            assert answer["points"] == sum(points for _, points in self.ledger.business(name).points(minor))

    def _redemption(self, day: date) -> None:
        name, member = self.draw.choice(self._accepting), f"card:{self.draw.randrange(self.plan.size.members)}"
        balance = self.ledger.balance(member)
        if not balance:
            return
        points = self.draw.randint(1, max(1, balance // 2)) if self.draw.random() < 0.95 else balance + 1
        event, lots = self._id("r"), self.ledger.burnt(member, points)
        lines = self.ledger.redemption_lines(name, event, lots, day) if lots else []
        due = "posted" if lots else "insufficient_points"
        if lots and not self.settlement.allows(lines, day):
            due = "credit_limit_reached"
        assert self._asked(name, event, member, points) == due, (name, event, member, points)
        self.seen[due] += 1
        if due == "posted":
            self.settlement.count(lines)
            self.ledger.redeem(name, event, member, lots, day)

    def _asked(self, name: str, event: str, member: str, points: int) -> str:
        try:
            return str(redeem(self.hub, name, event, member, points)["status"])
        except Refused as refusal:
            return refusal.code

    def _refund(self, day: date) -> None:
        sold = self.draw.choice(list(self.ledger.sales))
        one, left = self.ledger.sales[sold], self.ledger.left_to_refund(sold)
        minor = left if self.draw.random() < 0.5 else self.draw.randint(0, left)
        if not minor or not self.ledger.is_there(sold, minor, day):
            return
        event, before = self._id("f"), len(self.ledger.lines)
        asked: dict[str, Any] = {
            "event_id": event,
            "refunds": sold,
            "occurred_at": datetime.combine(day, time(5), UTC).isoformat(),
        }
        asked |= {"amount": {"minor": minor, "currency": self.ledger.business(one.partner).currency}}
        answer = report_refund(self.hub, partner(self.hub, one.partner), asked)
        assert answer["status"] == "posted", answer
        assert answer["taken"] == self.ledger.refund(sold, event, minor, day), (answer, one)
        self.settlement.count(self.ledger.lines[before:])
        self.seen["refund"] += 1

    def _reversal(self, day: date) -> None:
        if not self.ledger.redemptions:
            return
        disputed = [one for one in self.disputed if one in self.ledger.redemptions]
        name = self.draw.choice(disputed if disputed and self.draw.random() < 0.3 else list(self.ledger.redemptions))
        left = self.ledger.left_to_reverse(name)
        if not left:
            return
        points, event, before = self.draw.randint(1, left), self._id("v"), len(self.ledger.lines)
        reporter = self.ledger.redemptions[name].partner
        assert reverse(self.hub, reporter, name, points=points, reversal_id=event)["points"] == points
        self.ledger.reverse(name, event, points, day)
        self.settlement.count(self.ledger.lines[before:])
        self.seen["reversal"] += 1

    def _late(self, day: date) -> None:
        """A till was offline for longer than its contract allows; the operator lets it count, or not."""
        businesses = self.plan.businesses.values()
        name = self.draw.choice([one.name for one in businesses if one.late_days and one.name not in self.frozen])
        sold_on = day - timedelta(days=self.draw.randint(7, 20))
        if sold_on < FIRST_DAY:
            return
        sale = self._sale(name, sold_on)
        [answer] = self._sent(name, sale)
        assert answer["status"] == "quarantined", answer
        decide = self.draw.choice((reviews.release, reviews.reject))
        done = decide(self.hub, f"{name}/{sale['event_id']}", MAKER, "the till was in the workshop")
        self.seen["late"] += 1
        if decide is reviews.reject:
            return
        lines = self.ledger.sale_lines(name, sale["event_id"], sale["amount"]["minor"], day)
        refused = not self.settlement.allows(lines, day)
        assert (done["result"]["status"] == "rejected") is refused, done
        if not refused:
            self.settlement.count(lines)
            self.ledger.earn(name, sale["event_id"], sale["member"], sale["amount"]["minor"], sold_on, day)

    def _sent(self, name: str, sale: dict[str, Any]) -> list[dict[str, Any]]:
        """Report a sale with its request as evidence, from which it is posted once it is released."""
        body = {"earnings": [sale]}
        kept = evidence()._replace(sealed_body=self.hub.keyring.seal(json.dumps(body).encode()))
        loaded = validate(EarningsRequest, body)["earnings"]
        return earnings.post(self.hub, partner(self.hub, name), kept, loaded)

    def _id(self, prefix: str) -> str:
        return f"{prefix}{next(self._numbers)}"
