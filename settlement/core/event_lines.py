"""The lines of one event against its price: what the event's points are worth, and how that splits over its lines.

Where points were paid for at issue, the fund's line and the issuer's belong together by number: they share what is due
for one line's points, in the share of the contract in force that day.

The lines of a correction take back a part of what another event's lines came to, rounded as that part is, and that
event may be in an earlier cycle. So their amounts are only held to the price as closely as rounding allows; that they
are exactly what the ledger gives is for the comparison with the ledger to say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from settlement.core.findings import Finding
from settlement.core.funding import fund_part
from settlement.core.lines import Obligation, row_name, why_not_owed
from settlement.core.parties import BREAKAGE, FUND, FUND_LINES, ISSUE, PACK, REIMBURSEMENT
from settlement.core.pricing import split_minor, value_minor

MAX_EVENT_LINES = 100_000
CORRECTION_WITHIN_MINOR = 3
"""How near a correction's amount is to its points times its price: less than this many minor units.

It is the difference of what two splits give a line, and each split is within half a unit (the event's value) and one
(the line's part) of the exact amount.
"""
Share = Callable[[str, date], Fraction]
"""The share that the fund owes of what is owed for a partner's points on a day."""


def check_event(lines: Sequence[Obligation], share: Share = lambda issuer, day: Fraction(0)) -> list[Finding]:
    """Findings of one event's lines, in line order: signs and origin, the same terms, and the event's value."""
    redeemed = [line for line in lines if line.kind == REIMBURSEMENT]
    findings = _not_owed(lines) or (_different_terms(redeemed) if redeemed else [])
    if findings:
        return findings
    worth = _far_from_price if redeemed and redeemed[0].origin else _wrong_shares
    findings = worth(redeemed, share) if redeemed else []
    return findings + [
        finding
        for kind, check in (((ISSUE, False), _wrong_price), ((ISSUE, True), _far_from_price),
                            ((BREAKAGE, False), _wrong_breakage), ((BREAKAGE, True), _far_from_price),
                            ((PACK, False), _wrong_price))
        for finding in check([line for line in lines if (line.kind, bool(line.origin)) == kind], share)
    ]  # fmt: skip


def _not_owed(lines: Sequence[Obligation]) -> list[Finding]:
    reasons = ((line, why_not_owed(line)) for line in lines)
    return [Finding("origin", row_name(*line[:3]), reason) for line, reason in reasons if reason]


def _different_terms(lines: Sequence[Obligation]) -> list[Finding]:
    first = lines[0]
    detail = f"its terms differ from those of line {first.line} of the same event"
    different = (line for line in lines[1:] if _terms(line) != _terms(first))
    return [Finding("event", row_name(*line[:3]), detail) for line in different]


class _Parts(NamedTuple):
    """The lines by which an issuer and the fund together owe for one line's points: either or both."""

    lines: Sequence[Obligation]

    @property
    def points(self) -> int:
        return sum(line.points for line in self.lines)

    def share(self, share: Share) -> Fraction:
        line = self.lines[-1]
        return share(line.points_of or line.issuer, line.business_date)

    def wrong(self, due: int, due_of_fund: int) -> list[tuple[Obligation, int]]:
        """The lines that are not what is due, each with that; a part that is missing shows in the other."""
        named = [(line, due_of_fund if line.issuer == FUND else due - due_of_fund) for line in self.lines]
        found = [(line, owed) for line, owed in named if line.amount_minor != owed]
        alone = len(self.lines) == 1 and not found and named[0][1] != due
        return [(self.lines[0], due)] if alone else found


def _parts(lines: Sequence[Obligation]) -> list[_Parts]:
    """Lines by the line of the event that they are parts of, in its order."""
    found: defaultdict[int, list[Obligation]] = defaultdict(list)
    for line in lines:
        found[line.line % FUND_LINES].append(line)
    return [_Parts(found[number]) for number in sorted(found)]


def _wrong_shares(lines: Sequence[Obligation], share: Share) -> list[Finding]:
    parts = _parts(lines)
    points = [one.points for one in parts]
    value = value_minor(sum(points), lines[0].price_numerator, lines[0].price_denominator)
    if 0 in points:
        return [Finding("value", row_name(*lines[0][:3]), "a line of its event has no points")]
    detail = "amount {}, {} split over the event gives {}"
    return [
        Finding("value", row_name(*line[:3]), detail.format(line.amount_minor, value, owed))
        for one, due in zip(parts, split_minor(value, points), strict=True)
        for line, owed in one.wrong(due, fund_part(due, one.share(share)))
    ]


def _wrong_price(lines: Sequence[Obligation], share: Share) -> list[Finding]:
    due = ((line, value_minor(line.points, line.price_numerator, line.price_denominator)) for line in lines)
    detail = "amount {}, its points and price give {}"
    return [
        Finding("value", row_name(*line[:3]), detail.format(line.amount_minor, owed))
        for line, owed in due
        if line.amount_minor != owed
    ]


def _wrong_breakage(lines: Sequence[Obligation], share: Share) -> list[Finding]:
    detail = "amount {}, its points, price and share give {}"
    found = []
    for one in _parts(lines):
        line = one.lines[0]
        value = value_minor(one.points, line.price_numerator, line.price_denominator)
        of_fund = fund_part(value, one.share(share))
        due = of_fund if line.redeemer == line.points_of else value
        found += [(line, owed) for line, owed in one.wrong(due, of_fund)]
    return [Finding("value", row_name(*line[:3]), detail.format(line.amount_minor, owed)) for line, owed in found]


def _far_from_price(lines: Sequence[Obligation], share: Share) -> list[Finding]:
    detail = "amount {}, which no rounding of {} points at its price gives"
    return [
        Finding("value", row_name(*line[:3]), detail.format(line.amount_minor, one.points))
        for one in _parts(lines)
        for line in one.lines[:1]
        if _from_price(one, share) >= CORRECTION_WITHIN_MINOR + len(one.lines) - 1
    ]


def _from_price(parts: _Parts, share: Share) -> Fraction:
    """How far an amount is from the exact one, in minor units; what an issuer would owe itself is not in it."""
    line = parts.lines[0]
    exact = Fraction(parts.points * line.price_numerator, line.price_denominator)
    owed = parts.share(share) if line.kind == BREAKAGE and line.redeemer == line.points_of else Fraction(1)
    return abs(sum(one.amount_minor for one in parts.lines) - exact * owed)


def _terms(line: Obligation) -> tuple[object, ...]:
    """Redeemer, currency, price, day and origin."""
    return (line.redeemer, *line[7:13])
