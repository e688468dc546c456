"""The ledger beside a plain model of it: Hypothesis drives both and holds them equal after every command.

The model knows the rules of the scheme and nothing of the hub: dictionaries for lots, a list of what is owed,
fractions for money. After each command every member's lots, the answer, every obligation and the identity of
each issuer agree, and every check of the ledger is clean.
"""

from __future__ import annotations

import calendar
import itertools
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from hub import setup
from hub.core.errors import Refused
from hub.services import business_clock, cycles, end_of_day, history, members, partners
from hub.services.context import Hub
from hub.settings import Settings
from settlement.errors import SettlementRefused
from tests.support import services
from tests.support.network import broken_rows

FIRST_DAY = date(2017, 1, 1)
START = datetime(2017, 2, 9, 12, tzinfo=UTC)
PARTNERS = {"bank": 0, "fuel": 1, "grocer": 2}
"""Partner -> months that its points live."""
MEMBERS = ("card:1", "card:2")
TABLES = (
    "hub.coalition", "hub.partner", "hub.contract", "hub.rate", "hub.partner_key", "hub.member",
    "hub.member_identifier", "hub.evidence", "hub.event", "hub.transfer", "hub.lot", "settlement.obligation",
    "settlement.cycle", "settlement.cycle_move", "settlement.cycle_result", "settlement.position",
    "settlement.net", "settlement.statement_total", "settlement.cycle_check",
)  # fmt: skip

LIMITS = settings(max_examples=30, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
FLAWS = st.sampled_from([*[""] * 10, *["stated"] * 6, "misstated", "future", "early", "EUR"])
SALES = st.tuples(st.sampled_from(MEMBERS), st.integers(0, 40), FLAWS, st.integers(0, 2_000))
EARLIER = st.tuples(st.integers(0, 99), st.sampled_from(["", "", "store", "minor"]))
PRICES = st.fractions(Fraction(1, 50), 50, max_denominator=50)
A_PARTNER, A_MEMBER = st.sampled_from(list(PARTNERS)), st.sampled_from(MEMBERS)

CONFLICT = {"error": "event_conflict"}

Sale = dict[str, Any]
Outcome = dict[str, Any]


class Debt(NamedTuple):
    """One obligation."""

    redeemer: str
    event_id: str
    line: int
    issuer: str
    points: int
    minor: int
    on: date


class Told(NamedTuple):
    """What an id was first used for, and what was answered."""

    kind: str
    content: Any
    answer: Outcome


def month_end(day: date, months: int) -> date:
    """The last day of the month so many months on."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, calendar.monthrange(year, month + 1)[1])


@dataclass
class Model:
    """The scheme's rules, in as few words as they can be said in."""

    now: datetime = START
    rates: dict[str, list[tuple[date, int, int]]] = field(default_factory=dict)
    prices: dict[str, list[tuple[date, Fraction]]] = field(default_factory=dict)
    lots: dict[tuple[str, date, str], int] = field(default_factory=lambda: defaultdict(int))
    told: dict[tuple[str, str], Told] = field(default_factory=dict)
    debts: list[Debt] = field(default_factory=list)
    issued: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    settled: Counter[str] = field(default_factory=Counter)
    cycles: dict[str, list[Debt]] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    """Members that somebody has named in a report."""

    @property
    def today(self) -> date:
        return self.now.date()

    def earn(self, partner: str, sale: Sale) -> Outcome:
        self.known.add(sale["member"])
        told = self.told.get((partner, sale["event_id"]))
        if told is not None:
            same = told.kind == "earning" and told.content == sale
            return told.answer | {"duplicate": True} if same else CONFLICT
        occurred_at = datetime.fromisoformat(sale["occurred_at"])
        if occurred_at > self.now + timedelta(minutes=5):
            return {"error": "occurred_in_future"}
        if occurred_at.date() < FIRST_DAY:
            return {"error": "no_contract"}
        if sale["amount"]["currency"] != "USD":
            return {"error": "currency_mismatch"}
        points, per_minor = self._rate(partner, occurred_at.date())
        points *= sale["amount"]["minor"] // per_minor
        if sale.get("points", points) != points:
            return {"error": "points_mismatch"}
        expires_on = month_end(occurred_at.date(), PARTNERS[partner])
        self.lots[sale["member"], expires_on, partner] += points
        self.issued[partner] += points
        answer = {"points": points, "expires_on": str(expires_on), "at": self.now}
        self.told[partner, sale["event_id"]] = Told("earning", sale, answer)
        return answer

    def redeem(self, partner: str, redemption_id: str, member: str, points: int) -> Outcome:
        content = (member, points)
        if member not in self.known:
            return {"error": "unknown_member"}
        told = self.told.get((partner, redemption_id))
        if told is not None:
            same = told.kind == "redemption" and told.content == content
            return told.answer | {"duplicate": True} if same else CONFLICT
        answer = self._burn(partner, redemption_id, member, points)
        self.told[partner, redemption_id] = Told("redemption", content, answer)
        return answer

    def _burn(self, partner: str, redemption_id: str, member: str, points: int) -> Outcome:
        """Take the lots that expire first, ties by issuer, and owe for them."""
        spendable = self.spendable(member)
        if sum(spendable.values()) < points:
            return {"error": "insufficient_points"}
        taken: list[tuple[str, int]] = []
        for (expires_on, issuer), there in sorted(spendable.items()):
            take = min(there, points - sum(part for _, part in taken))
            if take:
                self.lots[member, expires_on, issuer] -= take
                taken.append((issuer, take))
        value = round(points * self._price(partner))
        minors = _shares(value, [part for _, part in taken])
        for line, ((issuer, part), minor) in enumerate(zip(taken, minors, strict=True), 1):
            self.debts.append(Debt(partner, redemption_id, line, issuer, part, minor, self.today))
        return {"minor": value, "lots": [(*part, minor) for part, minor in zip(taken, minors, strict=True)]}

    def spendable(self, member: str) -> dict[tuple[date, str], int]:
        return {
            lot[1:]: points for lot, points in self.lots.items() if lot[0] == member and lot[1] >= self.today and points
        }

    def end_day(self) -> int:
        due = {lot: points for lot, points in self.lots.items() if lot[1] <= self.today}
        for lot, points in due.items():
            self.lots[lot] = 0
            self.broken[lot[2]] += points
        return sum(due.values())

    def close(self, cycle: str) -> bool:
        """Put every debt up to the month's end that is in no cycle yet into this one."""
        if self.cycles and cycle <= max(self.cycles):
            return False
        known = {debt for debts in self.cycles.values() for debt in debts}
        self.cycles[cycle] = [debt for debt in self.debts if f"{debt.on:%Y-%m}" <= cycle and debt not in known]
        for debt in self.cycles[cycle]:
            self.settled[debt.issuer] += debt.points
        return True

    def _rate(self, partner: str, day: date) -> tuple[int, int]:
        _, points, per_minor = [one for one in sorted(self.rates[partner], key=lambda r: r[0]) if one[0] <= day][-1]
        return points, per_minor

    def _price(self, partner: str) -> Fraction:
        return [one for one in sorted(self.prices[partner], key=lambda p: p[0]) if one[0] <= self.today][-1][1]


def _shares(value: int, parts: list[int]) -> list[int]:
    """Largest remainder: whole units first, then one more for those that are cut most, the earlier first."""
    exact = [Fraction(value * part, sum(parts)) for part in parts]
    shares = [int(share) for share in exact]
    for place in sorted(range(len(parts)), key=lambda p: (shares[p] - exact[p], p))[: value - sum(shares)]:
        shares[place] += 1
    return shares


# --- the hub, told the same ---


class Machine(RuleBasedStateMachine):
    """Gives each command to the services and to the model."""

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        _empty(hub)
        self.hub = Hub(hub.database, hub.keyring)
        self.model = Model()
        self.numbers = itertools.count(1)
        self.sales: list[tuple[str, Sale]] = []
        self.redemptions: list[tuple[str, str, str, int]] = []
        business_clock.move(self.hub, START)
        for partner, months in PARTNERS.items():
            partners.add(self.hub, partner, partner, FIRST_DAY, months, enrols_unknown=True)
            self.model.rates[partner], self.model.prices[partner] = [], []
            self._set_rate(partner, FIRST_DAY, 1, 100)
            self._set_price(partner, FIRST_DAY, Fraction(9, 10))

    # commands

    @initialize(minors=st.lists(st.integers(0, 2_000), min_size=12, max_size=12))
    def everybody_shops_everywhere(self, minors: list[int]) -> None:
        """In both months there have been, so that each member has lots of every issuer and of two dates."""
        drawn = zip(itertools.product(PARTNERS, MEMBERS, (0, 20)), minors, strict=True)
        for (partner, member, days_ago), minor in drawn:
            self.sales.append((partner, self._sale(partner, member, days_ago, "", minor)))
            self._report(partner, [self.sales[-1][1]])

    @rule(partner=A_PARTNER, sales=st.lists(SALES, min_size=1, max_size=4), again=st.lists(EARLIER, max_size=2))
    def earn(self, partner: str, sales: list[tuple[str, int, str, int]], again: list[tuple[int, str]]) -> None:
        """A batch of new sales, some of them wrong, with earlier ones of the partner among them."""
        batch = [self._sale(partner, *drawn) for drawn in sales]
        earlier = [sale for own, sale in self.sales if own == partner]
        batch += [_altered(earlier[place % len(earlier)], change) for place, change in again if earlier]
        self.sales += [(partner, sale) for sale in batch[: len(sales)]]
        self._report(partner, batch)

    @rule(place=st.integers(0, 99), points=st.integers(1, 5))
    def earn_again_after_the_rate_changed(self, place: int, points: int) -> None:
        partner, sale = self.sales[place % len(self.sales)]
        self._set_rate(partner, FIRST_DAY, points, 70)
        self._report(partner, [sale])

    @precondition(lambda self: self.redemptions)
    @rule(place=st.integers(0, 99), member=A_MEMBER)
    def earn_under_the_id_of_a_redemption(self, place: int, member: str) -> None:
        partner, redemption_id, *_ = self.redemptions[place % len(self.redemptions)]
        self._report(partner, [_sale_of(redemption_id, member, self.model.now, 1_000)])

    @rule(partner=A_PARTNER, member=A_MEMBER, tenths=st.lists(st.integers(0, 11), min_size=1, max_size=3))
    def redeem(self, partner: str, member: str, tenths: list[int]) -> None:
        """A few in a row, each for some part of the balance, the whole of it, or a little more."""
        for part in tenths:
            points = max(1, sum(self.model.spendable(member).values()) * part // 10)
            self.redemptions.append((partner, f"r{next(self.numbers)}", member, points))
            self._redeem(*self.redemptions[-1])

    @precondition(lambda self: self.redemptions)
    @rule(place=st.integers(0, 99), more=st.sampled_from([0, 0, 1]))
    def redeem_again(self, place: int, more: int) -> None:
        partner, redemption_id, member, points = self.redemptions[place % len(self.redemptions)]
        self._redeem(partner, redemption_id, member, points + more)

    @precondition(lambda self: self.sales)
    @rule(place=st.integers(0, 99), member=A_MEMBER)
    def redeem_under_the_id_of_an_earning(self, place: int, member: str) -> None:
        partner, sale = self.sales[place % len(self.sales)]
        if (partner, sale["event_id"]) in self.model.told:
            self._redeem(partner, sale["event_id"], member, 1)

    @rule(days=st.sampled_from([0, 1, 11, 31, None]))
    def time_passes(self, days: int | None) -> None:
        """Some days and an hour, or (None) up to the month's last day, on which points still count."""
        last = month_end(self.model.today, 0)
        self.model.now += timedelta(days=(last - self.model.today).days if days is None else days, hours=1)
        business_clock.move(self.hub, self.model.now)

    @rule()
    def end_day(self) -> None:
        assert end_of_day.run(self.hub, self.model.today) == self.model.end_day()

    @rule(months=st.sampled_from([0, 0, 1]))
    def close(self, months: int) -> None:
        """This month, which a sandbox may close before it is over, or the one before it."""
        cycle = f"{month_end(self.model.today, -months):%Y-%m}"
        if not self.model.close(cycle):
            with pytest.raises(SettlementRefused, match=cycle):
                cycles.close(self.hub, cycle, "operator")
            return
        self._compare_cycle(cycle, cycles.close(self.hub, cycle, "operator"))

    @rule(
        partner=A_PARTNER,
        days=st.integers(-20, 10),
        points=st.integers(1, 5),
        per_minor=st.integers(1, 300),
    )
    def change_rate(self, partner: str, days: int, points: int, per_minor: int) -> None:
        self._set_rate(partner, max(FIRST_DAY, self.model.today + timedelta(days=days)), points, per_minor)

    @rule(partner=A_PARTNER, days=st.integers(-20, 10), price=PRICES)
    def change_price(self, partner: str, days: int, price: Fraction) -> None:
        self._set_price(partner, max(FIRST_DAY, self.model.today + timedelta(days=days)), price)

    # both sides of a command

    def _report(self, partner: str, batch: list[Sale]) -> None:
        results = services.post(self.hub, partner, *batch)
        before = set(self.model.told)
        for sale, result in zip(batch, results, strict=True):
            expected = self.model.earn(partner, sale)
            assert result["event_id"] == sale["event_id"]
            if expected == CONFLICT and (partner, sale["event_id"]) not in before:
                # Another of this very batch has the id: a rule that forbids this one may be named instead.
                assert "error" in result
            else:
                assert _earning_outcome(result) == expected

    def _redeem(self, partner: str, redemption_id: str, member: str, points: int) -> None:
        expected = self.model.redeem(partner, redemption_id, member, points)
        assert _redemption_outcome(self.hub, partner, redemption_id, member, points) == expected

    def _compare_cycle(self, cycle: str, shown: dict[str, Any]) -> None:
        pairs: Counter[tuple[str, str]] = Counter()
        nets: Counter[str] = Counter()
        for debt in self.model.cycles[cycle]:
            pairs[debt.issuer, debt.redeemer] += debt.minor
            if debt.issuer != debt.redeemer:
                nets[debt.issuer] -= debt.minor
                nets[debt.redeemer] += debt.minor
        assert {(one["issuer"], one["redeemer"]): one["amount_minor"] for one in shown["positions"]} == pairs
        assert Counter({one["partner"]: one["net_minor"] for one in shown["nets"] if one["net_minor"]}) == Counter(
            {partner: net for partner, net in nets.items() if net}
        )
        assert sum(nets.values()) == 0

    def _set_rate(self, partner: str, valid_from: date, points: int, per_minor: int) -> None:
        terms = [{"rule": "linear", "points": points, "per_minor": per_minor}]
        partners.set_rate(self.hub, partner, "earning", valid_from, "USD", terms)
        self.model.rates[partner].append((valid_from, points, per_minor))

    def _set_price(self, partner: str, valid_from: date, price: Fraction) -> None:
        terms = {"numerator": price.numerator, "denominator": price.denominator}
        partners.set_rate(self.hub, partner, "reimbursement", valid_from, "USD", terms)
        self.model.prices[partner].append((valid_from, price))

    def _sale(self, partner: str, member: str, days_ago: int, flaw: str, minor: int) -> Sale:
        at = max(self.model.now - timedelta(days=days_ago), datetime(2017, 1, 1, tzinfo=UTC))
        at = {"future": self.model.now + timedelta(minutes=6), "early": datetime(2016, 12, 31, tzinfo=UTC)}.get(
            flaw, at
        )
        sale = _sale_of(f"e{next(self.numbers)}", member, at, 10 * minor)
        if flaw == "EUR":
            sale["amount"]["currency"] = "EUR"
        if flaw in {"stated", "misstated"}:
            points, per_minor = self.model._rate(partner, at.date())
            sale["points"] = points * (10 * minor // per_minor) + (flaw == "misstated")
        return sale

    # what must always hold

    @invariant()
    def every_lot_is_the_models(self) -> None:
        found = {
            (name, row.expires_on, row.issuer): row.points
            for name, rows in self._rows_by_member("SELECT * FROM hub.lot WHERE points > 0").items()
            for row in rows
        }
        assert found == {lot: points for lot, points in self.model.lots.items() if points}

    @invariant()
    def every_balance_is_the_models(self) -> None:
        for member in self.model.known:
            spendable = self.model.spendable(member)
            first = min((lot[0] for lot in spendable), default=None)
            view = members.view(self.hub, member)
            assert view["available"] == sum(spendable.values())
            assert view["next_to_expire"] == (
                first
                and {
                    "points": sum(points for lot, points in spendable.items() if lot[0] == first),
                    "expires_on": str(first),
                }
            )

    @invariant()
    def every_obligation_is_the_models(self) -> None:
        with self.hub.database.connect() as connection:
            rows = connection.execute(
                text("""SELECT redeemer, event_id, line, issuer, points, amount_minor, business_date
                        FROM settlement.obligation WHERE partner_id = redeemer""")
            ).all()
        assert sorted(Debt(*row) for row in rows) == sorted(self.model.debts)

    @invariant()
    def what_an_issuer_issued_is_somewhere(self) -> None:
        """Issued = held by members + redeemed and not settled + settled + expired."""
        for issuer in PARTNERS:
            held = sum(points for lot, points in self.model.lots.items() if lot[2] == issuer)
            redeemed = sum(debt.points for debt in self.model.debts if debt.issuer == issuer)
            assert self.model.issued[issuer] == held + redeemed + self.model.broken[issuer]
            assert self._moved(f"issued:{issuer}") == self.model.issued[issuer] - self.model.settled[issuer]

    @invariant()
    def every_check_of_the_ledger_is_clean(self) -> None:
        assert broken_rows(self.hub) == []

    def teardown(self) -> None:
        """What was published still holds at the end, and each partner's history is what it was told."""
        for cycle in self.model.cycles:
            assert cycles.audit(self.hub, cycle) == []
        for partner in PARTNERS:
            page = history.event_page(self.hub, services.partner(self.hub, partner), "", 1000)
            assert {one["event_id"] for one in page["events"]} == {
                event_id for own, event_id in self.model.told if own == partner
            }

    def _moved(self, account: str) -> int:
        """What left an account less what came back."""
        with self.hub.database.connect() as connection:
            query = """SELECT coalesce(sum(CASE WHEN debit_account = :account THEN points ELSE -points END), 0)
                       FROM hub.transfer WHERE :account IN (debit_account, credit_account)"""
            return int(connection.execute(text(query), {"account": account}).scalar_one())

    def _rows_by_member(self, query: str) -> dict[str, list[Any]]:
        with self.hub.database.connect() as connection:
            identifiers = connection.execute(text("SELECT blind_index, member_id FROM hub.member_identifier"))
            owners = {bytes(row.blind_index): row.member_id for row in identifiers}
            rows = connection.execute(text(query)).all()
        ids = {name: owners.get(self.hub.keyring.blind_index(name)) for name in MEMBERS}
        return {name: [row for row in rows if row.member_id == member_id] for name, member_id in ids.items()}


def _sale_of(event_id: str, member: str, at: datetime, minor: int) -> Sale:
    return {
        "event_id": event_id,
        "member": member,
        "occurred_at": at.isoformat(),
        "amount": {"minor": minor, "currency": "USD"},
    }


def _altered(sale: Sale, change: str) -> Sale:
    """The sale again, or with other content under the same id."""
    if change == "minor":
        return sale | {"amount": sale["amount"] | {"minor": sale["amount"]["minor"] + 1}}
    return sale | {"store": "elsewhere"} if change else sale


def _earning_outcome(result: dict[str, Any]) -> Outcome:
    if "error" in result:
        assert (result["status"], result["points"]) == ("rejected", 0)
        return {"error": result["error"]["code"]}
    assert result["status"] == "posted"
    at = datetime.fromisoformat(result["available_at"])
    return {"points": result["points"], "expires_on": result["expires_on"], "at": at} | _flag(result)


def _redemption_outcome(hub: Hub, partner: str, redemption_id: str, member: str, points: int) -> Outcome:
    try:
        found = services.redeem(hub, partner, redemption_id, member, points)
    except Refused as refused:
        return {"error": refused.code} | _flag(refused.members)
    lots = [(lot["issuer"], lot["points"], lot["minor"]) for lot in found["lots"]]
    return {"minor": found["value"]["minor"], "lots": lots} | _flag(found)


def _flag(answer: dict[str, Any]) -> Outcome:
    return {"duplicate": True} if "duplicate" in answer else {}


def _empty(hub: Hub) -> None:
    """Start from nothing, keeping the schema: one coalition and no more."""

    def work(connection: Any) -> None:
        connection.execute(text(f"TRUNCATE {', '.join(TABLES)}"))
        connection.execute(text("INSERT INTO hub.coalition (name, environment) VALUES ('Model', 'sandbox')"))

    hub.database.transact(work)


def test_the_ledger_and_a_plain_model_agree(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    hub = setup.initialise(
        Settings(data=tmp_path_factory.mktemp("model"), database_url=postgres_url), "Model", "sandbox"
    )

    class Bound(Machine):
        def __init__(self) -> None:
            super().__init__(hub)

    run_state_machine_as_test(Bound, settings=LIMITS)
    hub.database.dispose()
