"""Security: what partners and the operator have put up, as accounts in double entry, and the layers made of it.

    collateral:<partner>   its own collateral
    fund:<partner>         its share of the default fund
    capital                what the operator stands in with
    prepaid:<partner>      what a partner paid in beforehand, which is used up by what it owes
    bank                   where it came from and goes to; the other side of deposits and withdrawals
    default:<partner>      what was gathered to pay in a failed partner's place, until that is used for its dues
    assessment:<partner>   what a survivor was asked for beyond its share; below zero until it has paid

Every entry moves an amount from one account to another, so all accounts together are always zero. What somebody has put
up is above zero on his account.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from settlement.core.dues import Account
from settlement.core.parties import OPERATOR
from settlement.core.waterfall import Backer, Layer
from settlement.errors import WaterfallRefused

COLLATERAL, FUND_SHARE, PREPAID_BALANCE = "collateral:", "fund:", "prepaid:"
ASSESSMENT, GATHERED = "assessment:", "default:"
CAPITAL, BANK = "capital", "bank"
DEPOSIT, WITHDRAWAL, DEFAULT = "deposit", "withdrawal", "default"
"""The kinds of orders."""
SUBJECT = "security"
"""The kind of all approvals of orders."""

OWN_COLLATERAL, OWN_FUND, OPERATOR_CAPITAL = "own_collateral", "own_fund", "operator_capital"
SURVIVORS_FUND, ASSESSMENTS = "survivors_fund", "assessment"
USUAL_LAYERS: Sequence[Mapping[str, Any]] = (
    {"layer": OWN_COLLATERAL},
    {"layer": OWN_FUND},
    {"layer": OPERATOR_CAPITAL},
    {"layer": SURVIVORS_FUND},
    {"layer": ASSESSMENTS, "percent_of_fund": 100},
)
"""The order where a coalition has not set one; an assessment is capped at so many percent of a survivor's share."""
MAX_PERCENT = 1_000


class Entry(NamedTuple):
    """An amount, above zero, from one account to another."""

    debit_account: str
    credit_account: str
    currency: str
    amount_minor: int


def order_digest(content: Mapping[str, Any]) -> bytes:
    """SHA-256 over what is ordered, as JSON with sorted names; by it a second operator approves."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"hansa-settlement-security-1\n{text}".encode()).digest()


def layers_of(
    rules: Sequence[Mapping[str, Any]], partner: str, currency: str, balances: Mapping[Account, int]
) -> list[Layer]:
    """The layers of a waterfall for a failed partner, from rules that may hold anything and from what was put up.

    Raises `WaterfallRefused` for a rule that is none.
    """
    return [_layer(rule, partner, currency, balances) for rule in rules]


def entries_ordered(kind: str, content: Mapping[str, Any]) -> list[Entry]:
    """The entries that an order books: those of a default gather what each layer bears for the failed partner."""
    if kind == DEFAULT:
        gathered = GATHERED + content["partner"]
        return [
            Entry(_source(one["layer"], one["party"]), gathered, one["currency"], one["amount_minor"])
            for one in content["borne"]
        ]
    account, currency, minor = content["account"], content["currency"], content["amount_minor"]
    return [Entry(BANK, account, currency, minor) if kind == DEPOSIT else Entry(account, BANK, currency, minor)]


def _layer(rule: object, partner: str, currency: str, balances: Mapping[Account, int]) -> Layer:
    name = str(rule.get("layer")) if isinstance(rule, Mapping) else ""
    fields = {"layer", "percent_of_fund"} if name == ASSESSMENTS else {"layer"}
    if not isinstance(rule, Mapping) or set(rule) != fields or name not in _PARTIES:
        raise WaterfallRefused(
            f"a layer is one of {', '.join(_PARTIES)}, written {{'layer': ...}}; an assessment also has percent_of_fund"
        )
    percent = rule.get("percent_of_fund", 100)
    if type(percent) is not int or not 0 <= percent <= MAX_PERCENT:
        raise WaterfallRefused(f"percent_of_fund is a whole number from 0 to {MAX_PERCENT}")
    backers = []
    for party in _PARTIES[name](partner, balances):
        account = FUND_SHARE + party if name == ASSESSMENTS else _source(name, party)
        put_up = max(balances.get((account, currency), 0), 0)
        if put_up:
            backers.append(Backer(party, put_up * percent // 100, put_up))
    return Layer(name, backers)


def _survivors(partner: str, balances: Mapping[Account, int]) -> list[str]:
    parties = {account.removeprefix(FUND_SHARE) for account, _ in balances if account.startswith(FUND_SHARE)}
    return sorted(parties - {partner})


_PARTIES = {
    OWN_COLLATERAL: lambda partner, _: [partner],
    OWN_FUND: lambda partner, _: [partner],
    OPERATOR_CAPITAL: lambda *_: [OPERATOR],
    SURVIVORS_FUND: _survivors,
    ASSESSMENTS: _survivors,
}
_SOURCES = {
    OWN_COLLATERAL: COLLATERAL,
    OWN_FUND: FUND_SHARE,
    SURVIVORS_FUND: FUND_SHARE,
    ASSESSMENTS: ASSESSMENT,
}


def _source(layer: str, party: str) -> str:
    return CAPITAL if layer == OPERATOR_CAPITAL else _SOURCES[layer] + party
