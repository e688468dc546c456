"""The terms of a contract that concern money, read from a document that may hold anything.

A document is a JSON object. What it leaves out is usual: points are paid for when they are redeemed, nothing is
charged, the cycle is a month. What it holds is known, of the right type and in range, or the whole is refused with the
place and the reason; nothing is guessed. Prices and shares are exact fractions, money is whole minor units.

Where a partner is paid stands apart from its other terms: those go into exports, an account does not. The digest of a
version binds both, the account by its own digest.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any, NamedTuple

from settlement.core.accounts import Account, read_account
from settlement.core.packs import PackTerms, read_pack_terms
from settlement.core.term_fields import MAX_MINOR, currency, exact, fields_of, flag, line_of_text, one_of, whole
from settlement.errors import ContractRefused

ON_REDEMPTION, ON_ISSUE = "on_redemption", "on_issue"
PRINCIPAL, AGENT = ROLES = ("principal", "agent")
POSTPAID, PREPAID = FORMS = ("postpaid", "prepaid")
CYCLES = ("monthly", "weekly", "half_monthly", "forty_eight")
ROUNDINGS = ("half_even", "half_up", "down", "up")
REDEEMED, ISSUED = SIDES = ("redeemed", "issued")
ISSUER, COALITION = BREAKAGE_OWNERS = ("issuer", "coalition")
BASE = "base"
"""The class of points whose price is that of every class without one of its own."""
CLASSES = (BASE, "bonus", "promotional")
"""The classes of points that can be spent and so have a price; the part of a kind before its `@`."""

MAX_PRICE = 1_000
"""Most minor units that a point can be worth."""
MAX_DISPUTE_DAYS = 365
USUAL_DISPUTE_DAYS = 14

Prices = Mapping[str, Mapping[str, Fraction]]
"""Minor units a point, by currency and class of points; the currency is the contract's."""

_TERMS = (
    "funding", "issue_prices", "reimbursement_prices", "fee", "billing_percent", "tax_code", "breakage", "role",
    "credit", "cycle", "dispute_days", "rounding", "minimum_payment_minor", "account", "packs",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fee:
    """What a partner is charged for the lines of a cycle that it redeemed, or that were redeemed of its points.

    `per_transaction` and `per_point` are in minor units of the line's currency, `percent` is of the line's value;
    `minimum_minor` is what the fee comes to at least in each cycle, in the contract's currency.
    """

    side: str = REDEEMED
    per_point: Fraction = Fraction(0)
    per_transaction: Fraction = Fraction(0)
    percent: Fraction = Fraction(0)
    minimum_minor: int = 0

    @property
    def is_any(self) -> bool:
        """Whether anything is charged for lines."""
        return bool(self.per_point or self.per_transaction or self.percent)


@dataclass(frozen=True, slots=True)
class Credit:
    """How far a partner may owe: after the fact up to a limit, or out of a balance paid in beforehand.

    postpaid: `limit_minor` is the most that it may owe (None: no limit), from `alert_minor` on the operator is told.
    prepaid: `limit_minor` is the balance to be held, below `alert_minor` the operator is told, and with `hard_stop`
    nothing more is posted once it is used up.
    """

    form: str = POSTPAID
    limit_minor: int | None = None
    alert_minor: int | None = None
    hard_stop: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed about money; see the module for what a document leaves out."""

    currency: str
    """In which the partner is paid and pays, and in which minimum, limit and balance are."""
    issue_share: Fraction = Fraction(0)
    """The share of a point's value, from 0 to 1, that its issuer pays the fund when it is issued."""
    issue_prices: Prices = field(default_factory=dict)
    reimbursement_prices: Prices = field(default_factory=dict)
    """Empty where the redeemer's prices are kept as rates of the hub."""
    fee: Fee = Fee()
    billing_share: Fraction = Fraction(1)
    """The share of what it owes for its points that is billed to it; the operator bears the rest."""
    tax_code: str = ""
    breakage: str = ISSUER
    role: str = PRINCIPAL
    credit: Credit = Credit()
    cycle: str = CYCLES[0]
    dispute_days: int = USUAL_DISPUTE_DAYS
    rounding: str = ROUNDINGS[0]
    minimum_payment_minor: int = 0
    account: Account | None = None
    packs: PackTerms | None = None
    """What holds for points that the partner buys in advance, where it does."""


class Contract(NamedTuple):
    """One published version: what `partner` agreed to from `valid_from` on, with the document and its digest."""

    partner: str
    version: int
    valid_from: date
    document: Mapping[str, Any]
    """The terms as they were agreed, without the account."""
    account_digest: str
    """Of the account, see `account_digest`; "" for none."""
    digest: bytes

    @property
    def terms(self) -> Terms:
        """The terms, read; raises `ContractRefused` when the document is none."""
        return read_terms(self.document)


def contract_of(partner: str, version: int, valid_from: date, document: Mapping[str, Any], account: str) -> Contract:
    """A version with the digest that its fields give; `account` is the account's digest."""
    digest = contract_digest(partner, version, valid_from, document, account)
    return Contract(partner, version, valid_from, document, account, digest)


def contract_digest(partner: str, version: int, valid_from: date, document: Mapping[str, Any], account: str) -> bytes:
    """SHA-256 over a version's fields, a line each: the document as JSON with sorted names and no spaces."""
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    lines = ("hansa-settlement-contract-1", partner, version, valid_from, text, account)
    return hashlib.sha256("\n".join(map(str, lines)).encode()).digest()


def parted(document: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """A document's terms without the account, and the account."""
    terms = dict(document)
    account = terms.pop("account", None)
    return terms, account


def in_force(versions: Iterable[Contract], day: date) -> Contract | None:
    """The version of one partner that holds on a day: the latest to begin, of two of one day the higher."""
    known = sorted(versions, key=lambda one: (one.valid_from, one.version))
    place = bisect_right([one.valid_from for one in known], day)
    return known[place - 1] if place else None


def price_of_kind(prices: Mapping[str, Fraction], kind: str) -> Fraction:
    """The price of a kind of points such as `base` or `promotional@fuel`: its class's own, or that of base points."""
    return prices.get(kind.partition("@")[0], prices[BASE])


def read_terms(document: object) -> Terms:
    """Read a document; raises `ContractRefused` with the place and the reason."""
    found = fields_of(document, "the contract", ("currency",), _TERMS)
    own = currency(found["currency"], "currency")
    terms = Terms(
        own,
        _funding(found.get("funding", ON_REDEMPTION)),
        _prices(found.get("issue_prices", {}), "issue_prices"),
        _prices(found.get("reimbursement_prices", {}), "reimbursement_prices"),
        _fee(found["fee"]) if "fee" in found else Fee(),
        exact(found.get("billing_percent", "100"), "billing_percent", 100) / 100,
        line_of_text(found["tax_code"], "tax_code", 32) if "tax_code" in found else "",
        one_of(found.get("breakage", ISSUER), "breakage", BREAKAGE_OWNERS),
        one_of(found.get("role", PRINCIPAL), "role", ROLES),
        _credit(found["credit"]) if "credit" in found else Credit(),
        one_of(found.get("cycle", CYCLES[0]), "cycle", CYCLES),
        whole(found.get("dispute_days", USUAL_DISPUTE_DAYS), "dispute_days", MAX_DISPUTE_DAYS),
        one_of(found.get("rounding", ROUNDINGS[0]), "rounding", ROUNDINGS),
        whole(found.get("minimum_payment_minor", 0), "minimum_payment_minor"),
        read_account(found["account"]) if "account" in found else None,
        read_pack_terms(found["packs"]) if "packs" in found else None,
    )
    return _consistent(terms)


def _consistent(terms: Terms) -> Terms:
    """Refuse prices that are missing where they are needed, or that nothing would use."""
    if terms.issue_share and terms.currency not in terms.issue_prices:
        raise ContractRefused(f"issue_prices needs a price in {terms.currency}, since points are paid for at issue")
    if terms.packs and terms.issue_share != 1:
        raise ContractRefused("packs are for points that are paid for at issue, all of their price; say so in funding")
    if terms.issue_prices and not terms.issue_share:
        raise ContractRefused("issue_prices is for points that are paid for at issue; say so in funding")
    for name, prices in (("issue_prices", terms.issue_prices), ("reimbursement_prices", terms.reimbursement_prices)):
        if prices.keys() - {terms.currency}:
            raise ContractRefused(f"{name} is in {terms.currency}, in which the partner pays and is paid")
    return terms


def _funding(value: Any) -> Fraction:
    if not isinstance(value, Mapping):
        return Fraction(one_of(value, "funding", (ON_REDEMPTION, ON_ISSUE)) == ON_ISSUE)
    shares = fields_of(value, "funding", (ON_ISSUE, ON_REDEMPTION))
    percents = {name: exact(shares[name], f"funding: {name}", 100) for name in (ON_ISSUE, ON_REDEMPTION)}
    if sum(percents.values()) != 100:
        raise ContractRefused("funding: on_issue and on_redemption are percentages that add up to 100")
    return percents[ON_ISSUE] / 100


def _prices(value: Any, where: str) -> Prices:
    if not isinstance(value, Mapping):
        raise ContractRefused(f"{where} is written as an object from currencies to prices")
    return {currency(name, where): _by_class(prices, f"{where}: {name}") for name, prices in value.items()}


def _by_class(value: Any, where: str) -> Mapping[str, Fraction]:
    prices = fields_of(value, where, (BASE,), CLASSES[1:])
    found = {name: exact(price, f"{where}: {name}", MAX_PRICE) for name, price in prices.items()}
    if not all(found.values()):
        raise ContractRefused(f"{where}: a price is above zero")
    return found


def _fee(value: Any) -> Fee:
    found = fields_of(value, "fee", ("side",), ("per_point", "per_transaction", "percent", "minimum_minor"))
    return Fee(
        one_of(found["side"], "fee: side", SIDES),
        exact(found.get("per_point", "0"), "fee: per_point", MAX_PRICE),
        exact(found.get("per_transaction", "0"), "fee: per_transaction", MAX_MINOR),
        exact(found.get("percent", "0"), "fee: percent", 100) / 100,
        whole(found.get("minimum_minor", 0), "fee: minimum_minor"),
    )


def _credit(value: Any) -> Credit:
    form = value.get("form") if isinstance(value, Mapping) else None
    if form == PREPAID:
        found = fields_of(value, "credit", ("form", "balance_minor"), ("low_minor", "hard_stop"))
        most, alert = "balance_minor", "low_minor"
    else:
        found = fields_of(value, "credit", ("form",), ("limit_minor", "alert_minor"))
        most, alert = "limit_minor", "alert_minor"
    limit_minor, alert_minor = (
        whole(found[name], f"credit: {name}") if name in found else None for name in (most, alert)
    )
    hard_stop = flag(found.get("hard_stop", False), "credit: hard_stop")
    credit = Credit(one_of(form, "credit: form", FORMS), limit_minor, alert_minor, hard_stop)
    if credit.limit_minor is not None and credit.alert_minor is not None and credit.alert_minor > credit.limit_minor:
        raise ContractRefused(f"credit: {alert} is above {most}")
    return credit
