"""What a cycle should come to: nets, charges and dues by currency, and what each partner still owes.

It reads the lines of `ledger_model` and the terms of the plan. Lines belong to the cycle that is closed after they
were made.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from tests.settlement.year.arithmetic import by_rule, ends
from tests.settlement.year.ledger_model import FUND, OPERATOR, LedgerModel, Line
from tests.settlement.year.plan import MID_YEAR, TAXES, Business

Account = tuple[str, str]
"""A party and a currency."""


class Figures(NamedTuple):
    """Nets, charges by (partner, kind, currency), dues and carried amounts, those of zero left out."""

    nets: dict[Account, int]
    charges: dict[tuple[str, str, str], int]
    dues: dict[Account, int]
    carried: dict[Account, int]


class SettlementModel:
    """The cycles that were closed, in order, and which of them are paid."""

    def __init__(self, ledger: LedgerModel) -> None:
        self.ledger = ledger
        self.cycles: dict[str, Figures] = {}
        self.lines: dict[str, Sequence[Line]] = {}
        self.paid: set[str] = set()
        self.balances: Counter[Account] = Counter()
        self.headroom: dict[Account, int] = {}
        self._cut = 0

    def close(self, cycle: str, ends_on: date) -> Figures:
        """Cut off all lines that no cycle has, and add them up."""
        lines = self.ledger.lines[self._cut :]
        self._cut = len(self.ledger.lines)
        brought = next((one.carried for one in reversed(self.cycles.values())), {})
        nets, charges = nets_of(lines), self._charges(lines, ends_on)
        dues, carried = self._dues(nets, charges, brought, ends_on)
        self.lines[cycle] = lines
        self.cycles[cycle] = Figures(nets, charges, dues, carried)
        return self.cycles[cycle]

    def _charges(self, lines: Sequence[Line], ends_on: date) -> dict[tuple[str, str, str], int]:
        found: Counter[tuple[str, str, str]] = Counter()
        for business in self.ledger.plan.businesses.values():
            taxed: Counter[tuple[int, str]] = Counter()
            for (version, currency), one in self._by_version(business, lines).items():
                terms = business.versions[version - 2]
                fee = by_rule(_fee(business, version, one), terms.rounding)
                taxed[version, currency] += fee
                found[business.name, "fee", currency] += fee
                billed = sum(line.minor for line in one if _is_issued(line, business.name))
                found[business.name, "discount", currency] -= by_rule((1 - terms.billed) * billed, terms.rounding)
                funded = [line for line in one if line.kind == "issue"]
                exact = sum((line.points * line.price for line in funded), Fraction(0))
                found[business.name, "rounding", currency] += round(exact) - sum(line.minor for line in funded)
            self._add_minimum_and_tax(found, taxed, business, ends_on)
        return {key: minor for key, minor in found.items() if minor}

    def _by_version(self, business: Business, lines: Sequence[Line]) -> dict[tuple[int, str], list[Line]]:
        """The lines that charges of a partner may follow from, by version of its contract and currency."""
        found: defaultdict[tuple[int, str], list[Line]] = defaultdict(list)
        for line in lines:
            own = business.name in (line.points_of or line.issuer, line.redeemer)
            if own and line.issuer != line.redeemer and line.kind in ("issue", "reimbursement"):
                found[business.version(line.day), line.currency].append(line)
        return found

    def _add_minimum_and_tax(
        self, found: Counter[tuple[str, str, str]], taxed: Counter[tuple[int, str]], business: Business, ends_on: date
    ) -> None:
        terms, own = business.terms(ends_on), business.currency
        if terms.minimum_minor:
            lacking = max(terms.minimum_minor - found[business.name, "fee", own], 0)
            found[business.name, "minimum", own] += lacking
            taxed[business.version(ends_on), own] += lacking
        for (version, currency), minor in taxed.items():
            of_version = business.versions[version - 2]
            percent = TAXES.get(of_version.tax_code, ("0", "0"))[ends_on >= MID_YEAR]
            found[business.name, "tax", currency] += by_rule(minor * Fraction(percent) / 100, of_version.rounding)

    def _dues(
        self,
        nets: dict[Account, int],
        charges: dict[tuple[str, str, str], int],
        brought: dict[Account, int],
        ends_on: date,
    ) -> tuple[dict[Account, int], dict[Account, int]]:
        totals: Counter[Account] = Counter()
        totals.update(nets)
        totals.update(brought)
        for (partner, _, currency), minor in charges.items():
            totals[partner, currency] -= minor
            totals[OPERATOR, currency] += minor
        due: Counter[Account] = Counter()
        for account, minor in totals.items():
            if account[0] != OPERATOR and self._pays(account, minor, ends_on):
                due[account] += minor
                due[OPERATOR, account[1]] -= minor
        carried = {account: totals[account] - due[account] for account in {*totals, *due}}
        return nonzero(due), nonzero(carried)

    def _pays(self, account: Account, minor: int, ends_on: date) -> bool:
        business = self.ledger.plan.businesses.get(account[0])
        if business is None:
            return True
        terms = business.terms(ends_on)
        least = terms.minimum_payment_minor if account[1] == business.currency else 0
        return ends(terms.cycle, ends_on) and abs(minor) >= least

    def open_accounts(self) -> dict[Account, int]:
        """What each partner is to receive of published cycles and has not: carried by the last, due in unpaid ones."""
        found: Counter[Account] = Counter()
        for cycle, figures in self.cycles.items():
            if cycle not in self.paid:
                found.update(figures.dues)
        for figures in list(self.cycles.values())[-1:]:
            found.update(figures.carried)
        return nonzero({key: minor for key, minor in found.items() if key[0] in self.ledger.plan.businesses})

    def recount(self, day: date) -> None:
        """Count anew what each partner with a limit may still owe, as the hub does when something is paid or agreed."""
        for business in self.ledger.plan.businesses.values():
            terms, account = business.terms(day), (business.name, business.currency)
            if terms.credit:
                limit = self.balances[account] if terms.credit == "prepaid" else terms.limit_minor
                self.headroom[account] = limit - self._exposure(account)

    def allows(self, lines: Sequence[Line], day: date) -> bool:
        """Whether every partner may owe what these lines say."""
        return all(
            minor <= 0 or minor <= self.headroom[account] or not self._is_hard(account[0], day)
            for account, minor in changes(lines).items()
            if account in self.headroom
        )

    def count(self, lines: Sequence[Line]) -> None:
        """Count lines against what their parties may owe."""
        for account, minor in changes(lines).items():
            if account in self.headroom:
                self.headroom[account] -= minor

    def _is_hard(self, partner: str, day: date) -> bool:
        return self.ledger.business(partner).terms(day).hard_stop

    def _exposure(self, account: Account) -> int:
        cycles = list(self.cycles)
        first = next((place for place, cycle in enumerate(cycles) if cycle not in self.paid), len(cycles))
        unpaid = cycles[first:]
        since = sum(len(self.lines[cycle]) for cycle in cycles[:first])
        charged = sum(
            minor
            for cycle in unpaid
            for (partner, _, currency), minor in self.cycles[cycle].charges.items()
            if (partner, currency) == account
        )
        carried = self.cycles[cycles[first - 1]].carried.get(account, 0) if first else 0
        return changes(self.ledger.lines[since:]).get(account, 0) + charged - carried


def _fee(business: Business, version: int, lines: Sequence[Line]) -> Fraction:
    terms, name = business.versions[version - 2], business.name
    mine = [
        line
        for line in lines
        if (terms.fee_side == "issued" and _is_issued(line, name))
        or (terms.fee_side == "redeemed" and _is_redeemed(line, name))
    ]
    events = {(line.partner, line.event) for line in mine if not line.correction}
    points, minor = sum(line.points for line in mine), sum(line.minor for line in mine)
    return terms.per_point * points + terms.per_transaction * len(events) + terms.percent * minor


def _is_issued(line: Line, name: str) -> bool:
    issuer = line.points_of or line.issuer
    return line.kind == "reimbursement" and issuer == name and line.redeemer != name


def _is_redeemed(line: Line, name: str) -> bool:
    issuer = line.points_of or line.issuer
    return line.kind == "reimbursement" and line.redeemer == name and issuer != name


def changes(lines: Sequence[Line]) -> dict[Account, int]:
    """By how much lines raise what each party owes."""
    found: Counter[Account] = Counter()
    for line in lines:
        if line.issuer != line.redeemer:
            found[line.issuer, line.currency] += line.minor
            found[line.redeemer, line.currency] -= line.minor
    return dict(found)


def nets_of(lines: Sequence[Line]) -> dict[Account, int]:
    """What each party is to receive for lines; below zero for who pays."""
    return nonzero({account: -minor for account, minor in changes(lines).items()})


def nonzero(found: dict[Account, int]) -> dict[Account, int]:
    """The same without zeros."""
    return {account: minor for account, minor in found.items() if minor}


__all__ = ["FUND", "Account", "Figures", "SettlementModel", "changes", "nets_of", "nonzero"]
