"""The operators' side of a cycle: closed, checked, published, disputed, paid and, where a partner fails, borne."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from hub.services import books, cycles, disputes, payments, security, winding_down
from hub.services.context import Hub
from settlement.core.parties import OPERATOR
from tests.settlement.year.bank import Bank
from tests.settlement.year.founding import APPROVER, MAKER, account_of, record_account
from tests.settlement.year.ledger_model import COALITION, FUND, Line
from tests.settlement.year.plan import CURRENCIES, FAILING_MONTH, Plan
from tests.settlement.year.settlement_model import Account, Figures, SettlementModel, nonzero
from tests.settlement.year.trading import Trading
from tests.support.services import partner

RETURNED_FROM = "2018-04"
"""In the first file of this cycle, or of the next that has one, a payment comes back."""
PER_CYCLE = 4
"""Disputes that are opened about a cycle."""


class Closing:
    """Takes each cycle through all its states."""

    def __init__(self, hub: Hub, plan: Plan, trading: Trading, settlement: SettlementModel, folder: Path) -> None:
        self.hub, self.plan, self.trading, self.settlement = hub, plan, trading, settlement
        self.folder, self.bank, self.seen = folder, Bank(folder / "bank"), trading.seen
        self.exports = folder / "exports"
        self.exports.mkdir()
        self.draw = Random(f"close {plan.seed}")
        self._disputes: dict[str, list[tuple[str, str, Line, int]]] = {}
        self._recorded: set[tuple[str, str]] = set()
        self._numbers, self._accounts = count(1), count(1_000)

    def publish(self, cycle: str, ends_on: date) -> None:
        """Close and publish a cycle by two people, recompute its export, and hold it against the model."""
        due = self.settlement.close(cycle, ends_on)
        cycles.close_and_publish(self.hub, cycle, MAKER, APPROVER)
        shown = cycles.show(self.hub, cycle)
        compare(f"{cycle}: positions", positions_of(shown), pairs_of(self.settlement.lines[cycle]))
        for name, stated in figures_of(shown)._asdict().items():
            compare(f"{cycle}: {name}", stated, getattr(due, name))
        cycles.export(self.hub, cycle, self.exports / cycle)
        self.expect_books()
        self._write_statements(cycle)

    def _write_statements(self, cycle: str) -> None:
        parties = {party for line in self.settlement.lines[cycle] for party in (line.issuer, line.redeemer)}
        names = sorted(parties & {*self.plan.names})
        wanted = self.plan.size.statements or len(names)
        for name in self.draw.sample(names, min(wanted, len(names))):
            for suffix in ("csv", "json"):
                cycles.write_statement(self.hub, cycle, name, self.folder / f"{cycle}-{name}.{suffix}")
            self.seen["statement"] += 1

    def open_disputes(self, cycle: str) -> None:
        """Some partners dispute a line each."""
        possible = [line for line in self.settlement.lines[cycle] if self._is_disputable(line)]
        opened = self._disputes[cycle] = []
        for line in self.draw.sample(possible, min(PER_CYCLE, len(possible))):
            name = self.draw.choice([one for one in (line.issuer, line.redeemer) if one in self.plan.businesses])
            asked, minor = f"d{next(self._numbers)}", self.draw.randint(1, line.minor)
            disputed = {"partner": line.partner, "event_id": line.event, "line": line.number, "minor": minor}
            body = {"dispute_id": asked, "cycle": cycle, "lines": [disputed], "reason": "wrong_amount"}
            assert disputes.open_dispute(self.hub, partner(self.hub, name), body)["state"] == "opened"
            opened.append((name, asked, line, minor))
            self.trading.disputed.append(line.event)
            self.seen["dispute"] += 1

    def _is_disputable(self, line: Line) -> bool:
        own = {line.issuer, line.redeemer} & {*self.plan.businesses}
        named = line.kind == "reimbursement" and line.partner != COALITION
        return named and line.minor > 0 and line.issuer != line.redeemer and bool(own)

    def move_disputes(self, cycle: str, stage: int, day: date) -> None:
        """Take the first dispute through all stages, accept the second; the third is withdrawn, the fourth left."""
        for place, (name, asked, line, minor) in enumerate(self._disputes[cycle]):
            if place == 0:
                self._go_on(name, asked, line, stage, day)
            elif place == 1 and stage == 0:
                self._decide(name, asked, line, [minor], day)
            elif place == 2 and stage == 1:
                disputes.withdraw(self.hub, partner(self.hub, name), asked)

    def _go_on(self, name: str, asked: str, line: Line, stage: int, day: date) -> None:
        case = disputes.show(self.hub, name, asked)
        left = case["disputed_minor"] - case["accepted_minor"]
        if case["state"] in ("rejected", "rejected_again"):
            disputes.escalate(self.hub, partner(self.hub, name), asked, {"reason": "wrong_price"})
        elif case["state"] in ("opened", "escalated", "arbitration"):
            self._decide(name, asked, line, [left // 2], day)
        self.seen[f"dispute stage {stage}"] += 1

    def _decide(self, name: str, asked: str, line: Line, accepted: list[int], day: date) -> None:
        answer = disputes.decide(self.hub, name, asked, accepted, "so it is", MAKER)
        if "proposed" in answer:
            answer = disputes.approve(self.hub, name, asked, answer["proposed"], APPROVER)
            self.seen["dispute by two"] += 1
        self._adjust(name, asked, line, accepted[0], day, len(answer["moves"]))

    def _adjust(self, name: str, asked: str, line: Line, minor: int, day: date, seq: int) -> None:
        if minor:
            before = len(self.trading.ledger.lines)
            self.trading.ledger.adjust(line, name, minor, f"dispute:{name}:{asked}:{seq}", day)
            self.settlement.count(self.trading.ledger.lines[before:])

    def end_stages(self, cycle: str, day: date) -> None:
        """Whoever was silent has lost."""
        disputes.end_stages(self.hub)
        for name, asked, line, minor in self._disputes[cycle][3:]:
            case = disputes.show(self.hub, name, asked)
            assert case["state"] == "accepted"
            self._adjust(name, asked, line, minor, day, len(case["moves"]))

    def finish(self, cycle: str, day: date) -> None:
        """Let everybody pay and be paid; a partner that does not is stood in for."""
        cycles.advance(self.hub, cycle, "final", MAKER)
        made = payments.prepare(self.hub, cycle, MAKER)
        owed = {account: minor for account, minor in self.settlement.cycles[cycle].dues.items()
                if account[0] not in (FUND, OPERATOR, COALITION)}  # fmt: skip
        compare(f"{cycle}: payments", {(one["partner"], one["currency"]): _signed(one) for one in made}, owed)
        incoming = [one for one in made if one["direction"] == "in"]
        failed = self._fail(cycle, day, incoming) if self._is_failing(cycle) else ""
        for one in incoming:
            source = failed if failed and one["partner"] == self.plan.failing else f"statement, entry {one['payment']}"
            payments.received(self.hub, one["payment"], one["amount"], source, MAKER)
            if source == failed:
                order = ("gathered", self.plan.failing), (one["currency"], one["amount_minor"])
                used = security.move(self.hub, "withdrawal", *order, MAKER)
                security.approve(self.hub, used["order"], used["digest"], APPROVER)
        cycles.advance(self.hub, cycle, "paid_in", APPROVER)
        self.settlement.paid.add(cycle)
        self.settlement.recount(day)
        for currency in CURRENCIES:
            if any(one["direction"] == "out" and one["currency"] == currency for one in made):
                self._pay_out(cycle, currency, day)
        for state in ("paid_out", "closed"):
            cycles.advance(self.hub, cycle, state, APPROVER)

    def expect_books(self) -> None:
        """The books hold, they add up to zero, and what a partner owes or is owed is what the model says."""
        found = books.trial_balance(self.hub)
        assert found["findings"] == []
        totals: Counter[str] = Counter()
        stands: Counter[Account] = Counter()
        for one in found["accounts"]:
            kind, _, owner = one["account"].partition(":")
            totals[one["currency"]] += one["balance_minor"]
            if kind in ("receivable", "payable") and owner in self.plan.businesses:
                stands[owner, one["currency"]] -= one["balance_minor"]
            if kind in ("gathered", "payments_under_way"):
                assert one["balance_minor"] == 0, one
        assert not any(totals.values()), totals
        compare("books: partners", nonzero(stands), self.settlement.open_accounts())

    def _is_failing(self, cycle: str) -> bool:
        return int(cycle[5:7]) >= FAILING_MONTH if cycle[5] != "W" else True

    def _fail(self, cycle: str, day: date, incoming: list[dict[str, Any]]) -> str:
        """Book the default of the partner that fails, if it owes anything; return where the money came from."""
        name = self.plan.failing
        if name not in self.trading.frozen:
            winding_down.begin(self.hub, name, redeemable=True)
            self.trading.frozen.add(name)
        short = {one["currency"]: one["amount_minor"] for one in incoming if one["partner"] == name}
        if not short:
            return ""
        order = security.declare(self.hub, name, cycle, MAKER)
        assert order["shortfalls"] == short
        assert all(minor == 0 for minor in order["uncovered"].values()), order
        security.approve(self.hub, order["order"], order["digest"], APPROVER)
        self.settlement.recount(day)
        borne = {currency: sum(one["amount_minor"] for one in order["borne"] if one["currency"] == currency)
                 for currency in short}  # fmt: skip
        assert borne == short
        self.seen["default"] += 1
        return f"security order {order['order']}"

    def _pay_out(self, cycle: str, currency: str, day: date) -> None:
        """Send a file to the bank and take its answers in; once a payment comes back and is made again."""
        orders = self._send(currency, day)
        if cycle >= RETURNED_FROM and not self.seen["returned"]:
            back = orders[0]
            heard = payments.take(self.hub, self.bank.returned(back), MAKER)["payments"]
            assert [one["outcome"] for one in heard] == ["applied"], heard
            [again] = payments.listing(self.hub, cycle=cycle, currency=currency, state="payable")
            assert again["attempt"] == 2
            self._record(again["partner"], currency)
            [repeated] = self._send(currency, day)
            assert repeated.amount == back.amount
            self.seen["returned"] += 1

    def _record(self, name: str, currency: str) -> None:
        """Put an account on record that nobody has; the contract has one for the partner's own currency."""
        record_account(self.hub, name, currency, account_of(next(self._accounts)))
        self._recorded.add((name, currency))

    def _own_currency(self, name: str) -> str:
        return self.plan.businesses[name].currency

    def _send(self, currency: str, day: date) -> list[Any]:
        for one in payments.listing(self.hub, currency=currency, state="payable", direction="out"):
            if (one["partner"], currency) not in self._recorded and currency != self._own_currency(one["partner"]):
                self._record(one["partner"], currency)
        made = payments.propose(self.hub, currency, day + timedelta(days=2), MAKER)
        payments.approve(self.hub, made["release"], made["digest"], APPROVER)
        file = self.folder / f"{made['release']}.xml"
        payments.write_file(self.hub, made["release"], file, APPROVER)
        name, orders = self.bank.read(file)
        for message in (self.bank.accepted(name), self.bank.booked(orders)):
            taken = payments.take(self.hub, message, MAKER)
            assert {one["outcome"] for one in taken["payments"]} == {"applied"}, taken
        self.seen["file"] += 1
        return orders


def positions_of(shown: Mapping[str, Any]) -> dict[tuple[str, str, str], tuple[int, int, int]]:
    """Lines, points and minor units of a cycle that is shown, by issuer, redeemer and currency."""
    return {
        (one["issuer"], one["redeemer"], one["currency"]): (one["lines"], one["points"], one["amount_minor"])
        for one in shown["positions"]
    }


def figures_of(shown: Mapping[str, Any]) -> Figures:
    """Nets, charges and dues of a cycle that is shown."""
    charges: dict[tuple[str, str, str], int] = {}
    for one in shown["charges"]:
        key = (one["partner"], one["kind"], one["currency"])
        charges[key] = charges.get(key, 0) + one["amount_minor"]
    return Figures(
        nonzero({(one["partner"], one["currency"]): one["net_minor"] for one in shown["nets"]}),
        {key: minor for key, minor in charges.items() if minor},
        nonzero({(one["party"], one["currency"]): one["due_minor"] for one in shown["dues"]}),
        nonzero({(one["party"], one["currency"]): one["carried_minor"] for one in shown["dues"]}),
    )


def compare(what: str, found: Mapping[Any, Any], due: Mapping[Any, Any]) -> None:
    """Fail with every figure that is not what the model says."""
    different = [
        f"{key}: {found.get(key)}, not {due.get(key)}" for key in {*found, *due} if found.get(key) != due.get(key)
    ]
    assert not different, "\n".join([what, *sorted(different)])


def pairs_of(lines: Sequence[Line]) -> dict[tuple[str, str, str], tuple[int, int, int]]:
    """Lines, points and minor units by issuer, redeemer and currency."""
    found: dict[tuple[str, str, str], tuple[int, int, int]] = {}
    for line in lines:
        pair = (line.issuer, line.redeemer, line.currency)
        number, points, minor = found.get(pair, (0, 0, 0))
        found[pair] = (number + 1, points + line.points, minor + line.minor)
    return found


def _signed(one: dict[str, Any]) -> int:
    return int(one["amount_minor"]) * (1 if one["direction"] == "out" else -1)
