"""Lives of packs drawn at random, beside a plain model: bought, drawn on, refilled, refunded to, opened, ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from hub.services import business_clock, pack_sales
from hub.services.context import Hub
from tests.support import agreements, coalition
from tests.support.coalition import NOON
from tests.support.network import broken_rows, sale
from tests.support.services import post, refund

_NUMBERS = count(1)
OWED = "SELECT coalesce(sum(points), 0) FROM settlement.obligation WHERE kind = 'issue' AND issuer = :bank"


@dataclass
class Pack:
    """A pack as the model has it."""

    ends_after: int
    bought: int
    paid: int
    left: int
    reserved: int
    refill: tuple[int, int, int]
    """Points, the mark below which it is refilled, and how often."""
    refills: int = 0
    is_closed: bool = False
    paid_back: int = 0

    def fill(self) -> bool:
        points, _, most = self.refill
        if self.is_closed or self.refills >= most:
            return False
        self.refills += 1
        self.left += points
        self.bought += points
        self.paid += points
        return True

    def end(self, *, returns: bool) -> None:
        rest, self.left, self.reserved, self.is_closed = self.left + self.reserved, 0, 0, True
        self.paid_back += round(rest * self.paid / self.bought) if returns else 0


@dataclass
class Model:
    """What should be: packs by name, and of each sale its points, its draws, and what came back."""

    stops: bool
    returns: bool
    day: int = 0
    packs: dict[str, Pack] = field(default_factory=dict)
    sales: dict[str, tuple[int, dict[str, int]]] = field(default_factory=dict)
    back: dict[str, int] = field(default_factory=dict)

    def sell(self, wanted: dict[str, int]) -> set[str]:
        """Sell, and return what is refused."""
        trial = deepcopy(self)
        short = trial.try_selling(wanted)
        if short:
            return short | self.sell({name: points for name, points in wanted.items() if name not in short})
        self.packs, self.sales = trial.packs, trial.sales
        return set()

    def try_selling(self, wanted: dict[str, int]) -> set[str]:
        missing, draws = dict(wanted), {name: dict[str, int]() for name in wanted}
        asked, there = list[Pack](), 0
        for name, pack in sorted(self.packs.items(), key=lambda one: (one[1].ends_after, one[0])):
            if pack.is_closed or pack.ends_after < self.day or sum(missing.values()) == 0:
                continue
            asked.append(pack)
            while pack.left < sum(missing.values()) and pack.fill():
                pass
            there += min(pack.left, sum(missing.values()))
            for sold in missing:
                part = min(missing[sold], pack.left)
                if part:
                    pack.left -= part
                    missing[sold] -= part
                    draws[sold][name] = part
        short = set()
        if self.stops and sum(missing.values()) > 0:
            for sold, points in wanted.items():
                if points > there:
                    short.add(sold)
                else:
                    there -= points
            return short
        for pack in asked:
            if pack.left < pack.refill[1]:
                pack.fill()
        self.sales |= {sold: (points, draws[sold]) for sold, points in wanted.items()}
        return set()

    def refund(self, sold: str, points: int) -> None:
        whole, draws = self.sales[sold]
        start = self.back.get(sold, 0)
        later = whole - sum(draws.values())
        for name, drawn in sorted(draws.items(), reverse=True):
            part = min(max(start + points - later, 0), drawn) - min(max(start - later, 0), drawn)
            self.packs[name].left += part
            if part and self.packs[name].is_closed:
                self.packs[name].end(returns=self.returns)
            later += drawn
        self.back[sold] = start + points

    def issued(self) -> int:
        """The points that are owed for at issue."""
        found = 0
        for sold, (points, draws) in self.sales.items():
            found += max(points - sum(draws.values()) - self.back.get(sold, 0), 0)
        return found


@pytest.fixture(scope="module")
def hub(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    made = coalition.build(module_postgres_url, tmp_path_factory.mktemp("data"))
    yield made.hub
    made.hub.database.dispose()


BUY = st.tuples(
    st.just("buy"), st.integers(20, 120), st.integers(0, 9), st.integers(0, 59),
    st.tuples(st.integers(1, 30), st.integers(0, 40), st.integers(0, 2)),
)  # fmt: skip
SELL = st.tuples(st.just("sell"), st.lists(st.integers(5, 40), min_size=1, max_size=2))
REFUND = st.tuples(st.just("refund"), st.integers(0, 1), st.integers(1, 20))
NAMES = ["buy", "sell", "sell", "sell", "sell", *["refund"] * 6, "open", "next day", "return"]
"""What comes how often: a sale is refunded several times in its life."""
OTHERS = {
    "buy": BUY, "sell": SELL, "refund": REFUND, "open": st.tuples(st.just("open"), st.integers(0, 9)),
    "next day": st.tuples(st.just("next day")), "return": st.tuples(st.just("return"), st.integers(0, 9)),
}  # fmt: skip
CALLS = st.tuples(BUY, st.lists(st.sampled_from(NAMES).flatmap(OTHERS.__getitem__), min_size=8, max_size=20))


class Driver:
    """Does everything to the hub and to the model."""

    def __init__(self, hub: Hub, model: Model) -> None:
        self.hub, self.model, self.bank = hub, model, f"bank{next(_NUMBERS)}"
        with hub.database.connect() as connection:
            self.today = hub.moment(connection).now
        coalition.join(hub, self.bank, points=1, per_minor=1, life_months=600)
        terms = {"when_empty": "stop" if model.stops else "postpaid", "rest": "returns" if model.returns else "expires"}
        agreements.agree(hub, self.bank, agreements.ON_ISSUE | {"packs": terms}, NOON.date())

    def buy(self, points: int, days: int, reserve: int, refill: tuple[int, int, int]) -> None:
        name, reserved = f"{self.bank}-{next(_NUMBERS)}", reserve % points
        offer: dict[str, Any] = {
            "currency": "USD", "points": points, "amount_minor": points, "valid_from": "2017-01-01",
            "valid_until": str(self.today.date() + timedelta(days=days)), "reserve_points": reserved,
        }  # fmt: skip
        if refill[2]:
            offer["refill"] = dict(zip(("points", "below_points", "most"), refill, strict=True))
        sold = pack_sales.sell(self.hub, self.bank, name, offer, "ada")
        pack_sales.approve(self.hub, name, sold["digest"], "ben")
        ends = self.model.day + days
        mark = refill if refill[2] else (0, 0, 0)
        self.model.packs[name] = Pack(ends, points, points, points - reserved, reserved, mark)

    def sell(self, points: list[int]) -> None:
        wanted = {f"{self.bank}-s{next(_NUMBERS)}": one for one in points}
        found = post(self.hub, self.bank, *(sale(name, f"card:{name}", one) for name, one in wanted.items()))
        refused = {one["event_id"] for one in found if one["status"] == "rejected"}
        assert refused == self.model.sell(wanted)

    def refund(self, place: int, points: int) -> None:
        left = {name: whole - self.model.back.get(name, 0) for name, (whole, _) in self.model.sales.items()}
        open_sales = [name for name, rest in left.items() if rest]
        if open_sales:
            sold = open_sales[place % len(open_sales)]
            back = min(points, left[sold])
            assert refund(self.hub, self.bank, f"{self.bank}-f{next(_NUMBERS)}", sold, back)["status"] == "posted"
            self.model.refund(sold, back)

    def open(self, place: int) -> None:
        kept = [name for name, pack in self.model.packs.items() if pack.reserved and not pack.is_closed]
        if kept:
            name = kept[place % len(kept)]
            pack_sales.open_reserve(self.hub, name, "ada")
            self.model.packs[name].left += self.model.packs[name].reserved
            self.model.packs[name].reserved = 0

    def end_early(self, place: int) -> None:
        still = [name for name, pack in self.model.packs.items() if not pack.is_closed]
        if still and self.model.returns:
            name = still[place % len(still)]
            digest = pack_sales.take_back(self.hub, name, "ada")["digest"]
            pack_sales.take_back(self.hub, name, "ben", digest)
            self.model.packs[name].end(returns=True)

    def next_day(self) -> None:
        self.today += timedelta(days=1)
        self.model.day += 1
        business_clock.move(self.hub, self.today)
        pack_sales.close_ended(self.hub)
        for pack in self.model.packs.values():
            if pack.ends_after < self.model.day and not pack.is_closed:
                pack.end(returns=self.model.returns)
            elif not pack.is_closed and pack.left < pack.refill[1]:
                pack.fill()

    def check(self) -> None:
        found = {
            one["pack"]: (one["left_points"], one["reserved_points"], one["paid_minor"], one["state"] == "closed")
            for one in pack_sales.listing(self.hub, self.bank)
        }
        assert found == {
            name: (pack.left, pack.reserved, pack.paid - pack.paid_back, pack.is_closed)
            for name, pack in self.model.packs.items()
        }
        owed = text(
            "SELECT coalesce(sum(points), 0) FROM settlement.obligation WHERE kind = 'issue' AND issuer = :bank"
        )
        with self.hub.database.connect() as connection:
            assert connection.execute(owed, {"bank": self.bank}).scalar_one() == self.model.issued()


@given(st.booleans(), st.booleans(), CALLS)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_life_of_packs_is_that_of_the_model(
    hub: Hub, stops: bool, returns: bool, calls: tuple[Any, list[Any]]
) -> None:
    driver = Driver(hub, Model(stops, returns))
    does: dict[str, Callable[..., None]] = {
        "buy": driver.buy, "sell": driver.sell, "refund": driver.refund, "open": driver.open,
        "next day": driver.next_day, "return": driver.end_early,
    }  # fmt: skip
    first, others = calls
    for name, *arguments in [first, *others]:
        does[name](*arguments)
        driver.check()
    assert broken_rows(hub) == []
