"""Charges: what partners owe the operator in a cycle by their contracts, beside their lines.

They follow from the lines, the contracts and the rates of tax alone, so anyone who has these finds the same. Lines in
which issuer and redeemer are one are not cleared and not charged for. Everything is added up exactly and rounded once a
charge, by the contract's rule. Kinds:

fee         by point, by transaction (an event that corrects none), and in percent of the value
minimum     what the fees of the contract in force at the end lack of its minimum
discount    below zero: what of the value of its points is not billed to an issuer
rounding    what the issue prices of a cycle's points come to exactly, less what their lines say, line by line rounded
tax         of fee and minimum, at the code's rate in force on the cycle's last day
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from math import ceil, floor
from types import MappingProxyType
from typing import NamedTuple

from settlement.core.agreements import Agreements
from settlement.core.contracts import ISSUED
from settlement.core.parties import OPERATOR

FEE, MINIMUM, DISCOUNT, ROUNDING, TAX = KINDS = ("fee", "minimum", "discount", "rounding", "tax")
FUNDED = "funded"
"""The third side of a basis, beside `redeemed` and `issued`: lines by which points were paid for at issue."""

ROUNDED: Mapping[str, Callable[[Fraction], int]] = MappingProxyType(
    {"half_even": round, "half_up": lambda exact: floor(exact + Fraction(1, 2)), "down": floor, "up": ceil}
)
"""Rounding rules by name, for amounts of at least zero."""


class Charge(NamedTuple):
    """`partner` owes the operator `amount_minor`, for so many transactions, points and minor units of its lines."""

    partner: str
    kind: str
    currency: str
    contract_version: int
    basis_count: int
    basis_points: int
    basis_minor: int
    amount_minor: int


class TaxRate(NamedTuple):
    """From `valid_from` on, `numerator / denominator` of a charge is tax where a contract names `code`."""

    code: str
    valid_from: date
    numerator: int
    denominator: int


class Side(NamedTuple):
    """Which lines are added up: of a partner, under a version, on one side of them, at an issue price or 0/1."""

    partner: str
    version: int
    side: str
    currency: str
    price_numerator: int = 0
    price_denominator: int = 1


class Basis(NamedTuple):
    """What the lines of a side add up to: transactions (lines where points were paid for at issue), points, money."""

    transactions: int
    points: int
    minor: int


Bases = Mapping[Side, Basis]


def charges_of(bases: Bases, agreements: Agreements, rates: Iterable[TaxRate], ends_on: date) -> list[Charge]:
    """The charges of a cycle that ends on a day, sorted; those that come to nothing are left out."""
    found = [charge for side, basis in bases.items() for charge in _of_side(side, basis, agreements)]
    found += _roundings(bases)
    found += _minimums(found, agreements, ends_on)
    return sorted(charge for charge in found + _taxes(found, agreements, list(rates), ends_on) if charge.amount_minor)


def _of_side(side: Side, basis: Basis, agreements: Agreements) -> list[Charge]:
    """Fee and discount of one side."""
    terms = agreements.of(side.partner, side.version)
    found = []
    if side.side == terms.fee.side:
        fee = terms.fee
        exact = fee.per_point * basis.points + fee.per_transaction * basis.transactions + fee.percent * basis.minor
        found.append(_charge(side, FEE, basis, rounded(exact, terms.rounding)))
    if side.side == ISSUED:
        found.append(_charge(side, DISCOUNT, basis, -rounded((1 - terms.billing_share) * basis.minor, terms.rounding)))
    return found


def rounded(exact: Fraction, rule: str) -> int:
    """An exact amount by a contract's rule; below zero as above it, with the other sign."""
    return ROUNDED[rule](exact) if exact >= 0 else -ROUNDED[rule](-exact)


def _charge(side: Side, kind: str, basis: Basis, amount_minor: int) -> Charge:
    return Charge(side.partner, kind, side.currency, side.version, *basis, amount_minor)


def _roundings(bases: Bases) -> list[Charge]:
    """For each version, what its points' issue prices come to exactly, rounded once, less what the lines say."""
    exact: defaultdict[Side, Fraction] = defaultdict(Fraction)
    sums: defaultdict[Side, list[int]] = defaultdict(lambda: [0, 0, 0])
    for side, basis in bases.items():
        if side.side == FUNDED:
            whole = side._replace(price_numerator=0, price_denominator=1)
            exact[whole] += Fraction(basis.points * side.price_numerator, side.price_denominator)
            sums[whole] = [one + more for one, more in zip(sums[whole], basis, strict=True)]
    return [
        _charge(side, ROUNDING, Basis(*sums[side]), round(due) - sums[side][2]) for side, due in exact.items()
    ]  # fmt: skip


def _minimums(fees: Sequence[Charge], agreements: Agreements, ends_on: date) -> list[Charge]:
    found = []
    for partner in agreements.partners:
        agreed = agreements.on(partner, ends_on)
        if agreed is None or not agreed.terms.fee.minimum_minor:
            continue
        own = [one for one in fees if (one.partner, one.currency) == (partner, agreed.terms.currency)]
        paid = sum(one.amount_minor for one in own if one.kind == FEE)
        lacking = max(agreed.terms.fee.minimum_minor - paid, 0)
        found.append(Charge(partner, MINIMUM, agreed.terms.currency, agreed.version, 0, 0, paid, lacking))
    return found


def _taxes(charges: Sequence[Charge], agreements: Agreements, rates: Sequence[TaxRate], ends_on: date) -> list[Charge]:
    sums: defaultdict[tuple[str, str, int], int] = defaultdict(int)
    for one in charges:
        if one.kind in (FEE, MINIMUM):
            sums[one.partner, one.currency, one.contract_version] += one.amount_minor
    found = []
    for (partner, currency, version), minor in sums.items():
        terms = agreements.of(partner, version)
        known = [rate for rate in rates if rate.code == terms.tax_code and rate.valid_from <= ends_on]
        if known:
            rate = max(known, key=lambda one: one.valid_from)
            tax = rounded(Fraction(minor * rate.numerator, rate.denominator), terms.rounding)
            found.append(Charge(partner, TAX, currency, version, 0, 0, minor, tax))
    return found


def owed_for(charges: Iterable[Charge]) -> dict[tuple[str, str], int]:
    """What charges bring to each partner and to the operator, by currency: below zero for who owes."""
    found: defaultdict[tuple[str, str], int] = defaultdict(int)
    for one in charges:
        found[one.partner, one.currency] -= one.amount_minor
        found[OPERATOR, one.currency] += one.amount_minor
    return dict(found)


def charge_name(partner: str, kind: str, currency: str, version: int) -> str:
    """How messages name a charge."""
    return f"{partner}: {kind} ({currency}, contract version {version})"
