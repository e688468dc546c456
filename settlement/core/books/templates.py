"""Templates: what each event posts, by the operator's role towards the issuer of the points.

`owing` and `owed` stand for the accounts of whoever owes and is owed. Of a partner these are what is receivable from it
and payable to it; of the fund what it holds for the issuer of the points; of the operator itself what the event brings.

As agent the operator only arranges that others meet an obligation, so what passes through is no revenue of its own
(IFRS 15.B36). As principal it sells the points' value and bears what it costs: revenue when they are redeemed
(IFRS 15.B35 and B44), and the redeemer's price as cost. What an issuer pays at issue is a contract liability until the
points leave their members (IFRS 15.106). Points that expired and that the coalition owns by their issuer's contract are
the operator's income, whichever its role and whoever pays, since nobody is to be given anything for them (IFRS 15.B46).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from settlement.core import charges, parties
from settlement.core.books import chart
from settlement.core.contracts import AGENT, PRINCIPAL, ROLES

OWING, OWED = "owing", "owed"
Template = Sequence[tuple[str, str]]
"""Pairs of a debited and a credited account: `owing`, `owed`, or one of the chart."""

PASSED_ON: Template = ((OWING, OWED),)
LINES: Mapping[tuple[str, str], Template] = MappingProxyType(
    {
        (parties.REIMBURSEMENT, AGENT): PASSED_ON,
        (parties.REIMBURSEMENT, PRINCIPAL): ((OWING, chart.POINTS), (chart.REDEMPTIONS, OWED)),
        **{(parties.ISSUE, role): PASSED_ON for role in ROLES},
        **{(parties.PACK, role): PASSED_ON for role in ROLES},
        **{(parties.BREAKAGE, role): PASSED_ON for role in ROLES},
        **{(parties.ADJUSTMENT, role): PASSED_ON for role in ROLES},
    }
)
"""By kind of line and role."""

CHARGES: Mapping[str, str] = MappingProxyType(
    {
        charges.FEE: chart.FEES,
        charges.MINIMUM: chart.FEES,
        charges.DISCOUNT: chart.DISCOUNTS,
        charges.ROUNDING: chart.ROUNDING,
        charges.TAX: chart.TAX,
    }
)
"""What a charge is credited to, by its kind; what a partner owes for it is receivable."""
