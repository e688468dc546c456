"""Who owes how much for points that are paid for at issue, wholly or in part.

The fund owes its share of a line's value and the issuer the rest. The value is split by largest remainder, so the two
add up to it; equal remainders go to the fund. A line's points stand once, with the issuer where it owes a part, and
the fund's line stands `FUND_LINES` higher in the event.
"""

from __future__ import annotations

from fractions import Fraction

from settlement.core.lines import Obligation
from settlement.core.parties import BREAKAGE, FUND, FUND_LINES, ISSUE
from settlement.core.pricing import value_minor


def fund_part(minor: int, share: Fraction) -> int:
    """The fund's part of `minor` units at a share from 0 to 1."""
    return (2 * minor * share.numerator + share.denominator) // (2 * share.denominator)


def parted_line(whole: Obligation, share: Fraction) -> list[Obligation]:
    """The lines by which fund and issuer together owe what `whole` says the issuer owes.

    What an issuer would owe itself for its own unused points is not written down.
    """
    if not share:
        return [whole]
    fund_minor = fund_part(whole.amount_minor, share)
    fund = whole._replace(
        line=whole.line + FUND_LINES, issuer=FUND, amount_minor=fund_minor, points_of=whole.issuer
    )  # fmt: skip
    if share == 1 or (whole.kind == BREAKAGE and whole.redeemer == whole.issuer):
        return [fund]
    rest = whole._replace(amount_minor=whole.amount_minor - fund_minor)
    return [rest, fund._replace(points=0)] if fund_minor else [rest]


def issue_line(whole: Obligation, share: Fraction) -> Obligation:
    """The line by which an issuer owes the fund its share of points that are given out; `whole` has their price."""
    price = Fraction(whole.price_numerator, whole.price_denominator) * share
    return whole._replace(
        line=whole.line + FUND_LINES,
        redeemer=FUND,
        amount_minor=value_minor(whole.points, price.numerator, price.denominator),
        price_numerator=price.numerator,
        price_denominator=price.denominator,
        kind=ISSUE,
    )
