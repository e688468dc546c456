"""A value splits between fund and issuer into parts that add up, whatever the share."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from settlement.core.event_lines import check_event
from settlement.core.funding import fund_part, issue_line, parted_line
from settlement.core.lines import Obligation, why_not_owed
from settlement.core.parties import BREAKAGE, FUND, FUND_LINES, REIMBURSEMENT
from settlement.core.pricing import split_minor, value_minor

DAY = date(2017, 1, 10)
SHARES = st.builds(Fraction, st.integers(0, 1000), st.just(1000))
PRICES = st.builds(Fraction, st.integers(1, 1000), st.integers(1, 1000))
POINTS = st.integers(1, 10**9)


def whole(points: int, price: Fraction, kind: str = REIMBURSEMENT, redeemer: str = "fuel") -> Obligation:
    minor = value_minor(points, price.numerator, price.denominator)
    fraction = (price.numerator, price.denominator)
    return Obligation("fuel", "e1", 1, "bank", redeemer, points, minor, "EUR", 1, *fraction, DAY, kind=kind)


@given(st.integers(0, 10**15), SHARES)
def test_a_part_is_within_half_a_unit_of_its_share(minor: int, share: Fraction) -> None:
    part = fund_part(minor, share)
    assert 0 <= part <= minor
    assert abs(part - minor * share) <= Fraction(1, 2)


@given(POINTS, PRICES, SHARES, st.sampled_from([REIMBURSEMENT, BREAKAGE]))
def test_the_parts_of_a_line_are_what_the_line_was(points: int, price: Fraction, share: Fraction, kind: str) -> None:
    line = whole(points, price, kind)
    parts = parted_line(line, share)
    assert sum(one.points for one in parts) == points
    assert sum(one.amount_minor for one in parts) == line.amount_minor
    assert {one.line for one in parts} <= {1, 1 + FUND_LINES}
    assert [why_not_owed(one) for one in parts] == [""] * len(parts)
    assert check_event(parts, lambda issuer, day: share if issuer == "bank" else Fraction(0)) == []


@given(POINTS, PRICES, SHARES.filter(bool))
def test_what_an_issuer_would_owe_itself_is_not_written_down(points: int, price: Fraction, share: Fraction) -> None:
    [line] = parted_line(whole(points, price, BREAKAGE, redeemer="bank"), share)
    assert (line.issuer, line.redeemer, line.points_of, line.points) == (FUND, "bank", "bank", points)
    assert check_event([line], lambda issuer, day: share) == []


@given(POINTS, PRICES, SHARES.filter(bool))
def test_what_is_paid_at_issue_is_the_share_of_the_price_rounded_once(
    points: int, price: Fraction, share: Fraction
) -> None:
    line = issue_line(whole(points, price), share)
    assert line.amount_minor == round(points * price * share)
    assert (line.redeemer, line.kind, line.line) == (FUND, "issue", 1 + FUND_LINES)
    assert check_event([line]) == []


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=4), PRICES, SHARES.filter(bool), st.data())
def test_a_part_that_is_altered_or_gone_is_named(
    points: list[int], price: Fraction, share: Fraction, data: st.DataObject
) -> None:
    value = value_minor(sum(points), price.numerator, price.denominator)
    wholes = [
        whole(one, price)._replace(line=number, amount_minor=minor)
        for number, (one, minor) in enumerate(zip(points, split_minor(value, points), strict=True), 1)
    ]
    parts = sorted(part for line in wholes for part in parted_line(line, share))
    place = data.draw(st.integers(0, len(parts) - 1))
    altered = [*parts]
    has_another_part = sum(one.line % FUND_LINES == parts[place].line % FUND_LINES for one in parts) > 1
    if data.draw(st.booleans()) and parts[place].amount_minor and has_another_part:
        del altered[place]
    else:
        altered[place] = parts[place]._replace(amount_minor=parts[place].amount_minor + 1)
    assert check_event(parts, lambda issuer, day: share) == []
    assert check_event(altered, lambda issuer, day: share) != []
