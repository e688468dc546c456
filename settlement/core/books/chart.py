"""The chart of accounts: what kinds of accounts there are, and on which side each stands.

An account is named `kind` or `kind:owner`, such as `receivable:grocer`. Amounts are in minor units of one currency; a
balance is debits less credits, so assets and expenses are usually above zero, and what is owed below.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

ASSETS, LIABILITIES, EQUITY, INCOME, EXPENSES = CLASSES = ("Assets", "Liabilities", "Equity", "Income", "Expenses")

RECEIVABLE, PAYABLE, FUND = "receivable", "payable", "fund"
BANK, CLEARING, PAYMENTS = "bank", "clearing", "payments_under_way"
POINTS, REDEMPTIONS, FEES, DISCOUNTS = "points", "redemptions", "fees", "discounts"
BREAKAGE, ADJUSTMENTS, ROUNDING, TAX, WRITE_OFF = "breakage", "adjustments", "rounding", "tax", "write_off"
COLLATERAL, DEFAULT_FUND, PREPAID = "collateral", "default_fund", "prepaid"
ASSESSMENT, GATHERED, CAPITAL = "assessment", "gathered", "capital"


class Kind(NamedTuple):
    """A kind of account: the class that it belongs to, and what is on it."""

    group: str
    meaning: str


CHART: Mapping[str, Kind] = MappingProxyType(
    {
        BANK: Kind(ASSETS, "what is at the operator's bank"),
        RECEIVABLE: Kind(ASSETS, "what a partner owes (IFRS 9, 3.1.1)"),
        ASSESSMENT: Kind(ASSETS, "what a survivor was asked for when another partner failed"),
        CLEARING: Kind(ASSETS, "differences found in reconciliation that were written off"),
        PAYABLE: Kind(LIABILITIES, "what a partner is owed"),
        PAYMENTS: Kind(LIABILITIES, "payments that were given to the bank and that it has not settled"),
        FUND: Kind(LIABILITIES, "what an issuer paid at issue for points not redeemed yet (IFRS 15.106)"),
        TAX: Kind(LIABILITIES, "tax of fees, by code, to be passed on"),
        COLLATERAL: Kind(LIABILITIES, "a partner's own collateral"),
        DEFAULT_FUND: Kind(LIABILITIES, "a partner's share of the default fund"),
        PREPAID: Kind(LIABILITIES, "what a partner paid in beforehand"),
        GATHERED: Kind(LIABILITIES, "what was gathered to pay in a failed partner's place"),
        CAPITAL: Kind(EQUITY, "what the operator stands in with"),
        POINTS: Kind(INCOME, "redeemed points, where the operator is principal (IFRS 15.B35)"),
        FEES: Kind(INCOME, "fees and minimum fees; where the operator is agent, all of its revenue (IFRS 15.B36)"),
        BREAKAGE: Kind(INCOME, "points that expired, where the coalition owns them (IFRS 15.B46)"),
        ADJUSTMENTS: Kind(INCOME, "what disputes brought or cost the operator itself"),
        ROUNDING: Kind(INCOME, "what lines rounded one by one lack of their exact sum"),
        REDEMPTIONS: Kind(EXPENSES, "what redeemed points cost, where the operator is principal"),
        DISCOUNTS: Kind(EXPENSES, "what of the value of its points is not billed to an issuer"),
        WRITE_OFF: Kind(EXPENSES, "differences that the operator bears"),
    }
)


def account(kind: str, owner: str = "") -> str:
    """The account of a kind, of an owner where each has its own."""
    assert kind in CHART
    return f"{kind}:{owner}" if owner else kind


def kind_of(name: str) -> Kind:
    """What an account is."""
    return CHART[name.partition(":")[0]]
