"""Points that are paid for at issue: what their issuers owe the fund, and the fund owes for them, as points move.

The rule is one (docs/decisions/0034-funding-at-issue.md): the fund holds the issue price of all points of such an
issuer that members have. So whatever brings points to a member makes their issuer owe the fund, and whatever takes
them away makes the fund owe: the redeemer, whoever owns the breakage, or the issuer that takes them back.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from hub.core import ledger
from hub.core.ledger import Transfer
from hub.core.point_kinds import is_spendable
from hub.services.context import Moment
from settlement.core.contracts import Terms, price_of_kind
from settlement.core.funding import issue_line, parted_line
from settlement.core.parties import BREAKAGE, ISSUE
from settlement.core.pricing import value_minor
from settlement.intake import Obligation


class Funding(NamedTuple):
    """The contract in force under which an issuer pays for its points at issue."""

    version: int
    terms: Terms


def in_force(moment: Moment, issuer: str) -> Funding | None:
    """Return by which contract an issuer pays at issue today, or None where it does not."""
    if issuer not in moment.configuration.funded:
        return None
    partner = moment.configuration.partners[issuer]
    contract = partner.contracts.on(moment.day)
    terms = partner.money.get(contract.version) if contract else None
    return Funding(contract.version, terms) if contract and terms and terms.issue_share else None


def share_of(moment: Moment, issuer: str) -> Fraction:
    """Return the share of what is owed for an issuer's points that the fund owes."""
    found = in_force(moment, issuer)
    return found.terms.issue_share if found else Fraction(0)


def of_transfers(moment: Moment, reporter: str, transfers: Iterable[Transfer]) -> list[Obligation]:
    """Return what is owed when points are issued, expire, or go back to their issuer without a sale to name."""
    if not moment.configuration.funded:
        return []
    return [line for one in transfers if is_spendable(one.kind) for line in _of_transfer(moment, reporter, one)]


def _of_transfer(moment: Moment, reporter: str, transfer: Transfer) -> list[Obligation]:
    found = in_force(moment, transfer.issuer)
    if found is None or ledger.AVAILABLE not in (transfer.debit_account, transfer.credit_account):
        return []
    share = found.terms.issue_share
    if transfer.credit_account == ledger.AVAILABLE:
        return [issue_line(_whole(moment, reporter, found, transfer, transfer.issuer, ISSUE), share)]
    return parted_line(_whole(moment, reporter, found, transfer, _owner(transfer), BREAKAGE), share)


def _owner(transfer: Transfer) -> str:
    """Return whose the value of unused points is: who holds them now, and otherwise their issuer."""
    to_coalition = transfer.credit_account == ledger.redeemed(ledger.COALITION)
    return ledger.COALITION if to_coalition else transfer.issuer


def _whole(moment: Moment, reporter: str, found: Funding, transfer: Transfer, redeemer: str, kind: str) -> Obligation:
    """Return what points of a transfer are worth at issue, as if their issuer owed it alone."""
    price = price_of_kind(found.terms.issue_prices[found.terms.currency], transfer.kind)
    return Obligation(
        partner_id=reporter,
        event_id=transfer.event_id,
        line=transfer.line,
        issuer=transfer.issuer,
        redeemer=redeemer,
        points=transfer.points,
        amount_minor=value_minor(transfer.points, price.numerator, price.denominator),
        currency=found.terms.currency,
        price_version=found.version,
        price_numerator=price.numerator,
        price_denominator=price.denominator,
        business_date=moment.day,
        kind=kind,
    )
