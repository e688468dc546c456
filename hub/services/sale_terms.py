"""What applies to a sale: the contract and the rate of its day, what they give for it, and from when on until when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from hub.core import ledger
from hub.core.content import instant
from hub.core.errors import Refused
from hub.core.granting import counted_minor, given, spendable
from hub.core.rules import Grant, Sale
from hub.core.terms import Contract, EarningRate
from hub.services.context import Moment, Partner

Reported = Mapping[str, Any]
MAX_AHEAD = timedelta(minutes=5)
"""How far a till's clock may be ahead of business time."""


class Terms(NamedTuple):
    """What applies to the sales of one day: the rate, and what the contract says about its points."""

    rate: EarningRate
    contract: Contract
    day: date

    def expires_on(self, grant: Grant, jurisdiction: str | None) -> date:
        """Return the last day of what is granted to a member of a jurisdiction."""
        return (grant.expiry or self.contract.expiry).on(self.day, jurisdiction)

    @property
    def matures_on(self) -> date:
        """The day from which the points can be spent."""
        return self.contract.maturity.on(self.day)


def terms_on(partner: Partner, day: date) -> Terms:
    """Return what was in force for a partner on ``day``.

    Raises:
        Refused: ``no_contract`` or ``no_rate``.
    """
    contract, rate = partner.contracts.on(day), partner.earning_rates.on(day)
    if contract is None:
        raise Refused("no_contract", f"The partner has no contract in force on {day}.")
    if rate is None:
        raise Refused("no_rate", f"The partner has no earning rate in force on {day}.")
    return Terms(rate, contract, day)


def maturity(terms: Terms, now: datetime) -> date | None:
    """Return the day on which points will mature, or None if they can be spent at ``now``."""
    return terms.matures_on if terms.matures_on > now.date() else None


@lru_cache(maxsize=1_000)
def available_at(matures_on: date | None, posted_at: datetime) -> Mapping[str, str]:
    """Return what an answer says of when points can be spent: nothing while that is for their partner to say."""
    if matures_on is None:
        return {"available_at": instant(posted_at)}
    if matures_on == ledger.WHEN_CONFIRMED:
        return {}
    return {"available_at": instant(datetime.combine(matures_on, time(), UTC))}


def enrols_unknown(partner: Partner, moment: Moment) -> bool:
    """Tell whether the partner's reports enrol members that nobody has named before."""
    contract = partner.contracts.on(moment.day)
    return contract is not None and contract.enrols_unknown


def foreign(partner: Partner, terms: Terms, currency: str) -> dict[str, Any]:
    """Return what rules look at beside a sale in some currency: the rate at which it is converted, if it has to be.

    Raises:
        Refused: ``currency_mismatch``: it would have to be, and there is no rate for the day.
    """
    into = terms.rate.currency
    if currency == into:
        return {}
    dated = partner.currencies.get((currency, into))
    rate = dated.on(terms.day) if dated else None
    if rate is None:
        raise Refused("currency_mismatch", f"The rate in force is in {into}, and {currency} has none into it that day.")
    said = {"into": into, "numerator": rate.numerator, "denominator": rate.denominator, "version": rate.version}
    return {"foreign": said}


def granted(terms: Terms, reported: Reported, sale: Sale) -> list[Grant]:
    """Return what a reported sale gives under ``terms``; ``sale`` is what rules look at of it.

    Raises:
        Refused: ``not_allowed``, ``points_over_cap`` or ``points_mismatch``.
    """
    cards = terms.contract.cards
    if cards is not None and sale.category in cards.excluded:
        raise Refused("not_allowed", f"By the contract, purchases of the category {sale.category} earn nothing.")
    grants = terms.rate.grants(sale) if sale.foreign is None else given(terms.rate.grants, sale)
    points = spendable(grants)
    # No grant may be above the cap either: points that are never spent are not among those counted first.
    most = max([points, *[grant.points for grant in grants]])
    if sale.foreign is not None and counted_minor(sale) > ledger.MAX_MINOR:
        raise Refused("points_over_cap", f"{counted_minor(sale)} {terms.rate.currency} are too much for one sale.")
    if most > ledger.MAX_POINTS:
        raise Refused("points_over_cap", f"{most} points are above the cap of {ledger.MAX_POINTS}.")
    if reported.get("points", points) != points:
        raise Refused("points_mismatch", f"The rate in force gives {points} points.")
    return grants


def check_time(occurred_at: datetime, now: datetime) -> None:
    """Refuse a sale of the future: ``occurred_in_future``."""
    if occurred_at > now + MAX_AHEAD:
        raise Refused("occurred_in_future", f"Business time at the hub is {instant(now)}.")
