"""Who takes part in the simulated year, and on what terms: drawn from a seed, so that every contract form occurs.

What has a few forms (funding, fees, calendars, roles) is dealt out by turns, so that forty partners have all of them
whatever the seed; what is a number is drawn. `document` writes terms down as an operator would draft them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from random import Random
from typing import Any, NamedTuple

FIRST_DAY = date(2018, 1, 1)
"""A Monday, so that cycles of every calendar begin on it."""
LAST_DAY = date(2018, 12, 31)
CURRENCIES = ("EUR", "USD", "JPY")
CALENDARS = ("monthly", "half_monthly", "forty_eight", "weekly")
ROUNDINGS = ("half_even", "half_up", "down", "up")
TAXES = {"VAT": ("19", "20"), "GST": ("7.5", "8"), "EXEMPT": ("0", "0")}
"""Code -> percent from the first day and from the middle of the year on."""
MID_YEAR = date(2018, 7, 1)
FAILING_MONTH = 7


@dataclass(frozen=True)
class Terms:
    """What a contract says about money; prices are in minor units a point, shares from 0 to 1."""

    valid_from: date
    price: Fraction
    issue_share: Fraction = Fraction(0)
    issue_prices: tuple[tuple[str, Fraction], ...] = ()
    fee_side: str = ""
    per_point: Fraction = Fraction(0)
    per_transaction: Fraction = Fraction(0)
    percent: Fraction = Fraction(0)
    minimum_minor: int = 0
    billed: Fraction = Fraction(1)
    tax_code: str = ""
    role: str = "principal"
    credit: str = ""
    limit_minor: int = 0
    hard_stop: bool = False
    cycle: str = "monthly"
    rounding: str = "half_even"
    minimum_payment_minor: int = 0
    dispute_days: int = 14

    def issue_price(self, kind: str) -> Fraction:
        """The price of a kind of points at issue: its own, or that of base points."""
        prices = dict(self.issue_prices)
        return prices.get(kind, prices["base"])


class Business(NamedTuple):
    """A partner: what its sales give, how long its points live, and the versions of its terms about money."""

    name: str
    currency: str
    base: tuple[int, int]
    """Points for each full so many minor units."""
    bonus: tuple[int, int] | None
    life_months: int
    breakage: str
    refunds: str
    late_days: int | None
    versions: tuple[Terms, ...]

    def terms(self, day: date) -> Terms:
        """Those in force on a day."""
        return [one for one in self.versions if one.valid_from <= day][-1]

    def version(self, day: date) -> int:
        """The number of the version in force on a day; the first, without any money, is 1."""
        return 1 + sum(one.valid_from <= day for one in self.versions)

    def points(self, minor: int) -> list[tuple[str, int]]:
        """What a sale of so many minor units gives, by kind, in the order of its rules."""
        rules = [("base", self.base), *([("bonus", self.bonus)] if self.bonus else [])]
        return [(kind, points * (minor // per)) for kind, (points, per) in rules]


class Size(NamedTuple):
    """How much happens: partners, members, sales and redemptions on each day of trade, and how many such days."""

    partners: int = 40
    members: int = 60
    sales: int = 36
    redemptions: int = 12
    trading_days: int = 2
    statements: int = 2
    """Statements that are written of each cycle; 0 for all."""


SHORT, LONG = Size(), Size(members=400, sales=400, redemptions=120, trading_days=6, statements=0)


class Plan(NamedTuple):
    """The coalition of a seed."""

    seed: int
    size: Size
    businesses: dict[str, Business]
    failing: str

    @property
    def names(self) -> list[str]:
        """All partners, sorted."""
        return sorted(self.businesses)


def plan(seed: int, size: Size) -> Plan:
    """The coalition that a seed stands for."""
    draw = Random(seed)
    made = [_business(draw, place) for place in range(size.partners)]
    failing = next(one.name for one in made if not one.versions[0].issue_share and not one.versions[0].credit)
    businesses = {one.name: one for one in made}
    businesses[failing] = _always_due(businesses[failing])
    return Plan(seed, size, businesses, failing)


def _always_due(business: Business) -> Business:
    """The partner that fails, which has to pay each month; it accepts no points, so it is never owed any."""
    terms = [replace(one, cycle="monthly", minimum_payment_minor=0, minimum_minor=500, fee_side="redeemed")
             for one in business.versions]  # fmt: skip
    return business._replace(versions=tuple(terms))


def _business(draw: Random, place: int) -> Business:
    currency = CURRENCIES[place % 3]
    first = _terms(draw, place)
    versions = (first, *([_later(draw, first)] if place % 4 == 1 else []))
    return Business(
        f"{draw.choice(('bakery', 'cinema', 'diner', 'fuel', 'garden', 'hotel', 'market'))}-{place:02}",
        currency,
        (draw.randint(1, 3), draw.choice((50, 100, 130, 200))),
        (draw.randint(1, 2), draw.choice((300, 700))) if place % 5 in (0, 2) else None,
        draw.randint(1, 6),
        "coalition" if place % 7 == 3 else "issuer",
        "issuer_bears" if place % 3 == 1 else "within_balance",
        draw.randint(3, 6) if place % 4 == 0 else None,
        versions,
    )


def _terms(draw: Random, place: int) -> Terms:
    share = (Fraction(0), Fraction(1), Fraction(0), Fraction(draw.randint(1, 99), 100))[place % 4]
    prices = {"base": _price(draw)} | ({"bonus": _price(draw)} if share and place % 5 == 0 else {})
    fee = draw.randint(0, 2**4 - 1) if place >= 16 else place
    credit = ("", "postpaid", "", "prepaid", "")[place % 5]
    return Terms(
        FIRST_DAY,
        price=_price(draw),
        issue_share=share,
        issue_prices=tuple(prices.items()) if share else (),
        fee_side=draw.choice(("redeemed", "issued")) if fee else "",
        per_point=Fraction(draw.randint(1, 30), 100) if fee & 1 else Fraction(0),
        per_transaction=Fraction(draw.randint(1, 400), 8) if fee & 2 else Fraction(0),
        percent=Fraction(draw.randint(1, 300), 10_000) if fee & 4 else Fraction(0),
        minimum_minor=draw.randint(100, 3_000) if fee & 8 else 0,
        billed=Fraction(draw.choice((50, 80, 99)), 100) if place % 6 == 2 else Fraction(1),
        tax_code=(*TAXES, "")[place % 4],
        role=("principal", "agent")[place // 2 % 2],
        credit=credit,
        limit_minor=draw.randint(300, 3_000) if credit else 0,
        hard_stop=credit == "postpaid" or place % 2 == 0,
        cycle=CALENDARS[place // 3 % 4],
        rounding=ROUNDINGS[place // 2 % 4],
        minimum_payment_minor=draw.randint(1, 4_000) if place % 3 == 0 else 0,
        dispute_days=draw.choice((5, 10, 14)),
    )


def _price(draw: Random) -> Fraction:
    return Fraction(draw.randint(30, 140), draw.choice((7, 90, 100, 128)))


def _later(draw: Random, before: Terms) -> Terms:
    """A version that begins later in the year, with another price, fee and minimum payment."""
    fee = Fraction(draw.randint(0, 50), 100) if before.fee_side else Fraction(0)
    day = FIRST_DAY + timedelta(draw.randint(20, 320))
    return replace(
        before,
        valid_from=day,
        price=_price(draw),
        issue_prices=tuple((kind, _price(draw)) for kind, _ in before.issue_prices),
        per_point=fee,
        billed=Fraction(draw.choice((70, 100)), 100),
        minimum_payment_minor=draw.randint(0, 500),
    )


def document(business: Business, terms: Terms) -> dict[str, Any]:
    """Terms about money as an operator drafts them."""
    whole = {Fraction(0): "on_redemption", Fraction(1): "on_issue"}
    parts = {"on_issue": _percent(terms.issue_share), "on_redemption": _percent(1 - terms.issue_share)}
    found: dict[str, Any] = {
        "currency": business.currency, "funding": whole.get(terms.issue_share, parts),
        "billing_percent": _percent(terms.billed),
        "role": terms.role, "cycle": terms.cycle, "rounding": terms.rounding, "dispute_days": terms.dispute_days,
        "minimum_payment_minor": terms.minimum_payment_minor,
        "reimbursement_prices": {business.currency: {"base": str(terms.price)}},
    }  # fmt: skip
    if terms.issue_share:
        found["issue_prices"] = {business.currency: {kind: str(price) for kind, price in terms.issue_prices}}
    if terms.fee_side:
        found["fee"] = {
            "side": terms.fee_side, "per_point": str(terms.per_point), "per_transaction": str(terms.per_transaction),
            "percent": _percent(terms.percent), "minimum_minor": terms.minimum_minor,
        }  # fmt: skip
    if terms.tax_code:
        found["tax_code"] = terms.tax_code
    return found | ({"credit": _credit(terms)} if terms.credit else {})


def _credit(terms: Terms) -> dict[str, Any]:
    if terms.credit == "postpaid":
        return {"form": "postpaid", "limit_minor": terms.limit_minor, "alert_minor": terms.limit_minor // 2}
    low = terms.limit_minor // 10
    return {"form": "prepaid", "balance_minor": terms.limit_minor, "low_minor": low, "hard_stop": terms.hard_stop}


def _percent(share: Fraction) -> str:
    return str(share * 100)
