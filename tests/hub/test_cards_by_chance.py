"""Records of cards drawn at random beside a plain model, and at the same moment from many threads.

The model knows purchases as ranges of minor units that stand, and counts each from its first unit by one function; it
matches refunds by its own reading of the documented order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any

import pytest

from hub.services import business_clock, members, merges, reporting
from hub.services.context import Hub
from tests.support import coalition
from tests.support.cards import Issuer, record
from tests.support.network import broken_rows
from tests.support.services import evidence, partner, redeem
from tests.support.threads import at_once

START = datetime(2017, 1, 1, 12, tzinfo=UTC)
CAP, BONUS_POINTS, BONUS_SPEND = 30_000, 777, 50_000
BONUS: dict[str, Any] = {"name": "welcome", "points": BONUS_POINTS, "spend_minor": BONUS_SPEND, "days": 60}
RULES = (
    {"rule": "category", "points": 1, "per_minor": 70, "other_than": ["4511"]},
    {
        "rule": "category", "points": 3, "per_minor": 90, "categories": ["4511"],
        "cap": {"name": "air", "minor": CAP, "period": "month", "then": 1},
    },
)  # fmt: skip


@pytest.fixture(scope="module")
def hub(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    hub = coalition.build(module_postgres_url, tmp_path_factory.mktemp("data")).hub
    business_clock.move(hub, datetime(2017, 6, 1, tzinfo=UTC))
    yield hub
    assert broken_rows(hub) == []
    hub.database.dispose()


@dataclass
class Purchase:
    """A purchase of the model: ranges of it that stand, as (from, to), the newest last."""

    at: datetime
    merchant: str
    air: bool
    spent: int
    credited: int
    ranges: list[list[int]]
    qualifies: bool

    @property
    def left(self) -> int:
        """What stands of it."""
        return sum(end - start for start, end in self.ranges)

    @property
    def points(self) -> int:
        """What the ranges that stand are worth."""
        return sum(self._up_to(end) - self._up_to(start) for start, end in self.ranges)

    def _up_to(self, minor: int) -> int:
        minor = max(0, minor - self.credited)
        if not self.air:
            return minor // 70
        below = max(0, min(minor, CAP - self.spent))
        return 3 * (below // 90) + (minor - below) // 90

    def take(self, minor: int) -> list[tuple[Purchase, int, int]]:
        """Take minor units from the newest ranges; return what became free."""
        free = []
        for one in reversed(self.ranges):
            part = min(minor, one[1] - one[0])
            if part:
                one[1] -= part
                free.append((self, one[1], one[1] + part))
                minor -= part
        return free


@dataclass
class Model:
    """What an issuer has of one card line."""

    purchases: list[Purchase] = field(default_factory=list)
    credits: dict[str, int] = field(default_factory=dict)
    bonus: bool | None = None
    """None: not given yet; then whether it stands."""

    def buy(self, at: datetime, merchant: str, air: bool, minor: int) -> None:
        month = at.strftime("%Y-%m")
        before = [one.left for one in self.purchases if one.air and one.at.strftime("%Y-%m") == month]
        credited = min(self.credits.get(month, 0), minor)
        self.credits[month] = self.credits.get(month, 0) - credited
        qualifies = at < START + timedelta(days=60)
        self.purchases.append(Purchase(at, merchant, air, sum(before), credited, [[0, minor]], qualifies))
        if qualifies and self.bonus is None and self._spent() >= BONUS_SPEND:
            self.bonus = True

    def _spent(self) -> int:
        return sum(one.left for one in self.purchases if one.qualifies)

    def refund(self, at: datetime, merchant: str, minor: int) -> str:
        there = [one for one in self.purchases if one.at <= at and one.left]
        there.sort(key=lambda one: one.at)
        same = [one for one in there if one.merchant == merchant]
        for by, fits in (
            ("amount", [one for one in same if one.left == minor]),
            ("merchant", [one for one in same if one.left >= minor]),
        ):
            if fits:
                self._take(fits[-1], minor)
                return by
        month = at.strftime("%Y-%m")
        there.reverse()
        for one in sorted(there, key=lambda one: one.at.strftime("%Y-%m") != month):
            part = min(minor, one.left)
            self._take(one, part)
            minor -= part
        self.credits[month] = self.credits.get(month, 0) + minor
        return "period"

    def charge_back(self, purchase: Purchase, minor: int) -> tuple[list[tuple[Purchase, int, int]], bool]:
        stood = self.bonus
        return self._take(purchase, minor), bool(stood and not self.bonus)

    def _take(self, purchase: Purchase, minor: int) -> list[tuple[Purchase, int, int]]:
        free = purchase.take(minor)
        if self.bonus and self._spent() < BONUS_SPEND:
            self.bonus = False
        return free

    def present(self, free: list[tuple[Purchase, int, int]], lost_bonus: bool) -> None:
        for purchase, start, end in free:
            purchase.ranges.append([start, end])
        if lost_bonus and self._spent() >= BONUS_SPEND:
            self.bonus = True

    @property
    def points(self) -> int:
        return sum(one.points for one in self.purchases) + (BONUS_POINTS if self.bonus else 0)


@pytest.mark.parametrize("round_", range(3))
def test_records_drawn_at_random_agree_with_a_plain_model(hub: Hub, seed: int, round_: int, soaking: bool) -> None:
    draw, name = Random(seed + round_), f"{seed}-{round_}"
    bank = Issuer(hub, {"bonuses": [BONUS]}, RULES, merges=True)
    member, token, model, bought = f"card:{name}", f"PAR-{name}", Model(), dict[str, Purchase]()
    link = bank.link(member, token, START - timedelta(hours=12))
    charged, spent = list[tuple[str, int, list[tuple[Purchase, int, int]], bool]](), 0
    sent: list[dict[str, Any]] = []
    for step in range(300 if soaking else 60):
        at = START + timedelta(days=step // 3 if not soaking else step // 15, minutes=step)
        said, minor, merchant = at.isoformat(), draw.randrange(1, 20_000), draw.choice("ab")
        way = draw.random()
        if way < 0.45:
            air = draw.random() < 0.6
            one = record("clearing", token, minor, said, merchant=merchant, category="4511" if air else "5411")
            model.buy(at, merchant, air, minor)
            bought[one["event_id"]] = model.purchases[-1]
        elif way < 0.6:
            one = record("refund", token, minor, said, merchant=draw.choice("abc"))
            by = model.refund(at, one["merchant"], minor)
        elif way < 0.8 and any(purchase.left for purchase in bought.values()):
            event_id = draw.choice([key for key, purchase in bought.items() if purchase.left])
            minor = draw.randrange(1, bought[event_id].left + 1)
            one = record("chargeback", token, minor, said, refers_to=event_id)
            charged.append((one["event_id"], minor, *model.charge_back(bought[event_id], minor)))
        elif way < 0.9 and charged:
            event_id, minor, free, lost = charged.pop(draw.randrange(len(charged)))
            one = record(draw.choice(["chargeback_reversal", "second_presentment"]), token, minor, said)
            one["refers_to"] = event_id
            model.present(free, lost)
        elif way < 0.93:
            token = f"PAR-{name}-{step}"
            link = bank.replace(link, token, at)
            continue
        elif way < 0.95 and step > 20:
            other = f"card:{name}-{step}"
            members.enrol(hub, partner(hub, bank.partner_id), [{"member": other}])
            asked = {"event_id": f"m{step}", "member": member, "into": other, "reason": "one person"}
            merges.merge(hub, reporting.by_partner(partner(hub, bank.partner_id), evidence()), asked)
            member = other
            continue
        elif sent and way < 0.98:
            [again] = bank.report(draw.choice(sent))
            assert again["duplicate"]
            continue
        else:
            some = draw.randrange(1, 100)
            if bank.points(member) >= some and not members.view(hub, member)["debt"]:
                spent += redeem(hub, "fuel", f"r{name}-{step}", member, some)["points"]
            continue
        [result] = bank.report(one)
        assert "error" not in result, (seed, result)
        assert one["kind"] != "refund" or result["matched_by"] == by, seed
        sent.append(one)
        assert bank.points(member) == model.points - spent, (seed, round_, step, one, result)


def test_purchases_at_the_same_moment_share_one_cap_and_one_bonus(hub: Hub) -> None:
    bank = Issuer(hub, {"bonuses": [BONUS | {"spend_minor": 90_000}]}, RULES)
    bank.link("card:race", "PAR-race", START)
    said = START.isoformat()
    batches = [[record("clearing", "PAR-race", 900, said, category="4511") for _ in range(10)] for _ in range(10)]
    results = [one for batch in at_once([partial(bank.report, *batch) for batch in batches]) for one in batch]
    assert sum("bonuses" in one for one in results) == 1
    straddling = 3 * (CAP % 900 // 90) + (900 - CAP % 900) // 90
    assert bank.points("card:race") == 3 * 10 * (CAP // 900) + straddling + 10 * (99 - CAP // 900) + BONUS_POINTS


def test_chargebacks_at_the_same_moment_take_a_purchase_once(hub: Hub) -> None:
    bank = Issuer(hub, {})
    bank.link("card:back", "PAR-back", START)
    said = START.isoformat()
    [bought] = bank.report(record("clearing", "PAR-back", 10_000, said))
    backs = [record("chargeback", "PAR-back", 3_000, said, refers_to=bought["event_id"]) for _ in range(8)]
    results = [one for batch in at_once([partial(bank.report, back) for back in backs]) for one in batch]
    assert sorted(one["status"] for one in results) == ["posted"] * 3 + ["rejected"] * 5
    assert bank.points("card:back") == 10
    taken = next(one["event_id"] for one in results if one["status"] == "posted")
    again = [record("second_presentment", "PAR-back", 3_000, said, refers_to=taken) for _ in range(6)]
    results = [one for batch in at_once([partial(bank.report, one) for one in again]) for one in batch]
    assert sorted(one["points"] for one in results) == [0] * 5 + [30]
    assert bank.points("card:back") == 40
