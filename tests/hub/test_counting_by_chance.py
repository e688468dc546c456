"""Caps beside a plain model: purchases, late ones, retries, refunds and batches in any order, and many at once.

The model is what a reader of the rate would do by hand: a number for each year of each member, and for each sale what
the number was. The hub's points and the ledger's own check must agree with it, whatever came when.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from functools import partial
from itertools import count
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from hub.services import business_clock, ledger_check, partners
from hub.services.context import Hub
from hub.store.checks_of_counters import CHECKS_OF_COUNTERS
from tests.support import coalition
from tests.support.coalition import NOON
from tests.support.network import broken_rows, sale
from tests.support.services import partner, post, refund, report_refund
from tests.support.threads import at_once

AIRLINE = "4511"
CAP_MINOR = 10_000
RATE = [
    {"rule": "category", "points": 1, "per_minor": 70, "other_than": [AIRLINE]},
    {
        "rule": "category", "points": 3, "per_minor": 70, "categories": [AIRLINE],
        "cap": {"name": "airline", "minor": CAP_MINOR, "period": "year", "then": 1},
    },
    {
        "rule": "category", "points": 2, "per_minor": 1_000, "categories": [AIRLINE],
        "rounding": {"name": "total", "period": "month"},
    },
]  # fmt: skip
NUMBERS = count(1)
JANUARY, LATE = "2017-01-05T10:00:00Z", "2016-12-05T10:00:00Z"


@pytest.fixture(scope="module")
def hub(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub with a bank whose rate counts."""
    made = coalition.build(module_postgres_url, tmp_path_factory.mktemp("data")).hub
    partners.add(made, "bank", "Bank", date(2016, 1, 1), 24, True, {"refunds": "debt"})
    partners.set_rate(made, "bank", "earning", date(2016, 1, 1), "USD", RATE)
    for day in (date(2016, 1, 1), date(2017, 1, 9)):
        terms = {"into": "USD", "numerator": 1_017, "denominator": 1_000}
        partners.set_rate(made, "bank", "currency", day, "EUR", terms)
    business_clock.move(made, NOON.replace(day=20))
    yield made
    made.database.dispose()


def abroad(event_id: str, member: str, minor: int, at: str) -> dict[str, Any]:
    """A sale of an airline in euro."""
    return sale(event_id, member, occurred_at=at, category=AIRLINE, amount={"minor": minor, "currency": "EUR"})


def converted(minor: int) -> int:
    """What euro are in the rate's currency, half a minor unit to the even one."""
    return round(Fraction(minor * 1_017, 1_000))


class Bought(NamedTuple):
    """A sale of the model, and what was counted before it."""

    event_id: str
    airline: bool
    at: str
    minor: int
    before: int
    in_euro: bool

    def counts(self, minor: int) -> int:
        """What so much of it counts."""
        return (converted(minor) if self.in_euro else minor) if self.airline else 0

    def points(self, minor: int) -> int:
        """What so much of it gives."""
        if not self.airline:
            return minor // 70
        minor = self.counts(minor)
        low = max(0, min(minor, CAP_MINOR - self.before))
        whole = 2 * ((self.before + minor) // 1_000) - 2 * (self.before // 1_000)
        return 3 * (low // 70) + (minor - low) // 70 + whole


class Model:
    """One member's purchases by hand. Both periods of the two days are as long apart, so one number counts both."""

    def __init__(self) -> None:
        self.spent = {JANUARY: 0, LATE: 0}
        self.left: dict[Bought, int] = {}

    def buy(self, event_id: str, airline: bool, at: str, minor: int, in_euro: bool) -> int:
        """Return the points of a purchase."""
        bought = Bought(event_id, airline, at, minor, self.spent[at], in_euro)
        self.left[bought] = minor
        self.spent[at] += bought.counts(minor)
        return bought.points(minor)

    def give_back(self, bought: Bought, minor: int) -> int:
        """Return the points that come back."""
        left = self.left[bought]
        self.left[bought] = left - minor
        self.spent[bought.at] -= bought.counts(left) - bought.counts(left - minor)
        return bought.points(left) - bought.points(left - minor)


SALES = st.lists(
    st.tuples(st.sampled_from(["5411", AIRLINE, "EUR"]), st.sampled_from([JANUARY, LATE]), st.integers(0, 6_000)),
    min_size=1,
    max_size=4,
)
STEPS = st.lists(st.one_of(SALES, st.tuples(st.integers(0, 20), st.integers(1, 6_000))), min_size=2, max_size=7)


@settings(max_examples=25, deadline=None)
@given(steps=STEPS)
def test_points_are_what_the_model_says(hub: Hub, steps: list[Any]) -> None:
    model, member = Model(), f"card:{next(NUMBERS)}"
    for step in steps:
        if isinstance(step, list):
            _buy(hub, model, member, step)
        elif open_ := [one for one, left in model.left.items() if left]:
            bought = open_[step[0] % len(open_)]
            minor = min(step[1], model.left[bought])
            back = _give_back(hub, bought, minor)
            assert back["points"] == model.give_back(bought, minor)
    assert broken_rows(hub) == []


def _give_back(hub: Hub, bought: Bought, minor: int) -> dict[str, Any]:
    amount = {"minor": minor, "currency": "EUR" if bought.in_euro else "USD"}
    asked = {"event_id": f"f{next(NUMBERS)}", "refunds": bought.event_id, "occurred_at": JANUARY, "amount": amount}
    return report_refund(hub, partner(hub, "bank"), asked)


def _buy(hub: Hub, model: Model, member: str, step: list[tuple[str, str, int]]) -> None:
    """Report a batch, and once more."""
    sales, points = [], []
    for what, at, minor in step:
        event_id = f"s{next(NUMBERS)}"
        at_home = sale(event_id, member, minor, occurred_at=at, category=what if what != "EUR" else AIRLINE)
        sales.append(abroad(event_id, member, minor, at) if what == "EUR" else at_home)
        points.append(model.buy(event_id, what != "5411", at, minor, what == "EUR"))
    for _ in range(2):
        assert [one["points"] for one in post(hub, "bank", *sales)] == points


def test_a_cap_is_exact_whoever_reports_at_once(hub: Hub) -> None:
    """Eight batches in all orders, each reported twice at the same moment, beside refunds of what came before."""
    members = [f"card:{next(NUMBERS)}" for _ in range(3)]
    old = [f"s{next(NUMBERS)}" for _ in members]
    for member, event_id in zip(members, old, strict=True):
        post(hub, "bank", sale(event_id, member, 2_100, occurred_at=JANUARY, category=AIRLINE))
    batches = [
        [
            sale(f"s{next(NUMBERS)}", member, 2_100, occurred_at=JANUARY, category=AIRLINE)
            for member in (members if number % 2 else members[::-1])
        ]
        for number in range(8)
    ]
    calls: list[Any] = [partial(post, hub, "bank", *batch) for batch in (*batches, *batches)]
    calls += [partial(refund, hub, "bank", f"f{next(NUMBERS)}", event_id) for event_id in old]
    done = at_once(calls)
    for batch, first, again in zip(batches, done[:8], done[8:16], strict=True):
        assert [one["points"] for one in first] == [one["points"] for one in again], batch
        assert sorted([first[0].get("duplicate", False), again[0].get("duplicate", False)]) == [False, True]
    stands = "SELECT count(*) FROM hub.counter WHERE name = 'cap/airline/2017' AND amount = 8 * 2100"
    with hub.database.connect() as connection:
        assert connection.execute(text(stands)).scalar_one() >= len(members)
    assert broken_rows(hub) == []


ADDED, WALKED, GIVEN, CONVERTED, _ = CHECKS_OF_COUNTERS
_TOLD = "UPDATE hub.event SET details = jsonb_set(details, '{%s}', '%s') WHERE event_id = 'tampered'"
ALTERED: dict[str, tuple[str, set[str]]] = {
    "counter: more": (
        "UPDATE hub.counter SET amount = amount + 1 WHERE name = 'cap/airline/2017'", {ADDED, WALKED},
    ),
    "counter: another's": ("UPDATE hub.counter SET member_id = -member_id", {WALKED}),
    "counter: deleted": ("DELETE FROM hub.counter", {ADDED, WALKED}),
    "event: counted less": (_TOLD % ("counted,cap/airline/2017", "1"), {ADDED, WALKED}),
    "event: stood at less": (_TOLD % ("stood,cap/airline/2017", "0"), {WALKED, GIVEN}),
    "event: stood at nothing": (
        "UPDATE hub.event SET details = details - 'stood' WHERE event_id = 'tampered'", {WALKED, GIVEN},
    ),
    "event: was given more room": (
        _TOLD % ("sale,spent,airline", "0"), {GIVEN, ledger_check.RULES_HOLD},
    ),
    "event: room and counter alike": (
        """UPDATE hub.event SET details = jsonb_set(jsonb_set(details, '{sale,spent,airline}', '0'),
           '{stood,cap/airline/2017}', '0') WHERE event_id = 'tampered'""", {WALKED, ledger_check.RULES_HOLD},
    ),
    "event: another rate": (
        "UPDATE hub.event SET details = jsonb_set(details, '{sale,foreign,numerator}', '9') WHERE event_id = 'abroad'",
        {CONVERTED, ledger_check.RULES_HOLD},
    ),
    "event: a rate of a later day": (
        "UPDATE hub.event SET details = jsonb_set(details, '{sale,foreign,version}', '2') WHERE event_id = 'abroad'",
        {CONVERTED},
    ),
    "event: another currency": ("UPDATE hub.event SET currency = 'GBP' WHERE event_id = 'abroad'", {CONVERTED}),
    "event: another category": (_TOLD % ("sale,category", '"5411"'), {ledger_check.RULES_HOLD}),
}  # fmt: skip


@pytest.fixture(scope="module")
def tampered(hub: Hub) -> Hub:
    """The hub, with one sale in which there is something to alter."""
    member = f"card:{next(NUMBERS)}"
    post(hub, "bank", sale("before", member, 9_000, occurred_at=JANUARY, category=AIRLINE))
    post(hub, "bank", abroad("abroad", f"card:{next(NUMBERS)}", 9_000, JANUARY))
    post(hub, "bank", sale("tampered", member, 9_000, occurred_at=JANUARY, category=AIRLINE))
    return hub


@pytest.mark.parametrize("name", ALTERED)
def test_an_altered_row_is_named(tampered: Hub, name: str) -> None:
    statement, expected = ALTERED[name]
    with tampered.database.connect() as connection:
        for table in ("event", "counter"):
            connection.execute(text(f"CREATE TABLE public.{table} AS TABLE hub.{table}"))
        try:
            assert connection.exec_driver_sql(statement).rowcount
            broken = {one["check"] for one in ledger_check.run(tampered) if one["row"] is not None}
        finally:
            for table in ("event", "counter"):
                connection.execute(text(f"TRUNCATE hub.{table}"))
    _restore(tampered)
    assert broken == expected


def _restore(hub: Hub) -> None:
    with hub.database.connect() as connection:
        for table in ("event", "counter"):
            connection.execute(text(f"INSERT INTO hub.{table} TABLE public.{table}"))
            connection.execute(text(f"DROP TABLE public.{table}"))


def test_each_check_of_counters_has_been_seen_to_fail() -> None:
    assert {check for _, broken in ALTERED.values() for check in broken} >= {ADDED, WALKED, GIVEN, CONVERTED}
